"""The rescuer gives back jobs of the dead, and never takes an outage of the store for a death."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete, select

from onbeat.domain.errors import StoreUnavailable
from onbeat.domain.events import Event, JobsRescued
from onbeat.domain.jobs import ClaimedJob
from onbeat.domain.outcomes import APART, MAX_LOSSES
from onbeat.domain.services import Status
from onbeat.domain.states import State
from onbeat.runtime.maintenance import LEASES_AT_ONCE, PATIENCE, SWEEP_EVERY, Rescuer, rescue
from onbeat.runtime.watchdog import Watchdog
from onbeat.store import workers
from onbeat.store.schema import duties, sessions
from onbeat.store.store import Store, T, Work
from tests import factories
from tests.contract import world
from tests.contract.rescue import begin_again
from tests.contract.standing import told
from tests.runtime.flaky import FlakyStore
from tests.timing import ManualTiming

AFTER = timedelta(seconds=15)
SWEEP = timedelta(seconds=SWEEP_EVERY)


async def dead(store: Store, timing: ManualTiming) -> ClaimedJob:
    """A running job whose worker has been silent for longer than its term."""
    claimed = await world.running(store)
    timing.advance(by=AFTER * 2)
    return claimed


async def sweep(rescuer: Rescuer, timing: ManualTiming, total: timedelta) -> None:
    """Sweep for that long, as the service would."""
    await rescuer.step()
    passed = timedelta()
    while passed < total:
        timing.advance(by=SWEEP)
        passed += SWEEP
        await rescuer.step()


async def test_it_ends_no_session_before_it_has_reached_the_store_for_a_term(
    store: Store, timing: ManualTiming
) -> None:
    claimed = await dead(store, timing)

    await sweep(Rescuer(store, after=AFTER), timing, AFTER - SWEEP)

    assert await world.state(store, claimed.id) is State.RUNNING


async def test_it_gives_back_the_jobs_of_the_dead_after_a_term(
    store: Store, timing: ManualTiming
) -> None:
    claimed = await dead(store, timing)

    await sweep(Rescuer(store, after=AFTER), timing, AFTER + SWEEP)

    assert await world.state(store, claimed.id) is State.PENDING


async def test_a_store_out_of_reach_begins_the_term_anew(
    store: Store, timing: ManualTiming
) -> None:
    claimed = await dead(store, timing)
    flaky = FlakyStore(store)
    rescuer = Rescuer(flaky, after=AFTER)
    await sweep(rescuer, timing, AFTER - SWEEP)
    flaky.failing["write"] = 1
    with pytest.raises(StoreUnavailable):
        await rescuer.step()

    await sweep(rescuer, timing, AFTER - SWEEP)

    assert await world.state(store, claimed.id) is State.RUNNING


async def test_a_store_that_stalls_and_goes_on_begins_the_term_anew(
    store: Store, timing: ManualTiming
) -> None:
    """What waits for a lock does not fail: it goes on when the lock is let go, as do all hearts."""

    class Stalling(FlakyStore):
        stall = timedelta()

        async def write(self, work: Work[T]) -> T:
            timing.advance(by=self.stall)
            return await super().write(work)

    stalling = Stalling(store)
    rescuer = Rescuer(stalling, after=AFTER)
    await sweep(rescuer, timing, AFTER)
    claimed = await world.running(store, await world.begin(store, timedelta(seconds=1)))
    stalling.stall = AFTER / 3

    await rescuer.step()

    assert await world.state(store, claimed.id) is State.RUNNING


async def test_a_process_that_stood_still_begins_the_term_anew(
    store: Store, timing: ManualTiming
) -> None:
    rescuer = Rescuer(store, after=AFTER)
    await sweep(rescuer, timing, AFTER * 2)
    claimed = await world.running(store)

    timing.advance(by=timedelta(hours=1))
    await rescuer.step()

    assert await world.state(store, claimed.id) is State.RUNNING


async def test_it_looks_again_every_sweep_though_another_has_the_duty(
    store: Store, other_store: Store
) -> None:
    await Rescuer(store, after=AFTER).step()

    assert await Rescuer(other_store, after=AFTER).step() == SWEEP_EVERY


async def test_a_sweep_is_one_transaction(store: Store) -> None:
    await world.begin(store)
    watched = FlakyStore(store)
    rescuer = Rescuer(watched, after=AFTER)
    await rescuer.step()
    watched.calls.clear()

    await rescuer.step()

    assert watched.calls == {"write": 1}


async def test_while_another_has_the_duty_a_sweep_is_one_look(
    store: Store, other_store: Store
) -> None:
    await Rescuer(store, after=AFTER).step()
    watched = FlakyStore(other_store)

    await Rescuer(watched, after=AFTER).step()

    assert watched.calls == {"look": 1}


async def test_it_sweeps_at_once_again_when_more_was_lost_than_one_sweep_gives_back(
    store: Store,
) -> None:
    session = await world.begin(store)
    await store.enqueue(factories.jobs(LEASES_AT_ONCE))
    await store.claim(session.id, ["default"], LEASES_AT_ONCE)
    await store.write(lambda connection, now: workers.end(connection, now, session.id))

    assert await Rescuer(store, after=AFTER).step() == 0.0


async def test_it_sweeps_when_the_first_session_that_is_not_heard_of_ends(
    store: Store, timing: ManualTiming
) -> None:
    await world.begin(store)
    timing.advance(by=AFTER - timedelta(seconds=2))
    rescuer = Rescuer(store, after=AFTER)

    assert await rescuer.step() == pytest.approx(2, abs=0.1)


async def test_who_has_not_the_duty_looks_when_its_holder_is_not_heard_of(
    store: Store, other_store: Store, timing: ManualTiming
) -> None:
    await Rescuer(store, after=AFTER).step()
    timing.advance(by=AFTER - timedelta(seconds=1))

    assert await Rescuer(other_store, after=AFTER).step() == pytest.approx(1, abs=0.1)


async def test_a_session_that_ended_with_leases_is_rescued_at_once(
    store: Store, timing: ManualTiming
) -> None:
    session = await world.begin(store)
    claimed = await world.running(store, session)
    await store.write(lambda connection, now: workers.end(connection, now, session.id))

    await Rescuer(store, after=AFTER).step()

    assert await world.state(store, claimed.id) is State.PENDING


async def test_a_lease_whose_session_is_off_the_record_is_rescued_too(store: Store) -> None:
    """As an Onbeat of before left it, or somebody's hand."""
    claimed = await world.running(store)
    await store.write(lambda connection, _: connection.execute(delete(sessions)))

    await Rescuer(store, after=AFTER).step()

    assert await world.state(store, claimed.id) is State.PENDING


async def test_a_job_that_loses_its_worker_too_often_is_set_aside(
    store: Store, timing: ManualTiming
) -> None:
    rescuer = Rescuer(store, after=AFTER)
    job = await world.enqueue(store)
    states = []
    for _ in range(MAX_LOSSES):
        claimed = await world.claim_one(store, await world.begin(store))
        await begin_again(store, claimed.token)
        timing.advance(by=AFTER * 2)
        while (state := await world.state(store, job)) is State.RUNNING:
            timing.advance(by=SWEEP)
            await rescuer.step()
        states.append(state)
        timing.advance(by=APART)
        await store.promote(10)

    assert states == [State.PENDING, State.SCHEDULED, State.FAILED]


async def test_it_tells_what_it_released_and_what_it_set_aside(store: Store) -> None:
    events: list[Event] = []
    session = await world.begin(store)
    running = [(await world.running(store, session)).id for _ in range(2)]
    await store.write(lambda connection, now: workers.end(connection, now, session.id))

    await rescue(store, events.append)

    [event] = events
    assert isinstance(event, JobsRescued)
    assert (event.session, event.released, event.set_aside) == (session.id, 2, 0)
    assert sorted(event.jobs) == sorted(running)


async def test_rescuing_nothing_tells_nothing(store: Store) -> None:
    events: list[Event] = []

    assert await rescue(store, events.append) == 0
    assert events == []


async def test_a_dead_rescuer_is_replaced_as_soon_as_dead_workers_are(
    store: Store, other_store: Store, timing: ManualTiming
) -> None:
    short = timedelta(seconds=5)
    await Rescuer(store, after=short).step()
    session = await world.begin(store)
    claimed = await world.running(store, session)
    await store.write(lambda connection, now: workers.end(connection, now, session.id))

    timing.advance(by=short + timedelta(seconds=0.001))
    await Rescuer(other_store, after=short).step()

    assert await world.state(store, claimed.id) is State.PENDING


async def on_duty_and_another(
    store: Store, other_store: Store, timing: ManualTiming
) -> tuple[Rescuer, Rescuer]:
    """One that has the duty and one that has not; both have reached the store for a term."""
    first, other = Rescuer(store, after=AFTER), Rescuer(other_store, after=AFTER)
    for _ in range(AFTER // SWEEP + 1):
        timing.advance(by=SWEEP)
        await first.step()
        await other.step()
    return first, other


async def test_what_the_one_on_duty_leaves_lying_another_rescues(
    store: Store, other_store: Store, timing: ManualTiming
) -> None:
    """It may have died with the workers it should rescue, just after it took the duty anew."""
    first, other = await on_duty_and_another(store, other_store, timing)
    term = timedelta(seconds=3)
    claimed = await world.running(store, await world.begin(store, term))
    timing.advance(by=term)
    await first.step()  # and dies
    assert await other.step() == pytest.approx(PATIENCE.total_seconds(), abs=0.1)
    timing.advance(by=PATIENCE)

    await other.step()

    assert await world.state(store, claimed.id) is State.PENDING


async def test_leases_of_an_ended_session_that_are_left_lying_another_rescues(
    store: Store, other_store: Store, timing: ManualTiming
) -> None:
    first, other = await on_duty_and_another(store, other_store, timing)
    session = await world.begin(store, AFTER * 2)
    claimed = await world.running(store, session)
    await first.step()  # and dies
    await store.write(lambda connection, now: workers.end(connection, now, session.id))
    timing.advance(by=PATIENCE)

    await other.step()

    assert await world.state(store, claimed.id) is State.PENDING


async def test_who_may_not_rescue_yet_leaves_the_duty_to_its_holder(
    store: Store, other_store: Store, timing: ManualTiming
) -> None:
    first, _ = await on_duty_and_another(store, other_store, timing)
    await world.running(store, await world.begin(store, timedelta(seconds=1)))
    await first.step()
    timing.advance(by=timedelta(seconds=1) + PATIENCE)

    await Rescuer(other_store, after=AFTER).step()

    held_by = await store.read(lambda connection, _: connection.scalar(select(duties.c.holder)))
    assert held_by == first.holder


async def test_without_a_scheduler_waiting_jobs_that_are_due_go_on(
    store: Store, timing: ManualTiming
) -> None:
    job = await world.enqueue(store, delay=timedelta(seconds=2))
    timing.advance(seconds=5)

    await Rescuer(store, after=AFTER).step()

    assert await world.state(store, job) is State.PENDING


async def test_beside_a_scheduler_it_leaves_waiting_jobs_to_that(
    store: Store, timing: ManualTiming
) -> None:
    job = await world.enqueue(store, delay=timedelta(seconds=2))
    timing.advance(seconds=5)
    await Watchdog(store).step()

    await Rescuer(store, after=AFTER).step()

    assert await world.state(store, job) is State.SCHEDULED


async def test_beside_schedulers_that_were_paused_waiting_jobs_that_are_due_go_on(
    store: Store, timing: ManualTiming
) -> None:
    job = await world.enqueue(store, delay=timedelta(seconds=2))
    timing.advance(seconds=5)
    await Watchdog(store).step()
    await told(store, "scheduler", Status.PAUSED)

    await Rescuer(store, after=AFTER).step()

    assert await world.state(store, job) is State.PENDING


async def test_beside_one_scheduler_at_work_it_leaves_waiting_jobs_to_that(
    store: Store, timing: ManualTiming
) -> None:
    job = await world.enqueue(store, delay=timedelta(seconds=2))
    timing.advance(seconds=5)
    await Watchdog(store).step()
    await told(store, "scheduler", Status.PAUSED)
    await told(store, "scheduler", Status.RUNNING, short="bbbbbbbb")

    await Rescuer(store, after=AFTER).step()

    assert await world.state(store, job) is State.SCHEDULED
