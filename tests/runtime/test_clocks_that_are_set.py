"""A clock that is set, back or forward: nothing runs twice, nobody healthy is taken for dead."""

from __future__ import annotations

from datetime import timedelta

import pytest

from onbeat.domain.events import ClockLeapt, Event
from onbeat.domain.recurrence import every
from onbeat.domain.schedules import CatchUp, CatchUpMode, Overlap, Schedule
from onbeat.domain.states import State
from onbeat.runtime.lease import TERM, Duty
from onbeat.runtime.maintenance import SWEEP_EVERY, Rescuer
from onbeat.runtime.scheduler import HOLD, Scheduler
from onbeat.store.store import Store
from tests.contract import world
from tests.contract.beats import MINUTE, create, ledger, outcomes
from tests.timing import START, ManualTiming

HOUR = timedelta(hours=1)
AFTER = timedelta(seconds=15)
SWEEP = timedelta(seconds=SWEEP_EVERY)
NOTHING_LATE = CatchUp(CatchUpMode.NONE)


async def minutely(store: Store, **fields: object) -> Schedule:
    return await create(store, recurrence=every("1m"), overlap=Overlap.ALLOW, **fields)


async def watched(store: Store) -> tuple[Scheduler, list[Event]]:
    """A scheduler that has seen the clock, and what it says."""
    said: list[Event] = []
    scheduler = Scheduler(store, emit=said.append)
    await scheduler.step()
    said.clear()
    return scheduler, said


async def test_no_moment_runs_twice_when_the_clock_is_set_back(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await minutely(store)
    scheduler, _ = await watched(store)
    for _ in range(3):
        timing.advance(by=MINUTE)
        await scheduler.step()

    timing.set(START)
    for _ in range(6):
        await scheduler.step()
        timing.advance(by=MINUTE)

    entries = await ledger(store, schedule)
    assert [each.due_at for each, _ in entries] == [START + n * MINUTE for n in range(6)]
    assert set(outcomes(entries)) == {"ran"}


async def test_a_clock_that_is_set_forward_holds_schedules_back(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await minutely(store)
    scheduler, said = await watched(store)

    timing.set(START + HOUR)
    for seconds in (0, 30, 29):
        timing.advance(seconds=seconds)
        await scheduler.step()
    held = await ledger(store, schedule)
    timing.advance(seconds=2)
    await scheduler.step()

    assert [each.due_at for each, _ in held] == [START]
    assert said[0] == ClockLeapt(HOUR, HOLD)
    assert outcomes(await ledger(store, schedule)) == ["ran", "coalesced", "ran", "ran"]


async def test_a_clock_that_is_set_right_again_in_time_has_done_no_harm(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await minutely(store)
    scheduler, said = await watched(store)

    timing.set(START + HOUR)
    await scheduler.step()
    timing.set(START)
    timing.advance(by=MINUTE)
    await scheduler.step()

    assert [each.due_at for each, _ in await ledger(store, schedule)] == [START, START + MINUTE]
    assert [each.held for each in said if isinstance(each, ClockLeapt)] == [HOLD, timedelta()]


async def test_what_becomes_due_while_schedules_are_held_back_is_on_time(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await create(
        store, recurrence=every("1h"), catch_up=NOTHING_LATE, overlap=Overlap.ALLOW
    )
    scheduler, _ = await watched(store)

    timing.set(START + HOUR - timedelta(seconds=20))
    await scheduler.step()
    timing.advance(seconds=61)
    await scheduler.step()

    assert outcomes(await ledger(store, schedule)) == ["ran", "ran"]


async def test_a_machine_that_slept_catches_up_at_once(store: Store, timing: ManualTiming) -> None:
    schedule = await minutely(store)
    scheduler, said = await watched(store)

    timing.suspend(HOUR)
    await scheduler.step()

    assert len(await ledger(store, schedule)) > 1
    assert not any(isinstance(each, ClockLeapt) for each in said)


@pytest.mark.parametrize("leap", [timedelta(seconds=-2), timedelta(minutes=4)])
async def test_a_small_correction_is_no_event(
    store: Store, timing: ManualTiming, leap: timedelta
) -> None:
    schedule = await minutely(store)
    scheduler, said = await watched(store)

    timing.advance(by=MINUTE)
    timing.set(START + MINUTE + leap)
    await scheduler.step()
    timing.advance(by=MINUTE)
    await scheduler.step()

    assert not any(isinstance(each, ClockLeapt) for each in said)
    assert len(await ledger(store, schedule)) > 1


@pytest.mark.parametrize("leap", [HOUR, -HOUR, timedelta(days=400)])
async def test_no_living_worker_is_taken_for_dead_when_the_clock_is_set(
    store: Store, timing: ManualTiming, leap: timedelta
) -> None:
    session = await world.begin(store)
    claimed = await world.running(store, session)
    rescuers = [Rescuer(store, after=AFTER) for _ in range(2)]
    for beat in range(20):
        if beat == 10:
            timing.set(timing.now() + leap)
        for rescuer in rescuers:
            await rescuer.step()
        timing.advance(by=SWEEP)
        assert (await store.heartbeat(session.id, AFTER)).alive

    assert await world.state(store, claimed.id) is State.RUNNING


async def test_a_worker_that_died_before_the_clock_was_set_back_is_found(
    store: Store, timing: ManualTiming
) -> None:
    claimed = await world.running(store)
    rescuer = Rescuer(store, after=AFTER)
    await rescuer.step()

    timing.set(START - HOUR)
    for _ in range(6):
        await rescuer.step()
        timing.advance(by=SWEEP)

    assert await world.state(store, claimed.id) is State.PENDING


class Chore(Duty):
    """Counts how often it was done."""

    done = 0

    async def perform(self) -> float:
        self.done += 1
        return 1.0


async def test_a_duty_whose_holder_died_before_the_clock_was_set_back_is_taken(
    store: Store, timing: ManualTiming
) -> None:
    dead, heir = Chore(store, id="chore"), Chore(store, id="chore")
    await dead.step()

    timing.set(START - HOUR)
    await heir.step()

    assert heir.done == 1


async def test_a_duty_is_kept_over_a_small_correction(store: Store, timing: ManualTiming) -> None:
    holder, other = Chore(store, id="chore"), Chore(store, id="chore")
    await holder.step()

    timing.set(START - TERM / 2)
    await other.step()

    assert other.done == 0


async def test_a_job_enqueued_after_the_clock_was_set_back_is_claimed(
    store: Store, timing: ManualTiming
) -> None:
    session = await world.begin(store)
    await world.enqueue(store)
    await world.claim_one(store, session)

    timing.set(START - HOUR)
    job = await world.enqueue(store)
    timing.advance(seconds=11)  # the longest that a claim without floors may be away

    assert (await world.claim_one(store, session)).id == job
