"""The fence: whoever deletes the lease with its token decides, and nobody else."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from onbeat.domain.jobs import ClaimedJob
from onbeat.domain.states import State
from onbeat.domain.workers import StopRequest
from onbeat.store import workers
from onbeat.store.store import Store
from tests import factories
from tests.contract.rescue import rescue
from tests.contract.world import (
    TERM,
    acked,
    begin,
    cancel,
    claim_one,
    count_attempts,
    enqueue,
    everything,
    find,
    running,
    state,
)
from tests.timing import ManualTiming


async def lost_and_claimed_again(
    store: Store, timing: ManualTiming
) -> tuple[ClaimedJob, ClaimedJob]:
    """What a dead worker held, and the same job in other hands."""
    stale = await running(store)
    timing.advance(by=TERM * 2)
    await rescue(store)
    return stale, await claim_one(store, await begin(store))


async def test_a_token_that_lost_its_lease_is_not_applied_and_writes_nothing(
    store: Store, timing: ManualTiming
) -> None:
    stale, _ = await lost_and_claimed_again(store, timing)
    before = await everything(store)

    applied = await acked(store, factories.ack(stale, result="1"))

    assert applied == set()
    assert await everything(store) == before


async def test_an_ack_sent_twice_is_applied_once(store: Store) -> None:
    ack = factories.ack(await running(store))
    first = await acked(store, ack)
    after = await everything(store)

    second = await acked(store, ack)

    assert (first, second) == ({ack.token}, set())
    assert await everything(store) == after


async def test_an_ack_twice_in_one_batch_is_applied_once(store: Store) -> None:
    claimed = await running(store)
    ack = factories.ack(claimed)

    applied = await acked(store, ack, ack)

    assert applied == {claimed.token}
    assert await count_attempts(store, claimed.id) == 1


async def test_a_stale_ack_does_not_hold_up_the_others_of_its_batch(
    store: Store, timing: ManualTiming
) -> None:
    stale, fresh = await lost_and_claimed_again(store, timing)

    applied = await acked(store, factories.ack(stale, "bury"), factories.ack(fresh))

    assert applied == {fresh.token}
    assert await state(store, fresh.id) is State.COMPLETED


async def test_after_a_rescue_the_new_attempts_token_is_greater(
    store: Store, timing: ManualTiming
) -> None:
    stale, fresh = await lost_and_claimed_again(store, timing)

    assert fresh.id == stale.id
    assert fresh.token > stale.token


async def test_tokens_are_never_used_again_even_after_all_leases_are_gone(store: Store) -> None:
    seen: list[int] = []
    session = await begin(store)

    for _ in range(5):
        claimed = await running(store, session)
        seen.append(claimed.token)
        await acked(store, factories.ack(claimed))

    assert seen == sorted(set(seen))


async def test_claims_that_race_never_share_a_job(store: Store, other_store: Store) -> None:
    wanted = factories.jobs(400)
    await store.enqueue(wanted)
    hands = [(store, await begin(store)) for _ in range(3)]
    hands += [(other_store, await begin(store)) for _ in range(3)]

    rounds = await asyncio.gather(
        *(at.claim(session.id, ["default"], 20) for at, session in hands for _ in range(4))
    )

    taken = [each.id for claimed in rounds for each in claimed]
    assert len(taken) == len(set(taken)) == 400


async def test_acks_that_race_are_applied_once(store: Store, other_store: Store) -> None:
    session = await begin(store)
    await store.enqueue(factories.jobs(50))
    acks = [factories.ack(each) for each in await store.claim(session.id, ["default"], 50)]

    answers = await asyncio.gather(*(at.ack(acks) for at in (store, other_store) for _ in range(3)))

    applied = [token for answer in answers for token in answer]
    assert sorted(applied) == sorted(ack.token for ack in acks)


async def test_a_complete_and_a_bury_that_race_leave_one_end(
    store: Store, other_store: Store
) -> None:
    claimed = await running(store)

    answers = await asyncio.gather(
        store.ack([factories.ack(claimed, "complete")]),
        other_store.ack([factories.ack(claimed, "bury")]),
    )

    assert sorted(map(len, answers)) == [0, 1]
    assert await count_attempts(store, claimed.id) == 1


async def test_cancelling_a_running_job_reaches_its_worker_by_the_heartbeat(store: Store) -> None:
    session = await begin(store)
    claimed = await running(store, session)
    quiet = await store.heartbeat(session.id, TERM)

    await cancel(store, claimed.id, "by ann")

    pulse = await store.heartbeat(session.id, TERM)
    assert (quiet.stops, pulse.stops) == ((), (StopRequest(claimed.token, "by ann"),))


async def test_a_cancel_reaches_no_other_worker(store: Store) -> None:
    claimed = await running(store)
    other = await begin(store)

    await cancel(store, claimed.id)

    assert (await store.heartbeat(other.id, TERM)).stops == ()


async def test_a_job_that_was_asked_to_stop_may_still_complete(store: Store) -> None:
    claimed = await running(store)
    await cancel(store, claimed.id)

    await acked(store, factories.ack(claimed, "complete"))

    assert await state(store, claimed.id) is State.COMPLETED


async def test_a_cancel_and_a_claim_that_race_leave_the_job_in_one_place(
    store: Store, other_store: Store
) -> None:
    session = await begin(store)
    wanted = factories.jobs(30)
    await store.enqueue(wanted)

    cancels = [asyncio.create_task(cancel(other_store, each.id)) for each in wanted]
    claims = await asyncio.gather(*(store.claim(session.id, ["default"], 5) for _ in range(6)))
    await asyncio.gather(*cancels)

    taken = {each.id for claimed in claims for each in claimed}
    shown = [await find(store, each.id) for each in wanted]
    assert {each.id for each in shown if each.state is State.RUNNING} == taken
    assert {each.state for each in shown if each.id not in taken} <= {State.CANCELLED}
    assert all(each.stop_asked for each in shown if each.state is State.RUNNING)


@pytest.mark.parametrize("ended_by", ["expiry", "farewell"])
async def test_a_session_that_ended_hears_so_by_its_heartbeat(
    store: Store, timing: ManualTiming, ended_by: str
) -> None:
    session = await begin(store)
    before = await store.heartbeat(session.id, TERM)

    if ended_by == "farewell":
        await store.write(lambda connection, now: workers.end(connection, now, session.id))
    else:
        timing.advance(by=TERM + timedelta(seconds=1))
        await store.write(workers.expire)

    after = await store.heartbeat(session.id, TERM)
    assert (before.alive, after.alive) == (True, False)


async def test_a_job_enqueued_while_others_are_claimed_is_claimed_once(
    store: Store, other_store: Store
) -> None:
    session = await begin(store)
    ids = {await enqueue(store) for _ in range(20)}

    first, _, second = await asyncio.gather(
        store.claim(session.id, ["default"], 50),
        other_store.enqueue(factories.jobs(20)),
        other_store.claim(session.id, ["default"], 50),
    )

    taken = [each.id for each in (*first, *second)]
    assert len(taken) == len(set(taken))
    assert ids <= set(taken)
