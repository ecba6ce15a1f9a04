"""Breakers: the fleet leaves a failing dependency alone, no attempt is spent, probes try."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from onbeat.domain.breakers import BreakerState, Rule
from onbeat.domain.errors import NotFound
from onbeat.domain.jobs import NewJob
from onbeat.domain.states import State
from onbeat.store import breakers, limits, why
from onbeat.store.store import Store
from onbeat.store.verify.walk import verify
from tests import factories
from tests.contract.world import acked, begin, find
from tests.timing import ManualTiming

RULE = Rule(threshold=3, open_for=timedelta(seconds=30), probes=1)
NOW = timedelta()


def under(**fields: object) -> NewJob:
    """A job that needs the dependency."""
    return factories.job(ties=("slot:breaker/stripe:",), **fields)


async def declare(store: Store) -> None:
    """Let code declare the breaker."""
    await store.write(partial(breakers.declare, wanted={"stripe": RULE}, by="code:app"))


async def see(store: Store, *failures: str | None, ago: timedelta = NOW) -> None:
    """Tell how attempts ended."""
    seen = [(ago, failure) for failure in failures]
    await store.write(partial(breakers.observed, name="stripe", seen=seen))


async def stands(store: Store) -> BreakerState:
    """What the breaker lets through."""
    return (await store.read(partial(breakers.find, name="stripe"))).state


async def test_while_it_is_closed_jobs_begin(store: Store) -> None:
    await declare(store)
    session = await begin(store)
    await see(store, "boom", "boom", None, "boom")
    await store.enqueue([under() for _ in range(5)])

    assert len(await store.claim(session.id, ["default"], 10)) == 5


async def test_while_it_is_open_jobs_wait_and_spend_no_attempt(store: Store) -> None:
    await declare(store)
    session = await begin(store)
    await see(store, "boom", "boom", "boom")
    wanted, other = under(), factories.job()
    await store.enqueue([wanted, other])

    taken = await store.claim(session.id, ["default"], 10)

    assert [each.id for each in taken] == [other.id]
    found = await find(store, wanted.id)
    assert (found.state, found.attempt) == (State.BLOCKED, 0)
    assert found.reason == "breaker stripe is not closed"
    assert store.sight.opens_in == pytest.approx(30)


async def test_an_open_one_that_nobody_waits_for_is_not_forgotten(store: Store) -> None:
    """Slots that nobody needs are swept away from time to time; this one is shut."""
    await declare(store)
    session = await begin(store)
    await see(store, *["down"] * 3)
    await store.write(limits.sweep)
    await store.enqueue([under()])

    assert await store.claim(session.id, ["default"], 10) == []


async def test_after_its_time_only_the_probes_begin_until_one_succeeds(
    store: Store, timing: ManualTiming
) -> None:
    await declare(store)
    session = await begin(store)
    await see(store, "boom", "boom", "boom")
    await store.enqueue([under() for _ in range(4)])
    await store.claim(session.id, ["default"], 10)
    timing.advance(seconds=31)

    [probe] = await store.claim(session.id, ["default"], 10)
    assert await store.claim(session.id, ["default"], 10) == []
    assert await stands(store) is BreakerState.HALF_OPEN
    await acked(store, factories.ack(probe))
    await see(store, None)

    assert await stands(store) is BreakerState.CLOSED
    assert len(await store.claim(session.id, ["default"], 10)) == 3
    assert (await verify(store)).breaches == []


async def test_a_probe_that_fails_opens_it_anew(store: Store, timing: ManualTiming) -> None:
    await declare(store)
    session = await begin(store)
    await see(store, "boom", "boom", "boom")
    await store.enqueue([under() for _ in range(2)])
    await store.claim(session.id, ["default"], 10)
    timing.advance(seconds=31)
    [probe] = await store.claim(session.id, ["default"], 10)
    await acked(store, factories.ack(probe, "bury"))
    await see(store, "boom")

    assert await stands(store) is BreakerState.OPEN
    assert await store.claim(session.id, ["default"], 10) == []


async def test_it_is_opened_and_closed_by_hand(store: Store) -> None:
    await declare(store)
    session = await begin(store)
    await store.enqueue([under()])

    opened = await store.write(partial(breakers.trip, name="stripe", by="ann"))
    assert opened.standing.reason == "opened by ann"
    assert await store.claim(session.id, ["default"], 10) == []
    await store.write(partial(breakers.close, name="stripe", by="ann"))

    assert len(await store.claim(session.id, ["default"], 10)) == 1


async def test_a_deploy_leaves_an_open_breaker_open(store: Store) -> None:
    await declare(store)
    await see(store, "boom", "boom", "boom")

    await declare(store)

    assert await stands(store) is BreakerState.OPEN


async def test_one_that_nobody_declared_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound, match="no breaker named 'strip'; `onbeat breakers ls`"):
        await store.write(partial(breakers.trip, name="strip", by="ann"))


async def test_why_says_until_when_it_is_open_and_who_tries(
    store: Store, timing: ManualTiming
) -> None:
    await declare(store)
    session = await begin(store)
    await see(store, "boom", "boom", "boom")
    wanted = [under(), under()]
    await store.enqueue(wanted)
    await store.claim(session.id, ["default"], 10)

    _, [opened] = await store.read(partial(why.of_job, job=wanted[1].id))
    timing.advance(seconds=31)
    await store.claim(session.id, ["default"], 10)
    _, [tried] = await store.read(partial(why.of_job, job=wanted[1].id))

    assert opened.code == "breaker-open"
    assert "breaker stripe is open until 2030-06-15 12:00:30 UTC" in opened.what
    assert tried.code == "breaker-half-open"
    assert wanted[0].id in tried.what


async def test_breakers_are_not_listed_among_limits(store: Store) -> None:
    await declare(store)
    await see(store, "boom", "boom", "boom")

    assert await store.read(limits.list_limits) == []
