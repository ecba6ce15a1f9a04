"""Limits: how many run at once and begin in a time, whoever claims, and who makes way for whom."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from onbeat.domain.states import State
from onbeat.store import jobs, limits, queues, why
from onbeat.store.store import Store
from onbeat.store.verify.laws import Law
from onbeat.store.verify.walk import verify
from tests import factories
from tests.contract.bounds import bound_queue, claim, declare, state_of, under
from tests.contract.world import acked, begin, cancel, drain, find, state
from tests.timing import ManualTiming


async def test_no_more_jobs_of_a_key_run_at_once_than_its_limit_allows(store: Store) -> None:
    await declare(store, concurrency=2)
    session = await begin(store)
    await store.enqueue([under("calls:acme") for _ in range(5)])

    taken = await claim(store, session)

    assert len(taken) == 2
    assert await claim(store, session) == []


async def test_limited_jobs_that_have_waited_are_found_by_the_first_claim(
    store: Store, timing: ManualTiming
) -> None:
    """A claim that passes them by must not take it that the line begins behind them."""
    await declare(store, concurrency=2)
    session = await begin(store)
    await store.enqueue([under("calls:acme")])
    timing.advance(seconds=60)

    assert len(await claim(store, session)) == 1


async def test_the_next_of_a_key_may_begin_when_one_has_ended(store: Store) -> None:
    await declare(store, concurrency=1)
    session = await begin(store)
    wanted = [under("calls:acme") for _ in range(3)]
    await store.enqueue(wanted)

    order = []
    while taken := await claim(store, session):
        assert len(taken) == 1
        order += [each.id for each in taken]
        await acked(store, factories.ack(taken[0]))

    assert order == [each.id for each in wanted]


@pytest.mark.parametrize("move", ["complete", "retry", "snooze", "release", "bury", "stop"])
async def test_whatever_ends_an_attempt_gives_its_slot_back(store: Store, move: str) -> None:
    await declare(store, concurrency=1)
    session = await begin(store)
    await store.enqueue([under("calls:a", priority=9), under("calls:a")])
    [first] = await claim(store, session)

    await acked(store, factories.ack(first, move, delay=timedelta(hours=1)))

    assert (await state_of(store)).used == 0
    assert len(await claim(store, session)) == 1


async def test_a_full_key_holds_up_no_job_behind_it(store: Store) -> None:
    await declare(store, concurrency=1)
    session = await begin(store)
    crowd = [under("calls:big") for _ in range(3_000)]
    behind = [under("calls:small"), factories.job()]
    await store.enqueue(crowd)
    await store.enqueue(behind)

    taken = await claim(store, session, 3)

    assert [each.id for each in taken] == [crowd[0].id, *(each.id for each in behind)]


async def test_those_that_make_way_are_blocked_with_the_limit_as_their_reason(
    store: Store,
) -> None:
    await declare(store, concurrency=1)
    session = await begin(store)
    first, second = under("calls:acme"), under("calls:acme")
    await store.enqueue([first, second])
    await claim(store, session)

    found = await find(store, second.id)

    assert found.state is State.BLOCKED
    assert found.reason == "limit calls:acme is full: 1 at once"


async def test_of_those_that_wait_for_a_slot_the_most_urgent_is_first(store: Store) -> None:
    await declare(store, concurrency=1)
    session = await begin(store)
    wanted = [under("calls:a", priority=priority) for priority in (9, 3, 7, 5)]
    await store.enqueue(wanted)

    order = []
    while taken := await claim(store, session):
        order += [each.id for each in taken]
        await acked(store, *(factories.ack(each) for each in taken))

    by_priority = sorted(wanted, key=lambda each: -each.priority)
    assert order == [each.id for each in by_priority]


async def test_who_waited_for_a_slot_comes_before_who_came_later(
    store: Store, timing: ManualTiming
) -> None:
    await declare(store, concurrency=1)
    session = await begin(store)
    first, waits = under("calls:a"), under("calls:a")
    await store.enqueue([first, waits])
    [running] = await claim(store, session)
    timing.advance(seconds=1)
    late = under("calls:a")
    await store.enqueue([late])
    await acked(store, factories.ack(running))

    assert [each.id for each in await claim(store, session)] == [waits.id]


async def test_who_waits_for_a_slot_takes_no_place_of_a_more_urgent_one_in_the_line(
    store: Store,
) -> None:
    await declare(store, "full", concurrency=1)
    await declare(store, "open", concurrency=1)
    session = await begin(store)
    await store.enqueue([under("full:"), under("open:")])
    _, held = await claim(store, session)
    await store.enqueue([under("open:", priority=1)])
    assert await claim(store, session) == []
    await acked(store, factories.ack(held))
    makes_way, urgent = under("full:", priority=10), factories.job(priority=9)
    await store.enqueue([makes_way, urgent])

    taken = await claim(store, session, 1)

    assert [each.id for each in taken] == [urgent.id]


async def test_who_waits_for_a_slot_that_is_free_comes_before_less_urgent_ones(
    store: Store,
) -> None:
    await declare(store, concurrency=1)
    session = await begin(store)
    first, waits = under("calls:", priority=10), under("calls:", priority=10)
    await store.enqueue([first, waits])
    [held] = await claim(store, session)
    await store.claim(session.id, ["another"], 1)  # nothing there is under a limit
    await acked(store, factories.ack(held))
    await store.enqueue([factories.job(priority=0)])

    taken = await claim(store, session, 1)

    assert [each.id for each in taken] == [waits.id]


async def test_a_job_under_two_limits_has_both_slots_or_none(store: Store) -> None:
    await declare(store, "a", concurrency=1)
    await declare(store, "b", concurrency=1)
    session = await begin(store)
    holder, wants_both, wants_a = under("b:"), under("a:", "b:"), under("a:")
    await store.enqueue([holder, wants_both, wants_a])

    taken = await claim(store, session)

    assert {each.id for each in taken} == {holder.id, wants_a.id}
    await acked(store, *(factories.ack(each) for each in taken))
    assert [each.id for each in await claim(store, session)] == [wants_both.id]


async def test_no_more_jobs_begin_in_a_time_than_a_rate_allows(
    store: Store, timing: ManualTiming
) -> None:
    await declare(store, rate="10/s", burst=3)
    session = await begin(store)
    await store.enqueue([under("calls:") for _ in range(50)])

    begun = []
    for _ in range(41):
        begun.append(len(await claim(store, session)))
        timing.advance(seconds=0.025)

    assert begun[0] == 3
    assert sum(begun) == 3 + 10


async def test_the_store_says_when_a_rate_lets_the_next_begin(
    store: Store, timing: ManualTiming
) -> None:
    await declare(store, rate="2/s", burst=1)
    session = await begin(store)
    await store.enqueue([under("calls:"), under("calls:")])
    await claim(store, session)

    assert await claim(store, session) == []
    assert store.sight.opens_in == pytest.approx(0.5)
    timing.advance(seconds=0.5)
    assert len(await claim(store, session)) == 1


async def test_a_bound_queue_runs_no_more_than_its_limit(store: Store) -> None:
    await bound_queue(store, concurrency=3)
    session = await begin(store)
    await store.enqueue(factories.jobs(10))

    taken = await claim(store, session)

    assert len(taken) == 3
    assert await claim(store, session) == []
    await acked(store, factories.ack(taken[0]))
    assert len(await claim(store, session)) == 1


async def test_jobs_of_a_bound_queue_stay_pending_and_another_queue_goes_on(
    store: Store,
) -> None:
    await bound_queue(store, "default", concurrency=1)
    session = await begin(store)
    mine = factories.jobs(3)
    other = factories.job(queue="mail")
    await store.enqueue([*mine, other])

    taken = await drain(store, session, ["default", "mail"], 10)

    assert sorted(taken) == sorted([mine[0].id, other.id])
    assert await state(store, mine[1].id) is State.PENDING


async def test_a_job_that_is_called_off_while_it_waits_for_a_slot_waits_no_more(
    store: Store,
) -> None:
    await declare(store, concurrency=1)
    session = await begin(store)
    wanted = [under("calls:a") for _ in range(3)]
    await store.enqueue(wanted)
    await claim(store, session)

    await cancel(store, wanted[1].id)

    assert (await state_of(store)).waiting == 1


async def test_a_job_that_waits_for_a_slot_in_a_paused_queue_does_not_begin(
    store: Store,
) -> None:
    await declare(store, concurrency=1)
    session = await begin(store)
    await store.enqueue([under("calls:a"), under("calls:a")])
    [running] = await claim(store, session)
    await store.write(partial(queues.pause, name="default", by="ann"))
    await acked(store, factories.ack(running))

    assert await claim(store, session) == []
    await store.write(partial(queues.resume, name="default"))
    assert len(await claim(store, session)) == 1


async def test_a_job_waits_for_a_slot_only_at_a_worker_of_its_queue(store: Store) -> None:
    await declare(store, concurrency=1)
    session = await begin(store)
    await store.enqueue([under("calls:a"), under("calls:a", queue="mail")])
    [running] = await store.claim(session.id, ["default", "mail"], 10)
    await acked(store, factories.ack(running))

    assert await claim(store, session) == []
    assert len(await store.claim(session.id, ["mail"], 10)) == 1


async def test_a_retry_needs_its_slot_anew(store: Store, timing: ManualTiming) -> None:
    await declare(store, concurrency=1)
    session = await begin(store)
    failing, other = under("calls:a"), under("calls:a")
    await store.enqueue([failing, other])
    [first] = await claim(store, session)
    await acked(store, factories.ack(first, "retry", delay=timedelta(seconds=1)))
    await claim(store, session)
    timing.advance(seconds=2)
    await store.promote(10)

    assert await claim(store, session) == []
    assert await state(store, failing.id) is State.BLOCKED


async def test_a_revived_job_is_under_its_limit_again(store: Store) -> None:
    await declare(store, concurrency=1)
    session = await begin(store)
    failing, other = under("calls:a", priority=9), under("calls:a")
    await store.enqueue([failing, other])
    [first] = await claim(store, session)
    await acked(store, factories.ack(first, "bury"))
    await claim(store, session)

    await store.write(partial(jobs.revive, job=failing.id))

    assert await claim(store, session) == []


async def test_why_names_the_jobs_that_hold_a_full_limit(store: Store) -> None:
    await declare(store, concurrency=1)
    session = await begin(store)
    holder, waits = under("calls:acme"), under("calls:acme")
    await store.enqueue([holder, waits])
    await claim(store, session)

    _, [reason] = await store.read(partial(why.of_job, job=waits.id))

    assert reason.code == "limit-full"
    assert reason.what == f"limit calls:acme is full: 1 of 1 runs: {holder.id}"
    assert reason.remedy == "onbeat limits set calls --concurrency …"


async def test_why_says_when_a_rate_lets_the_job_begin(store: Store) -> None:
    await declare(store, rate="1/min")
    session = await begin(store)
    wanted = [under("calls:"), under("calls:")]
    await store.enqueue(wanted)
    await claim(store, session)

    _, [reason] = await store.read(partial(why.of_job, job=wanted[1].id))

    assert reason.code == "rate-limited"
    assert "limit calls lets the next begin at 2030-06-15 12:01:00 UTC" in reason.what


async def test_slots_that_nobody_needs_are_forgotten_and_come_back(store: Store) -> None:
    await declare(store, concurrency=1)
    session = await begin(store)
    await store.enqueue([under(f"calls:{n}") for n in range(20)])
    taken = await claim(store, session)
    await acked(store, *(factories.ack(each) for each in taken[1:]))

    await store.write(limits.sweep)

    left = await store.read(partial(limits.list_slots, name="calls"))
    assert [(each.name, each.used) for each in left] == [("calls:0", 1)]
    await store.enqueue([under("calls:0"), under("calls:1")])
    assert len(await claim(store, session)) == 1


async def test_the_counts_of_slots_are_verified(store: Store) -> None:
    await declare(store, concurrency=1)
    await bound_queue(store, "mail", concurrency=2)
    session = await begin(store)
    await store.enqueue([under("calls:a") for _ in range(3)])
    await store.enqueue(factories.jobs(3, queue="mail"))
    await store.claim(session.id, ["default", "mail"], 10)
    assert (await verify(store)).breaches == []

    await store.write(lambda connection, _: limits.leave(connection, "calls:a"))

    [breach] = (await verify(store)).breaches
    assert (breach.law, breach.subject) == (Law.SLOT_COUNT, "calls:a")
    assert breach.detail == "counted 1 held and 1 waiting, there are 1 and 2"


async def test_a_claim_need_not_look_past_those_who_lack_a_slot(store: Store) -> None:
    """As while a worker has short jobs at hand: their ends give slots back."""
    await declare(store, concurrency=1)
    session = await begin(store)
    wanted = [under("calls:a"), under("calls:a"), under("calls:b")]
    await store.enqueue(wanted)

    taken = await store.claim(session.id, ["default"], 100, far=False)

    assert [each.id for each in taken] == [wanted[0].id, wanted[2].id]
    assert await state(store, wanted[1].id) is State.PENDING
    assert await claim(store, session) == []
    assert await state(store, wanted[1].id) is State.BLOCKED
