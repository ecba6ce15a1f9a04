"""Backfills: moments that are over get a job after all or again, a bounded number at one time."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from onbeat.domain.backfills import Backfill, Gaps, Wanted
from onbeat.domain.errors import Conflict, InvalidInput, NotFound
from onbeat.domain.jobs import JobId
from onbeat.domain.recurrence import every
from onbeat.domain.schedules import Schedule
from onbeat.domain.states import State
from onbeat.runtime.scheduler import Scheduler
from onbeat.runtime.tick import tick
from onbeat.store import backfills, jobs, schedules, triggers
from onbeat.store.store import Store
from onbeat.store.verify.walk import verify
from tests import factories
from tests.contract.beats import again, change, create, ledger
from tests.contract.world import acked, begin, claim_one, find, state
from tests.timing import START, ManualTiming

HOUR = timedelta(hours=1)


@pytest.fixture
async def hourly(store: Store, timing: ManualTiming) -> Schedule:
    """A schedule of every hour: nobody ticked at four of its moments, and the fifth ran late."""
    made = await create(store, recurrence=every("1h"))
    timing.advance(by=4.5 * HOUR)
    await tick(store)
    [(_, _), (_, late)] = await ledger(store, made)
    assert late is not None
    await store.write(lambda connection, now: jobs.cancel(connection, now, late, "not asked for"))
    return made


def wanted(schedule: Schedule, **fields: Any) -> Wanted:
    given = {"begin": START, "end": START + 4 * HOUR, **fields}
    return Wanted(schedule=schedule.name, **given)


async def fill(store: Store, schedule: Schedule, **fields: Any) -> Backfill:
    begun = partial(backfills.begin, identity=store.new_id(), wanted=wanted(schedule, **fields))
    return await store.write(begun)


async def gaps(store: Store, schedule: Schedule, **fields: Any) -> Gaps:
    return (await store.read(partial(backfills.gaps, wanted=wanted(schedule, **fields))))[1]


async def go_on(store: Store) -> int:
    return (await store.write(partial(backfills.go_on, new_id=store.new_id))).jobs


async def seen(store: Store, backfill: Backfill) -> Backfill:
    return await store.read(partial(backfills.find, identity=backfill.id))


async def trigger(store: Store, schedule: Schedule, at: datetime | None = None) -> JobId:
    job, backfill = store.ids.many(2)
    made = partial(
        triggers.trigger, name=schedule.name, job=job, at=at, by="ann", backfill=backfill
    )
    await store.write(made)
    return job


async def run_next(store: Store) -> datetime | None:
    """Run the next pending job to its end; the moment it was made for."""
    session = await begin(store)
    claimed = await claim_one(store, session)
    await acked(store, factories.ack(claimed))
    return (await find(store, claimed.id)).occurrence_at


async def test_a_backfill_makes_the_jobs_that_were_not_made_the_oldest_first(
    store: Store, hourly: Schedule
) -> None:
    backfill = await fill(store, hourly, by="ann", why="the disk was full")

    ran = []
    while await go_on(store):
        ran.append(await run_next(store))
    done = await seen(store, backfill)

    assert ran == [START + n * HOUR for n in range(4)]
    assert (done.made, done.total, done.open, done.stopped) == (4, 4, 0, None)
    assert (done.by, done.why) == ("ann", "the disk was full")
    assert done.ended_at is not None


@pytest.mark.parametrize("at_once", [1, 3, 100])
async def test_so_many_of_its_jobs_are_open_at_one_time(
    store: Store, hourly: Schedule, at_once: int
) -> None:
    backfill = await fill(store, hourly, at_once=at_once)

    await go_on(store)
    await go_on(store)

    assert (await seen(store, backfill)).open == min(at_once, 4)


async def test_a_job_that_waits_for_its_next_attempt_is_open(
    store: Store, hourly: Schedule
) -> None:
    await fill(store, hourly)
    await go_on(store)
    claimed = await claim_one(store, await begin(store))

    await acked(store, factories.ack(claimed, "retry", delay=HOUR))

    assert await go_on(store) == 0


async def test_moments_that_had_a_job_are_left_alone_unless_they_are_wanted_again(
    store: Store, hourly: Schedule
) -> None:
    first = await gaps(store, hourly)
    again_too = await gaps(store, hourly, again=True)
    await fill(store, hourly, end=START + HOUR)

    assert (len(first.moments), first.passed) == (4, 1)
    assert (len(again_too.moments), again_too.passed) == (5, 0)
    assert (await gaps(store, hourly)).moments == [START + 2 * HOUR, START + 3 * HOUR]


async def test_a_backfill_of_nothing_is_refused(store: Store, hourly: Schedule) -> None:
    await fill(store, hourly)

    with pytest.raises(
        Conflict, match=r"all 5 moments .* have had a job; .* --again, or again=True"
    ):
        await fill(store, hourly)


async def test_what_the_ledger_says_stays_and_it_tells_what_was_made_by_hand(
    store: Store, hourly: Schedule
) -> None:
    before = await ledger(store, hourly)
    await fill(store, hourly, at_once=3)

    await go_on(store)

    told = await ledger(store, hourly)
    assert [(each.outcome, each.due_at, job) for each, job in told] == [
        (each.outcome, each.due_at, job) for each, job in before
    ]
    assert [each.reruns for each, _ in told] == [3, 0]
    assert (await verify(store)).breaches == []


async def test_moments_before_the_schedule_existed_can_be_filled(
    store: Store, hourly: Schedule
) -> None:
    backfill = await fill(store, hourly, begin=START - 3 * HOUR, end=START - HOUR)

    await go_on(store)

    assert backfill.total == 3
    assert await run_next(store) == START - 3 * HOUR


async def test_the_schedule_goes_on_beside_its_backfill(
    store: Store, timing: ManualTiming, hourly: Schedule
) -> None:
    await fill(store, hourly)
    await go_on(store)
    timing.advance(by=0.5 * HOUR)

    await tick(store)

    newest = (await ledger(store, hourly))[-1]
    assert (newest[0].due_at, newest[0].outcome) == (START + 5 * HOUR, "ran")


async def test_a_backfill_that_is_stopped_makes_no_more_and_ends_none(
    store: Store, hourly: Schedule
) -> None:
    backfill = await fill(store, hourly)
    await go_on(store)

    stopped = await store.write(partial(backfills.stop, identity=backfill.id, by="ann"))
    await run_next(store)

    assert (stopped.made, stopped.stopped) == (1, "by ann")
    assert await go_on(store) == 0
    with pytest.raises(Conflict, match="has ended"):
        await store.write(partial(backfills.stop, identity=backfill.id, by="bob"))


async def test_a_backfill_ends_with_its_schedule(store: Store, hourly: Schedule) -> None:
    backfill = await fill(store, hourly)

    await store.write(partial(schedules.remove, name=hourly.name))

    assert await go_on(store) == 0
    assert (await seen(store, backfill)).stopped == "its schedule was removed"


async def test_its_jobs_are_what_the_schedule_asks_for(store: Store, timing: ManualTiming) -> None:
    schedule = await create(
        store, recurrence=every("1h"), task="report", args='{"tenant":"acme"}', queue="slow",
        priority=8, max_attempts=7, options='{"timeout":60.0}',
    )  # fmt: skip
    timing.advance(by=HOUR)
    await fill(store, schedule, end=START)
    await go_on(store)

    claimed = await claim_one(store, await begin(store), "slow")

    assert (claimed.task, claimed.max_attempts) == ("report", 7)
    assert json.loads(claimed.args) == {"tenant": "acme"}
    assert json.loads(claimed.options or "") == {"timeout": 60.0}
    assert (await find(store, claimed.id)).priority == 8


async def test_a_backfill_may_have_a_priority_of_its_own(store: Store, hourly: Schedule) -> None:
    await fill(store, hourly, priority=0)
    await go_on(store)

    claimed = await claim_one(store, await begin(store))

    assert (await find(store, claimed.id)).priority == 0


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({"begin": START + 4 * HOUR, "end": START}, "to", "is before from"),
        ({"end": START + 9 * HOUR}, "to", "is yet to come"),
        ({"begin": START.replace(tzinfo=None)}, "from", "has no time zone"),
        ({"begin": START + timedelta(minutes=1), "end": START + 0.5 * HOUR}, "from", "no moment"),
        ({"begin": START - 200_000 * HOUR}, "to", "more than 100,000 moments"),
    ],
)
async def test_a_range_that_cannot_be_filled_is_refused(
    store: Store, hourly: Schedule, fields: dict[str, Any], field: str, reason: str
) -> None:
    with pytest.raises(InvalidInput, match=reason) as refused:
        await fill(store, hourly, **fields)

    assert refused.value.field == field


async def test_what_has_no_moments_cannot_be_filled(store: Store) -> None:
    resting = await create(store, recurrence=every("1h", after_finish=True))

    with pytest.raises(InvalidInput, match="has no moments to fill"):
        await fill(store, resting, end=START)


async def test_a_backfill_nobody_knows_is_told(store: Store, hourly: Schedule) -> None:
    with pytest.raises(NotFound, match="no backfill"):
        await store.read(partial(backfills.find, identity=factories.new_id()))


async def test_a_scheduler_moves_backfills_on(store: Store, hourly: Schedule) -> None:
    backfill = await fill(store, hourly, at_once=2)
    scheduler = Scheduler(store)

    await scheduler.step()

    assert (await seen(store, backfill)).open == 2


async def test_a_scheduler_looks_again_soon_while_a_backfill_is_under_way(
    store: Store, hourly: Schedule
) -> None:
    await fill(store, hourly)

    assert await Scheduler(store).step() <= 0.1


async def test_a_triggered_job_belongs_to_its_schedule_and_no_moment(
    store: Store, hourly: Schedule
) -> None:
    job = await find(store, await trigger(store, hourly))

    assert (job.schedule, job.occurrence_at, job.state) == (hourly.name, None, State.PENDING)
    assert (await verify(store)).breaches == []


async def test_a_job_can_be_made_for_a_moment_that_is_over(store: Store, hourly: Schedule) -> None:
    job = await trigger(store, hourly, at=START + HOUR)

    assert await run_next(store) == START + HOUR
    assert await state(store, job) is State.COMPLETED
    assert [each.reruns for each, _ in await ledger(store, hourly)] == [1, 0]
    [on_record] = await store.read(
        lambda connection, now: backfills.list_backfills(connection, now, hourly.name, 10)
    )
    assert (on_record.total, on_record.made, on_record.by) == (1, 1, "ann")
    assert (await verify(store)).breaches == []


async def test_a_moment_the_schedule_never_had_is_refused(store: Store, hourly: Schedule) -> None:
    with pytest.raises(InvalidInput, match=r"is no moment of .*; the next after it is") as refused:
        await trigger(store, hourly, at=START + timedelta(minutes=1))

    assert refused.value.field == "at"


async def test_a_moment_of_before_an_edit_can_be_run_again(store: Store, hourly: Schedule) -> None:
    newer = await again(store, hourly)
    await change(store, replace(newer, recurrence=every("7h")))

    job = await trigger(store, hourly, at=START + 4 * HOUR)

    assert (await find(store, job)).occurrence_at == START + 4 * HOUR
