"""Ticks: each due moment becomes one row of the ledger, and at most one job."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, func, insert, select

from onbeat.domain.events import Event, OccurrenceDecided
from onbeat.domain.job_filters import JobFilter
from onbeat.domain.recurrence import every
from onbeat.domain.schedules import OccurrenceOutcome, Overlap, parse_catch_up
from onbeat.runtime.tick import Planning, tick
from onbeat.store import listing
from onbeat.store.schedule_rows import columns_of
from onbeat.store.schema import occurrences
from onbeat.store.schema import schedules as schedule_table
from onbeat.store.store import Store
from tests import factories
from tests.contract.beats import MINUTE, again, create, ledger, outcomes
from tests.contract.world import begin, drain, enqueue, everything, find
from tests.timing import START, ManualTiming


async def test_a_due_moment_becomes_one_job_and_one_row(store: Store, timing: ManualTiming) -> None:
    schedule = await create(store, recurrence=every("1m"), args='{"n":1}', queue="q", priority=8)
    timing.set(START + MINUTE)
    await tick(store)  # START itself was due too: it is a whole minute

    [(first, _), (second, job)] = await ledger(store, schedule)

    assert job is not None
    shown = await find(store, job)
    assert (first.due_at, second.due_at) == (START, START + MINUTE)
    assert (shown.schedule, shown.occurrence_at) == (schedule.name, START + MINUTE)
    assert (shown.task, shown.queue, shown.priority) == ("report", "q", 8)


async def test_a_tick_moves_the_schedule_on(store: Store, timing: ManualTiming) -> None:
    schedule = await create(store)

    done = await tick(store)

    after = await again(store, schedule)
    assert (done.fired, after.made, after.last_due_at) == (1, 1, START)
    assert after.next_due_at == START + MINUTE
    assert after.last_job == (await ledger(store, schedule))[0][1]


async def test_a_tick_keeps_what_it_has_no_news_of(store: Store, timing: ManualTiming) -> None:
    schedule = await create(store, overlap=Overlap.SKIP)
    await tick(store)
    before = await again(store, schedule)
    timing.advance(by=MINUTE)

    await tick(store)  # skipped: the first job has not ended

    after = await again(store, schedule)
    assert after.last_job == before.last_job is not None
    assert outcomes(await ledger(store, schedule)) == ["ran", "skipped"]


async def test_each_decision_is_told_as_it_is_on_record(store: Store, timing: ManualTiming) -> None:
    schedule = await create(store, overlap=Overlap.SKIP, catch_up=parse_catch_up("none"))
    told: list[Event] = []
    await tick(store, emit=told.append)
    timing.advance(by=MINUTE)
    await tick(store, emit=told.append)
    timing.advance(by=90 * MINUTE)
    await tick(store, emit=told.append)

    decided = [each for each in told if isinstance(each, OccurrenceDecided)]
    rows = await ledger(store, schedule)
    assert [(each.due_at, each.through_at, each.outcome, each.job) for each in decided] == [
        (row.due_at, row.through_at, row.outcome, job) for row, job in rows
    ]
    assert {each.outcome for each in decided} == {"ran", "skipped", "missed"}
    assert all(each.schedule == schedule.name for each in decided)


async def test_a_tick_with_nothing_due_writes_nothing(store: Store, timing: ManualTiming) -> None:
    await create(store)
    await tick(store)
    before = await everything(store)

    done = await tick(store)

    assert (done.fired, done.skipped, done.promoted) == (0, 0, 0)
    assert await everything(store) == before


async def test_a_tick_takes_no_more_schedules_than_its_limit(store: Store) -> None:
    for _ in range(5):
        await create(store)

    rounds = [(await tick(store, most_schedules=2)).fired for _ in range(4)]

    assert rounds == [2, 2, 1, 0]


async def test_each_moment_fires_once_though_schedulers_race(
    store: Store, other_store: Store
) -> None:
    total = 2_000
    await store.write(lambda connection, now: _many(connection, now, total))

    async def race(at: Store) -> int:
        fired = 0
        while (done := await tick(at, most_schedules=150)).fired:
            fired += done.fired
        return fired

    fired = await asyncio.gather(*(race(at) for at in (store, other_store) for _ in range(2)))

    session = await begin(store)
    taken = await drain(store, session, ["default"], 1_000)
    rows = await store.read(lambda c, _: c.scalar(select(func.count()).select_from(occurrences)))
    assert (sum(fired), len(taken), len(set(taken)), rows) == (total, total, total, total)


def _many(connection: Connection, now: datetime, count: int) -> None:
    model = columns_of(factories.schedule())
    rows = [
        {**model, "id": factories.new_id(), "name": f"s{n}", "made": 0, "version": 1,
         "created_at": now, "next_due_at": now}
        for n in range(count)
    ]  # fmt: skip
    connection.execute(insert(schedule_table), rows)


async def test_a_missed_range_is_one_row_and_the_latest_runs_late(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await create(store)
    timing.advance(by=timedelta(hours=3, seconds=30))

    done = await tick(store)

    [(merged, none), (late, job)] = await ledger(store, schedule)
    assert (merged.due_at, merged.through_at) == (START, START + timedelta(hours=2, minutes=59))
    assert (merged.outcome, none) == (OccurrenceOutcome.COALESCED, None)
    assert (late.due_at, late.outcome) == (START + timedelta(hours=3), OccurrenceOutcome.LATE)
    assert job is not None
    assert done.fired == 1


async def test_a_schedule_that_catches_up_on_nothing_records_what_it_missed(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await create(store, catch_up=parse_catch_up("none"))
    timing.advance(by=timedelta(hours=3, seconds=30))

    done = await tick(store)

    [(missed, job)] = await ledger(store, schedule)
    assert (missed.outcome, job, done.fired) == (OccurrenceOutcome.MISSED, None, 0)
    assert missed.through_at == START + timedelta(hours=3)


async def test_a_schedule_that_cannot_be_planned_is_set_aside_and_the_others_go_on(
    store: Store,
) -> None:
    broken, sound = await create(store), await create(store)
    columns = schedule_table.c
    await store.write(
        lambda c, _: c.execute(
            schedule_table.update()
            .where(columns.id == broken.id)
            .values(recurrence='{"kind":"moon"}')
        )
    )

    done = await tick(store)

    assert (done.fired, outcomes(await ledger(store, sound))) == (1, ["ran"])
    reasons = await store.read(
        lambda c, _: c.scalars(select(columns.broken).where(columns.broken.is_not(None))).all()
    )
    assert len(reasons) == 1
    assert (await tick(store)).fired == 0


async def test_what_a_planner_raises_takes_the_whole_tick_back(store: Store) -> None:
    await create(store)
    before = await everything(store)

    def fail(*_: object) -> Any:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.tick(fail, 10)

    assert await everything(store) == before


async def test_the_next_due_moment_is_the_earlier_of_schedule_and_job(
    store: Store, timing: ManualTiming
) -> None:
    empty = await store.next_due()
    await create(store, start_at=START + timedelta(minutes=20))
    await enqueue(store, delay=timedelta(minutes=7))

    found = await store.next_due()

    assert (empty.schedule_at, empty.job_at, empty.wait) == (None, None, None)
    assert (found.schedule_at, found.job_at) == (START + timedelta(minutes=20),
                                                 START + timedelta(minutes=7))  # fmt: skip
    assert (found.now, found.wait) == (START, timedelta(minutes=7))


async def test_a_moment_on_record_makes_no_second_job(store: Store) -> None:
    schedule = await create(store)
    planning = Planning(store.ids)
    await store.tick(planning.plan_all, 10)
    await store.write(lambda c, now: c.execute(schedule_table.update().values(next_due_at=now)))

    await store.tick(planning.plan_all, 10)

    assert len(await ledger(store, schedule)) == 1
    assert len(await store.read(lambda c, now: listing.list_jobs(c, now, JobFilter()))) == 1
