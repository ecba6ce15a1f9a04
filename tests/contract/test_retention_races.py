"""What is kept beside those who change what is kept, or run again what would go."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from random import Random

import asyncpg
import pytest

from onbeat.domain.attempts import LogLine
from onbeat.domain.errors import NotFound
from onbeat.domain.jobs import JobId
from onbeat.domain.retention import Keep, Subject
from onbeat.domain.states import State
from onbeat.runtime.cleaner import CLEAN_EVERY, Cleaner
from onbeat.store import history, jobs, retention
from onbeat.store.cleaning import AT_ONCE
from onbeat.store.history import StoredLine
from onbeat.store.schema import attempts, finished, logs
from onbeat.store.store import Store
from onbeat.store.verify.walk import verify
from tests import factories
from tests.contract.test_retention import KEEP, TERM, clean, end, keep, on_record, rows
from tests.contract.world import acked, begin, state
from tests.timing import ManualTiming
from tests.waiting import wait_for

SEND = Subject("task", "send")

on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

WAIT = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


async def buried(store: Store, count: int) -> list[JobId]:
    """So many dead letters, all at one moment."""
    wanted = factories.jobs(count)
    await store.enqueue(wanted)
    session = await begin(store, TERM)
    while claimed := await store.claim(session.id, ["default"], 1_000):
        await acked(store, *(factories.ack(each, "bury") for each in claimed))
    return [each.id for each in wanted]


@pytest.mark.parametrize("change", ["keeps more", "is taken away"])
async def test_a_round_under_way_keeps_to_the_rule_as_it_has_become(
    store: Store, change: str
) -> None:
    at_once = AT_ONCE[store.engine]
    await buried(store, 3 * at_once)
    await keep(store, "task", "send", Keep(failed=0))
    duty = Cleaner(store, KEEP)
    await duty.step()
    assert len(await on_record(store)) == 2 * at_once

    await edit(store, change)
    while await duty.step() < CLEAN_EVERY:
        pass

    assert len(await on_record(store)) == 2 * at_once


@on_postgresql
@pytest.mark.parametrize("change", ["keeps more", "is taken away"])
async def test_once_an_edit_has_been_made_a_batch_under_way_removes_nothing_it_keeps(
    store: Store, other_store: Store, change: str
) -> None:
    """A batch that has read its rule, and waits for a row of what is to go, while it changes."""
    await buried(store, 3)
    await keep(store, "task", "send", Keep(failed=0))

    async def kept_by_edit() -> set[str]:
        await edit(other_store, change)
        return await on_record(other_store)

    holder = await asyncpg.connect(store.url)
    try:
        async with holder.transaction():
            await holder.execute("SELECT FROM onbeat_finished FOR UPDATE")
            batch = asyncio.create_task(Cleaner(store, KEEP).step())
            await wait_for(lambda: _wait(holder, 1), what="the batch to wait for the row")
            editing = asyncio.create_task(kept_by_edit())
            await wait_for(lambda: _is_through_or_waits(holder, editing), what="the edit")
    finally:
        await holder.close()
    await batch

    assert await on_record(store) == await editing


async def _is_through_or_waits(holder: asyncpg.Connection, editing: asyncio.Task[set[str]]) -> bool:
    return editing.done() or await _wait(holder, 2)


async def _wait(holder: asyncpg.Connection, count: int) -> bool:
    return bool(await holder.fetchval(WAIT) == count)


async def edit(store: Store, change: str) -> None:
    """Somebody changes the rule of a task whose jobs would all go."""
    if change == "keeps more":
        more = Keep(failed=1_000_000).rule
        await store.write(partial(retention.set_rule, subject=SEND, rule=more, by="ann"))
    else:
        await store.write(partial(retention.remove, subject=SEND, by="ann"))


async def test_beside_an_edit_and_a_redrive_nothing_kept_is_lost_and_all_else_goes(
    store: Store,
) -> None:
    dead = await buried(store, 3 * AT_ONCE["postgresql"])
    await keep(store, "task", "send", Keep(failed=0))
    again: set[JobId] = set()

    async def redrive(some: list[JobId]) -> None:
        for job in some:
            try:
                await store.write(partial(jobs.revive, job=job))
            except NotFound:
                continue
            again.add(job)

    async def edit_again() -> None:
        for _ in range(10):
            await keep(store, "task", "send", Keep(failed=1_000_000))
            await asyncio.sleep(0)
            await keep(store, "task", "send", Keep(failed=0))

    mixed = Random(1).sample(dead, len(dead) // 2)
    streams = [redrive(mixed[each::4]) for each in range(4)]
    await asyncio.gather(clean(store), edit_again(), *streams)
    await clean(store)

    assert await on_record(store) == again
    assert {await state(store, job) for job in again} <= {State.PENDING}
    assert await rows(store, finished) == [0]
    assert (await verify(store)).breaches == []


async def test_attempts_and_lines_of_all_the_days_a_job_took_go_with_it(
    store: Store, timing: ManualTiming
) -> None:
    [job] = await end(store, 1, "bury")
    late = timing.now() + timedelta(hours=20)
    early = timing.now() - timedelta(hours=20)
    for number, at in enumerate((early, late)):
        line = LogLine(at=at, level="info", message="m", fields="{}")
        kept = StoredLine(job, 1, number, line)
        await store.write(partial(history.write_lines, lines=[kept]))
    timing.advance(seconds=40 * 86_400)
    await store.write(partial(jobs.revive, job=job))
    session = await begin(store, TERM)
    [claimed] = await store.claim(session.id, ["default"], 1)
    await acked(store, factories.ack(claimed))
    assert await rows(store, finished, attempts, logs) == [1, 2, 2]
    timing.advance(seconds=100 * 86_400)

    await clean(store)

    assert await rows(store, finished, attempts, logs) == [0, 0, 0]
