"""Ticks: each due moment becomes one row of the ledger, and at most one job."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, func, insert, select

from onbeat.domain.jobs import JobId
from onbeat.domain.recurrence import every, once
from onbeat.domain.schedules import Occurrence, OccurrenceOutcome, Overlap, Schedule, parse_catch_up
from onbeat.runtime.tick import Planning, tick
from onbeat.store import jobs, schedules
from onbeat.store.schema import occurrences
from onbeat.store.schema import schedules as schedule_table
from onbeat.store.store import Store
from tests import factories
from tests.contract.world import acked, begin, cancel, claim_one, drain, enqueue, everything, find
from tests.timing import START, ManualTiming

MINUTE = timedelta(minutes=1)


async def create(store: Store, **fields: Any) -> Schedule:
    wanted = factories.schedule(**fields)
    return await store.write(lambda connection, now: schedules.create(connection, now, wanted))


async def change(store: Store, schedule: Schedule) -> Schedule:
    return await store.write(lambda connection, now: schedules.change(connection, now, schedule))


async def again(store: Store, schedule: Schedule) -> Schedule:
    """The schedule as it is stored now."""
    return await store.read(lambda c, now: schedules.find(c, now, schedule.name))


async def ledger(store: Store, schedule: Schedule) -> list[tuple[Occurrence, JobId | None]]:
    """What is on record of a schedule's moments, oldest first."""
    rows = await store.read(lambda c, now: schedules.list_occurrences(c, now, schedule.name))
    return list(reversed(rows))


def outcomes(rows: list[tuple[Occurrence, JobId | None]]) -> list[str]:
    return [str(occurrence.outcome) for occurrence, _ in rows]


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

    rounds = [(await tick(store, schedules=2)).fired for _ in range(4)]

    assert rounds == [2, 2, 1, 0]


async def test_each_moment_fires_once_though_schedulers_race(
    store: Store, other_store: Store
) -> None:
    total = 2_000
    await store.write(lambda connection, now: _many(connection, now, total))

    async def race(at: Store) -> int:
        fired = 0
        while (done := await tick(at, schedules=150)).fired:
            fired += done.fired
        return fired

    fired = await asyncio.gather(*(race(at) for at in (store, other_store) for _ in range(2)))

    session = await begin(store)
    taken = await drain(store, session, ["default"], 1_000)
    rows = await store.read(lambda c, _: c.scalar(select(func.count()).select_from(occurrences)))
    assert (sum(fired), len(taken), len(set(taken)), rows) == (total, total, total, total)


def _many(connection: Connection, now: datetime, count: int) -> None:
    model = schedules._columns(factories.schedule())
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


async def test_a_schedule_stops_at_its_limit(store: Store, timing: ManualTiming) -> None:
    schedule = await create(store, limit=2, overlap=Overlap.ALLOW)
    for _ in range(4):
        await tick(store)
        timing.advance(by=MINUTE)

    after = await again(store, schedule)

    assert (after.made, after.next_due_at) == (2, None)
    assert outcomes(await ledger(store, schedule)) == ["ran", "ran"]


async def test_a_schedule_stops_after_its_end_which_counts(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await create(store, end_at=START + MINUTE, overlap=Overlap.ALLOW)
    for _ in range(4):
        await tick(store)
        timing.advance(by=MINUTE)

    assert (await again(store, schedule)).next_due_at is None
    assert [row.due_at for row, _ in await ledger(store, schedule)] == [START, START + MINUTE]


async def test_a_schedule_of_one_moment_fires_once_and_rests(store: Store) -> None:
    schedule = await create(store, recurrence=once(START))

    await tick(store)

    assert (await again(store, schedule)).next_due_at is None
    assert outcomes(await ledger(store, schedule)) == ["ran"]


@pytest.mark.parametrize("end", ["complete", "bury", "cancel"])
async def test_a_schedule_that_rests_after_its_job_is_due_again_from_its_end(
    store: Store, timing: ManualTiming, end: str
) -> None:
    schedule = await create(store, recurrence=every("10m", after_finish=True))
    await tick(store)
    waiting = await again(store, schedule)
    timing.advance(by=timedelta(minutes=3))

    if end == "cancel":
        assert waiting.last_job is not None
        await cancel(store, waiting.last_job)
    else:
        claimed = await claim_one(store, await begin(store))
        await acked(store, factories.ack(claimed, end))

    assert waiting.next_due_at is None
    assert (await again(store, schedule)).next_due_at == START + timedelta(minutes=13)


async def test_a_job_to_be_retried_does_not_yet_release_its_schedule(store: Store) -> None:
    schedule = await create(store, recurrence=every("10m", after_finish=True))
    await tick(store)

    await acked(store, factories.ack(await claim_one(store, await begin(store)), "retry"))

    assert (await again(store, schedule)).next_due_at is None


async def test_a_schedule_that_rests_after_its_job_keeps_its_limit(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await create(store, recurrence=every("10m", after_finish=True), limit=2)
    session = await begin(store)

    for _ in range(4):
        await tick(store)
        for claimed in await store.claim(session.id, ["default"], 10):
            await acked(store, factories.ack(claimed))
        timing.advance(by=timedelta(minutes=10))

    assert (await again(store, schedule)).made == 2


async def test_a_job_enqueued_by_hand_releases_no_schedule(store: Store) -> None:
    schedule = await create(store, recurrence=every("10m", after_finish=True), queue="mine")
    await tick(store)
    await enqueue(store)

    await acked(store, factories.ack(await claim_one(store, await begin(store))))

    assert (await again(store, schedule)).next_due_at is None


async def test_a_paused_schedule_is_not_due(store: Store, timing: ManualTiming) -> None:
    schedule = await create(store)
    await store.write(lambda c, now: schedules.pause(c, now, schedule.name, "ann"))
    timing.advance(by=MINUTE)

    done = await tick(store)

    assert (done.fired, done.skipped) == (0, 0)
    assert (await store.next_due()).schedule_at is None


async def test_resuming_records_the_skipped_range_and_goes_on_from_now(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await create(store)
    await store.write(lambda c, now: schedules.pause(c, now, schedule.name, "ann"))
    timing.advance(by=timedelta(minutes=90, seconds=30))

    await store.write(lambda c, now: schedules.resume(c, now, schedule.name))

    [(row, _)] = await ledger(store, schedule)
    assert (row.due_at, row.through_at) == (START, START + timedelta(minutes=90))
    assert (row.outcome, row.reason) == (OccurrenceOutcome.SKIPPED, "paused by ann")
    assert (await again(store, schedule)).next_due_at == START + timedelta(minutes=91)


async def test_a_moment_that_comes_just_as_the_schedule_is_resumed_fires(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await create(store)
    await store.write(lambda c, now: schedules.pause(c, now, schedule.name, "ann"))
    await store.write(lambda c, now: schedules.resume(c, now, schedule.name))

    done = await tick(store)

    [(row, job)] = await ledger(store, schedule)
    assert (done.fired, row.due_at, row.outcome) == (1, START, OccurrenceOutcome.RAN)
    assert job is not None


async def test_a_pause_that_outlasts_the_schedule_is_recorded_up_to_its_end(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await create(store, end_at=START + timedelta(minutes=5))
    await store.write(lambda c, now: schedules.pause(c, now, schedule.name, "ann"))
    timing.advance(by=timedelta(hours=1, seconds=1))

    await store.write(lambda c, now: schedules.resume(c, now, schedule.name))

    [(row, _)] = await ledger(store, schedule)
    assert row.through_at == START + timedelta(minutes=5)
    assert (await again(store, schedule)).next_due_at is None


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
    await store.write(
        lambda c, now: c.execute(schedule_table.update().values(next_due_at=now))
    )

    await store.tick(planning.plan_all, 10)

    assert len(await ledger(store, schedule)) == 1
    assert len(await store.read(lambda c, now: jobs.list_jobs(c, now, jobs.JobFilter()))) == 1


async def test_editing_when_a_schedule_is_due_computes_its_next_moment_from_now(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await create(store)
    await tick(store)
    timing.advance(seconds=20)

    changed = await change(
        store, factories.schedule(name=schedule.name, recurrence=every("1h"), queue="other")
    )

    assert (changed.next_due_at, changed.version, changed.queue, changed.made) == (
        START + timedelta(hours=1), 2, "other", 1,
    )  # fmt: skip
