"""Rescue: a dead worker's jobs go on elsewhere, and one that kills its workers is set aside."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from onbeat.domain.outcomes import APART, MAX_LOSSES
from onbeat.domain.states import State
from onbeat.store import history, jobs, workers
from onbeat.store.store import Store
from tests import factories
from tests.contract.rescue import begin_again, rescue
from tests.contract.world import (
    TERM,
    acked,
    begin,
    cancel,
    claim_one,
    count_attempts,
    everything,
    find,
    running,
    state,
)
from tests.timing import ManualTiming


async def test_a_session_that_is_heard_from_in_time_keeps_its_jobs(
    store: Store, timing: ManualTiming
) -> None:
    session = await begin(store)
    claimed = await running(store, session)
    timing.advance(by=TERM)
    await store.heartbeat(session.id, TERM)
    timing.advance(by=TERM)

    acks = await rescue(store)

    assert acks == []
    assert await state(store, claimed.id) is State.RUNNING


async def test_a_silent_sessions_jobs_are_pending_again(store: Store, timing: ManualTiming) -> None:
    claimed = await running(store)
    timing.advance(by=TERM + timedelta(microseconds=1))

    await rescue(store)

    shown = await find(store, claimed.id)
    assert (shown.state, shown.attempt) == (State.PENDING, 0)


async def test_a_rescued_attempt_is_on_record_as_lost(store: Store, timing: ManualTiming) -> None:
    claimed = await running(store)
    timing.advance(by=TERM * 2)

    await rescue(store)

    [attempt] = await store.read(lambda c, now: history.list_attempts(c, now, claimed.id))
    assert (attempt.outcome, attempt.token) == ("lost", claimed.token)
    assert attempt.reason == "its worker died (1 of 3)"


async def test_a_job_that_loses_its_worker_three_times_is_set_aside(
    store: Store, timing: ManualTiming
) -> None:
    claimed = await running(store)
    states = []
    for _ in range(MAX_LOSSES):
        timing.advance(by=TERM * 2)
        await rescue(store)
        states.append(await state(store, claimed.id))
        timing.advance(by=APART)
        await store.promote(10)
        for claimed in await store.claim((await begin(store)).id, ["default"], 1):
            await begin_again(store, claimed.token)

    assert states == [State.PENDING, State.SCHEDULED, State.FAILED]
    assert (await find(store, claimed.id)).reason == "set aside: its worker died (3 of 3)"


async def test_a_job_that_is_lost_again_before_it_begins_is_not_suspected(
    store: Store, timing: ManualTiming
) -> None:
    """It was only claimed together with one that kills its worker."""
    claimed = await running(store)
    for _ in range(MAX_LOSSES + 2):
        timing.advance(by=TERM * 2)
        await rescue(store)
        assert await state(store, claimed.id) is State.PENDING
        again = await claim_one(store, await begin(store))

    assert again.losses == 1
    attempts = await store.read(lambda c, now: history.list_attempts(c, now, claimed.id))
    assert {each.reason for each in attempts[1:]} == {"its worker died before it began"}


@pytest.mark.parametrize("move", ["retry", "snooze", "release"])
async def test_losses_go_with_a_job_from_place_to_place(
    store: Store, timing: ManualTiming, move: str
) -> None:
    claimed = await running(store)
    timing.advance(by=TERM * 2)
    await rescue(store)
    session = await begin(store)
    await acked(store, factories.ack(await claim_one(store, session), move))
    timing.advance(by=timedelta(minutes=1))
    await store.promote(10)
    await store.write(lambda c, now: jobs.block(c, now, claimed.id, "by ann"))
    await store.write(lambda c, now: jobs.unblock(c, now, claimed.id))

    assert (await claim_one(store, session)).losses == 1


async def test_a_job_that_is_hastened_keeps_its_losses(store: Store, timing: ManualTiming) -> None:
    claimed = await running(store)
    timing.advance(by=TERM * 2)
    await rescue(store)
    session = await begin(store)
    await acked(store, factories.ack(await claim_one(store, session), "snooze"))
    await store.write(lambda c, now: jobs.hasten(c, now, claimed.id))

    assert (await claim_one(store, session)).losses == 1


async def test_a_job_that_is_revived_begins_without_losses(
    store: Store, timing: ManualTiming
) -> None:
    claimed = await running(store)
    timing.advance(by=TERM * 2)
    await rescue(store)
    session = await begin(store)
    await acked(store, factories.ack(await claim_one(store, session), "bury"))
    await store.write(lambda c, now: jobs.revive(c, now, claimed.id))

    assert (await claim_one(store, session)).losses is None


async def test_a_job_whose_lease_is_gone_may_not_begin(store: Store) -> None:
    claimed = await running(store)
    await acked(store, factories.ack(claimed))

    assert not await begin_again(store, claimed.token)


async def test_an_ordinary_failure_is_no_loss(store: Store, timing: ManualTiming) -> None:
    session = await begin(store)
    claimed = await running(store, session)
    for _ in range(MAX_LOSSES):
        await acked(store, factories.ack(claimed, "release", outcome="interrupted"))
        claimed = await claim_one(store, session)
    timing.advance(by=TERM * 2)
    await store.write(workers.expire)

    [lost] = await store.read(lambda c, now: workers.lost_leases(c, now, 10))

    assert lost.losses == 0


async def test_a_lost_job_that_was_asked_to_stop_is_cancelled(
    store: Store, timing: ManualTiming
) -> None:
    claimed = await running(store)
    await cancel(store, claimed.id, "by ann")
    timing.advance(by=TERM * 2)

    await rescue(store)

    shown = await find(store, claimed.id)
    assert (shown.state, shown.reason) == (State.CANCELLED, "by ann")


async def test_a_farewell_with_jobs_left_behind_is_rescued_at_once(store: Store) -> None:
    session = await begin(store)
    claimed = await running(store, session)
    await store.write(lambda c, now: workers.end(c, now, session.id))

    await rescue(store)

    assert await state(store, claimed.id) is State.PENDING


async def test_an_ended_session_claims_nothing_more(store: Store, timing: ManualTiming) -> None:
    session = await begin(store)
    await store.enqueue(factories.jobs(1))
    timing.advance(by=TERM * 2)
    await rescue(store)

    assert await store.claim(session.id, ["default"], 1) == []


async def test_rescuers_that_race_give_a_job_back_once(
    store: Store, other_store: Store, timing: ManualTiming
) -> None:
    session = await begin(store)
    await store.enqueue(factories.jobs(40))
    claimed = await store.claim(session.id, ["default"], 40)
    timing.advance(by=TERM * 2)

    await asyncio.gather(*(rescue(at) for at in (store, other_store, store, other_store)))

    after = [await find(store, each.id) for each in claimed]
    assert {each.state for each in after} == {State.PENDING}
    assert [await count_attempts(store, each.id) for each in claimed] == [1] * 40


async def test_a_rescue_takes_no_more_leases_than_its_limit(
    store: Store, timing: ManualTiming
) -> None:
    session = await begin(store)
    await store.enqueue(factories.jobs(5))
    await store.claim(session.id, ["default"], 5)
    timing.advance(by=TERM * 2)

    rounds = [len(await rescue(store, limit=2)) for _ in range(4)]

    assert rounds == [2, 2, 1, 0]


async def test_a_rescue_with_nothing_lost_changes_nothing(store: Store) -> None:
    await running(store)
    before = await everything(store)

    await rescue(store)

    assert await everything(store) == before
