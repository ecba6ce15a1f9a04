"""Virtual clocks: they move when they are told to, never back; what is due is done in order."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from onbeat.domain.clocks import Advanced
from onbeat.domain.errors import Conflict, InvalidInput, NotFound
from onbeat.domain.jobs import JobId
from onbeat.domain.recurrence import every
from onbeat.domain.schedules import Overlap, Schedule
from onbeat.domain.states import State
from onbeat.runtime.clocks import advance
from onbeat.runtime.tick import tick
from onbeat.runtime.watchdog import Watchdog
from onbeat.store import clocks, jobs, schedules
from onbeat.store.store import Store
from tests import factories
from tests.contract.beats import again, all_due, create, ledger, outcomes
from tests.contract.world import acked, begin, cancel, claim_one, find, state
from tests.timing import ManualTiming

DAWN = datetime(1204, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
pytestmark = pytest.mark.usefixtures("world")


@pytest.fixture
async def world(store: Store) -> None:
    """A clock called `world` that stands at dawn."""
    await store.write(partial(clocks.create, name="world", at=DAWN))


async def on_clock(store: Store, **fields: Any) -> Schedule:
    """A schedule of every hour of the world, whose jobs may overlap."""
    wanted = {"recurrence": every("1h"), "clock": "world", "overlap": Overlap.ALLOW, **fields}
    return await create(store, **wanted)


async def enqueue(store: Store, **fields: Any) -> JobId:
    """A job by the world's clock."""
    job = factories.job(**fields)
    await store.write(partial(clocks.enqueue, name="world", wanted=[job]))
    return job.id


async def now(store: Store) -> datetime:
    return (await store.read(partial(clocks.find, name="world"))).now_at


async def test_a_clock_stands_still_while_time_passes(store: Store, timing: ManualTiming) -> None:
    schedule = await on_clock(store)
    timing.advance(by=timedelta(days=400))

    await tick(store)

    assert await now(store) == DAWN
    assert outcomes(await all_due(store, schedule)) == ["undecided"]


async def test_each_moment_on_the_way_makes_its_job_in_order(store: Store) -> None:
    schedule = await on_clock(store)

    done = await advance(store, "world", by=3 * HOUR)

    entries = await ledger(store, schedule)
    assert done == Advanced(DAWN + 3 * HOUR, 4, 0, 0, is_done=True, goal_at=DAWN + 3 * HOUR)
    assert [(str(each.outcome), each.due_at) for each, _ in entries] == [
        ("ran", DAWN + n * HOUR) for n in range(4)
    ]
    made = [await find(store, job) for _, job in entries if job is not None]
    assert [each.occurrence_at for each in made] == [DAWN + n * HOUR for n in range(4)]
    assert (await again(store, schedule)).next_due_at == DAWN + 4 * HOUR


async def test_with_a_jump_the_catch_up_policy_decides_about_what_lies_between(
    store: Store,
) -> None:
    schedule = await on_clock(store)

    done = await advance(store, "world", by=30 * HOUR, jump=True)

    assert (done.now_at, done.fired) == (DAWN + 30 * HOUR, 1)
    assert outcomes(await ledger(store, schedule)) == ["missed", "coalesced", "ran"]


async def test_a_clock_never_goes_back(store: Store) -> None:
    await advance(store, "world", by=HOUR)

    with pytest.raises(InvalidInput, match="never goes back"):
        await advance(store, "world", to=DAWN)
    with pytest.raises(InvalidInput, match="never goes back"):
        await advance(store, "world", by=-HOUR)
    assert await now(store) == DAWN + HOUR


async def test_to_move_it_to_where_it_stands_does_what_is_due_there(store: Store) -> None:
    schedule = await on_clock(store)

    done = await advance(store, "world", to=DAWN)

    assert (done.fired, done.is_done) == (1, True)
    assert outcomes(await ledger(store, schedule)) == ["ran"]


@pytest.mark.parametrize(
    ("to", "by"), [(None, None), (DAWN + HOUR, HOUR), (DAWN.replace(tzinfo=None), None)]
)
async def test_a_goal_that_is_none_is_refused(
    store: Store, to: datetime | None, by: timedelta | None
) -> None:
    with pytest.raises(InvalidInput, match=r"\bto\b"):
        await advance(store, "world", to=to, by=by)


async def test_a_clock_that_is_not_there_is_named(store: Store) -> None:
    with pytest.raises(NotFound, match="no clock named 'moon'"):
        await advance(store, "moon", by=HOUR)


async def test_of_those_who_move_it_at_once_each_moves_it_on(
    store: Store, other_store: Store
) -> None:
    schedule = await on_clock(store)

    await asyncio.gather(*(advance(at, "world", by=HOUR) for at in (store, other_store) * 3))

    entries = await ledger(store, schedule)
    assert await now(store) == DAWN + 6 * HOUR
    assert [each.due_at for each, _ in entries] == [DAWN + n * HOUR for n in range(7)]
    assert all(job is not None for _, job in entries)


async def test_no_more_moments_are_passed_than_was_said(store: Store) -> None:
    schedule = await on_clock(store, recurrence=every("1s"))

    first = await advance(store, "world", by=HOUR, most=250)

    assert not first.is_done
    assert first.fired == (first.now_at - DAWN).total_seconds() + 1
    assert 250 <= first.fired < 400
    assert (await again(store, schedule)).next_due_at == first.now_at + timedelta(seconds=1)


async def test_what_stopped_on_the_way_goes_on_to_where_it_was_sent(store: Store) -> None:
    await on_clock(store, recurrence=every("10s"))

    done = await advance(store, "world", by=HOUR, most=150)
    calls = 1
    while not done.is_done:
        done = await advance(store, "world", to=done.goal_at, most=150)
        calls += 1

    assert calls > 1
    assert await now(store) == DAWN + HOUR


async def test_a_clock_is_not_sent_past_the_last_year(store: Store) -> None:
    at = datetime(9999, 12, 1, tzinfo=UTC)
    await store.write(partial(clocks.create, name="late", at=at))

    with pytest.raises(InvalidInput, match=r"by: .* is past the year 9999"):
        await advance(store, "late", by=timedelta(days=100))


async def test_more_schedules_than_one_step_takes_are_all_planned(store: Store) -> None:
    wanted = [
        factories.schedule(recurrence=every("1h"), clock="world", overlap=Overlap.ALLOW)
        for _ in range(501)
    ]
    await store.write(lambda c, now: schedules.create_many(c, now, wanted))

    done = await advance(store, "world", by=HOUR)

    assert done.fired == 1_002


async def test_a_job_waits_for_the_clock(store: Store) -> None:
    job = await enqueue(store, delay=2 * HOUR)
    before = await find(store, job)
    await advance(store, "world", by=2 * HOUR - timedelta(seconds=1))
    shortly_before = await state(store, job)
    done = await advance(store, "world", by=timedelta(seconds=1))

    assert before.state is State.BLOCKED
    assert before.reason == "due at 1204-01-01T02:00:00+00:00 by the clock world"
    assert (shortly_before, await state(store, job)) == (State.BLOCKED, State.PENDING)
    assert done.released == 1


async def test_a_job_that_is_due_already_is_pending_at_once(store: Store) -> None:
    assert await state(store, await enqueue(store, due_at=DAWN)) is State.PENDING


async def test_jobs_become_pending_in_the_order_they_are_due(
    store: Store, timing: ManualTiming
) -> None:
    late = await enqueue(store, delay=3 * HOUR)
    early = await enqueue(store, delay=HOUR)

    await advance(store, "world", by=HOUR)
    timing.advance(seconds=1)
    await advance(store, "world", by=5 * HOUR)

    session = await begin(store)
    assert [(await claim_one(store, session)).id for _ in range(2)] == [early, late]


async def test_a_job_is_booked_once_however_often_it_is_asked_for(store: Store) -> None:
    job = factories.job(delay=HOUR)
    for _ in range(2):
        await store.write(partial(clocks.enqueue, name="world", wanted=[job]))

    assert (await advance(store, "world", by=HOUR)).released == 1


async def test_a_job_that_waits_for_a_clock_is_called_off_or_hastened(store: Store) -> None:
    called_off, hastened = await enqueue(store, delay=HOUR), await enqueue(store, delay=HOUR)

    await cancel(store, called_off)
    await store.write(lambda c, now: jobs.run_again(c, now, hastened))
    done = await advance(store, "world", by=HOUR)

    assert done.released == 0
    assert await state(store, called_off) is State.CANCELLED
    assert await state(store, hastened) is State.PENDING


async def test_what_waited_for_the_last_job_is_planned_though_the_clock_stands(
    store: Store,
) -> None:
    schedule = await on_clock(store, overlap=Overlap.BUFFER_ONE)
    await advance(store, "world", by=2 * HOUR)
    await acked(store, factories.ack(await claim_one(store, await begin(store))))

    await Watchdog(store).step()

    assert outcomes(await ledger(store, schedule)) == ["ran", "late", "coalesced"]


async def test_a_schedule_begins_where_its_clock_stands(store: Store) -> None:
    await advance(store, "world", by=HOUR / 2)

    assert (await on_clock(store)).next_due_at == DAWN + HOUR


async def test_a_pause_covers_what_the_clock_passed_meanwhile(store: Store) -> None:
    schedule = await on_clock(store)
    await store.write(lambda c, now: schedules.pause(c, now, schedule.name, "ann"))
    await advance(store, "world", by=3 * HOUR)
    await store.write(lambda c, now: schedules.resume(c, now, schedule.name))
    await advance(store, "world", by=HOUR)

    first, second, third = [each for each, _ in await ledger(store, schedule)]
    assert (first.outcome, first.due_at, first.through_at) == (
        "skipped", DAWN, DAWN + 2 * HOUR,
    )  # fmt: skip
    assert [(each.outcome, each.due_at) for each in (second, third)] == [
        ("ran", DAWN + 3 * HOUR), ("ran", DAWN + 4 * HOUR),
    ]  # fmt: skip


async def test_another_clock_moves_by_itself(store: Store) -> None:
    await store.write(partial(clocks.create, name="moon", at=DAWN))
    schedule = await on_clock(store)

    await advance(store, "moon", by=HOUR)

    assert await now(store) == DAWN
    assert outcomes(await all_due(store, schedule)) == ["undecided"]


async def test_a_clock_that_something_lives_by_is_not_removed(store: Store) -> None:
    schedule = await on_clock(store)
    with pytest.raises(Conflict, match="schedules live by the clock 'world'"):
        await store.write(partial(clocks.remove, name="world"))
    await store.write(lambda c, now: schedules.remove(c, now, schedule.name))

    await store.write(partial(clocks.remove, name="world"))

    assert await store.read(clocks.list_clocks) == []


async def test_two_clocks_of_one_name_are_refused(store: Store) -> None:
    with pytest.raises(Conflict, match="'world' exists"):
        await store.write(partial(clocks.create, name="world", at=DAWN))


@pytest.mark.parametrize(("grace", "ends"), [(HOUR, State.CANCELLED), (4 * HOUR, State.PENDING)])
async def test_a_job_that_the_clock_jumps_past_by_more_than_its_grace_is_called_off(
    store: Store, grace: timedelta, ends: State
) -> None:
    job = await enqueue(store, due_at=DAWN + HOUR, grace=grace)

    done = await advance(store, "world", by=4 * HOUR, jump=True)

    assert await state(store, job) is ends
    assert done.expired == (ends is State.CANCELLED)


async def test_a_clock_that_passes_each_moment_jumps_past_none(store: Store) -> None:
    job = await enqueue(store, due_at=DAWN + HOUR, grace=timedelta())

    await advance(store, "world", by=4 * HOUR)

    assert await state(store, job) is State.PENDING
