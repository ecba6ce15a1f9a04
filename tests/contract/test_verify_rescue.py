"""Verifying leases of workers that are gone: a breach only where a rescuer leaves them alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from onbeat.domain.jobs import ClaimedJob
from onbeat.runtime.maintenance import Rescuer
from onbeat.store import duties, workers
from onbeat.store.store import Store
from onbeat.store.verify.laws import Law, Report
from onbeat.store.verify.lost import RESCUER, SWEEP
from onbeat.store.verify.walk import verify
from tests.contract.rescue import rescue
from tests.contract.world import TERM, begin, running
from tests.timing import ManualTiming

STEPS = 4
"""In how many steps time passes while a rescue is waited for; the duty is kept in each."""


async def test_a_lease_that_a_rescuer_on_duty_leaves_alone_is_found(
    store: Store, timing: ManualTiming
) -> None:
    claimed = await _lost(store)

    report = await _verify_patiently(store, timing, ["r1"])

    assert [(each.law, each.subject) for each in report.breaches] == [
        (Law.LEASE_NOT_RESCUED, claimed.id)
    ]


async def test_a_lease_that_the_rescuer_on_duty_gives_back_is_none(
    store: Store, timing: ManualTiming
) -> None:
    await _lost(store)

    report = await _verify_patiently(store, timing, ["r1"], lambda: rescue(store))

    assert report == Report(jobs=1, attempts=1)


async def test_a_lease_that_was_lost_while_verifying_is_none(
    store: Store, timing: ManualTiming
) -> None:
    await _lost(store)

    async def another() -> None:
        await rescue(store)
        await _lost(store)

    report = await _verify_patiently(store, timing, ["r1"], another)

    assert report.breaches == []


async def test_a_lease_is_left_to_a_rescuer_that_came_on_duty_meanwhile(
    store: Store, timing: ManualTiming
) -> None:
    await _lost(store)

    report = await _verify_patiently(store, timing, ["r1", "r2"])

    assert report.breaches == []


async def test_a_lost_lease_with_no_rescuer_on_duty_is_only_remarked_upon(store: Store) -> None:
    await _lost(store)

    report = await verify(store)

    assert report.breaches == []
    assert report.remarks == [
        "jobs held by workers that are gone: 1; they are given back when a worker or scheduler runs"
    ]


async def test_the_duty_that_is_asked_for_is_the_rescuers(store: Store) -> None:
    assert Rescuer(store).id == RESCUER


async def _lost(store: Store) -> ClaimedJob:
    """A job whose worker has ended."""
    session = await begin(store)
    claimed = await running(store, session)
    await store.write(lambda connection, now: workers.end(connection, now, session.id))
    return claimed


async def _verify_patiently(
    store: Store,
    timing: ManualTiming,
    holders: Sequence[str],
    meanwhile: Callable[[], Awaitable[object]] | None = None,
) -> Report:
    """Verify, and let the time pass for which it waits; `holders` are on duty in turn."""

    async def keep(holder: str) -> None:
        await store.write(lambda c, now: duties.give_up(c, now, RESCUER, holders[0]))
        await store.write(lambda c, now: duties.take(c, now, RESCUER, holder, TERM))

    await keep(holders[0])
    verifying = asyncio.ensure_future(verify(store))
    await timing.asleep()
    if meanwhile is not None:
        await meanwhile()
    patience = timedelta(seconds=2) + TERM + 3 * SWEEP
    for step in range(STEPS):
        await keep(holders[-1] if step else holders[0])
        await timing.asleep()
        timing.advance(by=patience / STEPS)
    return await verifying
