"""Jobs that were asked for are counted once each, whoever counts."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import partial

import asyncpg
import pytest
from sqlalchemy import Connection

from onbeat.domain.health import Slice
from onbeat.domain.meters import Meter
from onbeat.runtime.tick import tick
from onbeat.runtime.watcher import QUIET_EVERY, Watcher
from onbeat.store import enqueued, meters
from onbeat.store.store import Store
from tests import factories
from tests.contract.beats import create
from tests.timing import ManualTiming

OVER = timedelta(seconds=30)
"""After so long it is known what there is."""


async def ask(store: Store, *tasks: str) -> None:
    await store.enqueue([factories.job(id=store.new_id(), task=task) for task in tasks])


async def watched(store: Store, timing: ManualTiming, watcher: Watcher) -> None:
    """Let time pass, and the watcher look until it has nothing to do."""
    for _ in range(2):
        timing.advance(by=OVER)
        while (rest := await watcher.step()) < QUIET_EVERY:
            timing.advance(seconds=rest)


async def counted(store: Store) -> dict[tuple[str, ...], int]:
    return {
        each.labels: each.number
        for each in await store.read(meters.read)
        if each.meter is Meter.ENQUEUED
    }


async def test_each_job_is_counted_once_by_queue_task_and_what_asked_for_it(
    store: Store, timing: ManualTiming
) -> None:
    watcher = Watcher(store)
    await watched(store, timing, watcher)
    await create(store, queue="reports")
    await tick(store)
    await ask(store, "send", "send", "charge")

    await watched(store, timing, watcher)
    await ask(store, "send")
    await watched(store, timing, watcher)

    assert await counted(store) == {
        ("default", "send", "call"): 3, ("default", "charge", "call"): 1,
        ("reports", "report", "schedule"): 1,
    }  # fmt: skip


async def test_it_is_counted_from_the_first_look_on(store: Store, timing: ManualTiming) -> None:
    await ask(store, "before")
    watcher = Watcher(store)
    timing.advance(by=OVER)
    await watched(store, timing, watcher)

    assert await counted(store) == {}


async def test_who_takes_over_goes_on_where_the_other_was(
    store: Store, other_store: Store, timing: ManualTiming
) -> None:
    first = Watcher(store)
    await watched(store, timing, first)
    await ask(store, "send")
    await watched(store, timing, first)
    await ask(store, "send")
    timing.advance(by=timedelta(days=2))
    await ask(store, "send")

    await watched(other_store, timing, Watcher(other_store))

    assert await counted(store) == {("default", "send", "call"): 3}


async def test_what_two_count_at_once_is_added_once(store: Store, timing: ManualTiming) -> None:
    watcher = Watcher(store)
    await watched(store, timing, watcher)
    await ask(store, "send")
    was = (await store.read(enqueued.reach)).counted_to
    of = Slice(timing.now(), timing.now() + OVER)
    found = await store.read(partial(enqueued.tallied, wanted=of))

    adds = [partial(enqueued.add, was=was, to=of.until, found=found) for _ in range(2)]

    assert [await store.write(each) for each in adds] == [True, False]
    assert await counted(store) == {("default", "send", "call"): 1}


@pytest.mark.parametrize("ahead", [timedelta(minutes=-4), timedelta(minutes=4)])
async def test_jobs_are_counted_whatever_the_clock_of_who_asks_says(
    store: Store, timing: ManualTiming, ahead: timedelta
) -> None:
    watcher = Watcher(store)
    await watched(store, timing, watcher)
    await ask(store, "send")
    await watched(store, timing, watcher)
    made = int((timing.now() + ahead).timestamp() * 1000)
    id_ = f"{made:012x}{store.new_id()[12:]}"

    await store.enqueue([factories.job(id=id_, task="send")])
    await watched(store, timing, watcher)
    timing.advance(by=timedelta(minutes=10))
    await watched(store, timing, watcher)

    assert await counted(store) == {("default", "send", "call"): 2}


async def test_what_is_stored_long_after_its_id_was_made_is_counted(
    store: Store, timing: ManualTiming
) -> None:
    watcher, ids = Watcher(store), [store.new_id() for _ in range(3)]
    await watched(store, timing, watcher)
    for id_ in ids:
        await store.enqueue([factories.job(id=id_, task="send")])
        await watched(store, timing, watcher)

    assert await counted(store) == {("default", "send", "call"): 3}


async def test_a_look_reads_what_lies_near_alone(store: Store, timing: ManualTiming) -> None:
    of = Slice(timing.now(), timing.now() + OVER)

    def plan(connection: Connection, now: datetime) -> str:
        is_postgres = connection.dialect.name == "postgresql"
        query = enqueued.tallies_query(of).compile(
            dialect=connection.dialect, compile_kwargs={"literal_binds": True}
        )
        if is_postgres:  # an empty table is read whole, whatever there is
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        explain = "EXPLAIN (COSTS OFF)" if is_postgres else "EXPLAIN QUERY PLAN"
        return "\n".join(str(row[-1]) for row in connection.exec_driver_sql(f"{explain} {query}"))

    found = await store.read(plan)

    assert "(id>? AND id<?)" in found or re.search(r"Index Cond: \(\(id >= .* AND \(id < ", found)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_job_that_a_slow_transaction_commits_is_counted(
    store: Store, timing: ManualTiming
) -> None:
    watcher, slow = Watcher(store), await asyncpg.connect(store.url)
    await watched(store, timing, watcher)
    try:
        held = slow.transaction()
        await held.start()
        await slow.fetch("SELECT pg_current_xact_id()")
        await ask(store, "send")
        await watched(store, timing, watcher)
        early = await counted(store)
        await held.commit()
    finally:
        await slow.close()

    await watched(store, timing, watcher)

    assert early == {}
    assert await counted(store) == {("default", "send", "call"): 1}
