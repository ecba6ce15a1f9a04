"""What the fleet has counted: each process adds to it, and of names there are only so many."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial

from sqlalchemy import update

from onbeat.domain.meters import BOUNDS, REST, Added, Counting, Meter, Sum
from onbeat.domain.schedules import Overlap
from onbeat.runtime.maintenance import rescue
from onbeat.runtime.metering import add_counted
from onbeat.runtime.tick import tick
from onbeat.store import meters, schema, workers
from onbeat.store.store import Store
from tests import factories
from tests.contract.beats import MINUTE, create
from tests.contract.bounds import claim, declare, under
from tests.contract.world import acked, begin, claim_one, enqueue, running
from tests.timing import ManualTiming

CHARGE = ("default", "charge", "succeeded")


def added(labels: tuple[str, ...] = CHARGE, meter: Meter = Meter.RAN) -> list[Added]:
    counting = Counting()
    counting.took(meter, labels, 0.02)
    counting.took(meter, labels, 4000.0)
    return counting.take()


async def add(store: Store, counted: list[Added]) -> None:
    await store.write(partial(meters.add, counted=counted))


async def sums(store: Store) -> dict[tuple[str, ...], Sum]:
    """All but how long the operations of these tests took."""
    found = await store.read(meters.read)
    return {(each.meter, *each.labels): each for each in found if each.meter is not Meter.ASKED}


async def test_what_processes_add_comes_together(store: Store, other_store: Store) -> None:
    await asyncio.gather(*(add(each, added()) for each in (store, other_store) * 5))

    found = (await sums(store))["ran", *CHARGE]
    assert (found.number, found.within[2], found.within[-1]) == (20, 10, 10)
    assert len(found.within) == len(BOUNDS) + 1
    assert abs(found.seconds - 40_000.2) < 1e-6


async def test_names_beyond_the_most_are_counted_among_the_rest(store: Store) -> None:
    many = [each for n in range(meters.MOST + 2) for each in added(("q", f"t{n:04}", "failed"))]
    await add(store, many)
    await add(store, added(("q", "t0000", "succeeded")) + added(("q", "new", "succeeded")))
    await add(store, added(("other queue",), Meter.WAITED))

    found = await sums(store)
    assert found["ran", REST, REST, "failed"].number == 4
    assert found["ran", REST, REST, "succeeded"].number == 2
    assert found["ran", "q", "t0000", "succeeded"].number == 2
    assert found["waited", "other queue"].number == 2
    assert sum(each.number for each in found.values()) == 2 * (meters.MOST + 5)


async def test_a_meter_of_a_newer_onbeat_is_passed_over(store: Store) -> None:
    await add(store, added())
    await store.write(lambda c, _: c.execute(update(schema.meters).values(meter="unheard of")))

    assert await sums(store) == {}


async def test_a_claim_tells_how_long_the_job_was_pending(
    store: Store, timing: ManualTiming
) -> None:
    session = await begin(store)
    await enqueue(store)
    timing.advance(seconds=90)

    assert (await claim_one(store, session)).waited == 90_000_000


async def test_a_delayed_job_waits_from_when_it_is_due(store: Store, timing: ManualTiming) -> None:
    session = await begin(store)
    await enqueue(store, delay=timedelta(hours=1))
    timing.advance(seconds=3600)
    await store.promote(10)
    timing.advance(seconds=2)

    assert (await claim_one(store, session)).waited == 2_000_000


async def test_what_waits_for_a_limit_waits(store: Store, timing: ManualTiming) -> None:
    await declare(store, concurrency=1)
    session = await begin(store)
    await store.enqueue([under("calls:acme") for _ in range(2)])
    [first] = await claim(store, session)
    timing.advance(seconds=30)
    await acked(store, factories.ack(first))

    [second] = await claim(store, session)

    assert (first.waited, second.waited) == (0, 30_000_000)


async def test_a_tick_counts_what_became_of_moments_and_how_late_that_was(
    store: Store, timing: ManualTiming
) -> None:
    await create(store, overlap=Overlap.SKIP)
    timing.advance(seconds=3)
    await tick(store)
    timing.advance(by=MINUTE)
    await tick(store)
    await tick(store)
    await add_counted(store)

    found = await sums(store)
    assert {labels: each.number for labels, each in found.items()} == {
        ("fired", "ran"): 1, ("fired", "skipped"): 1, ("ticked",): 3
    }  # fmt: skip
    assert found["fired", "ran"].seconds == 3.0
    assert found["fired", "ran"].within[BOUNDS.index(5.0)] == 1


async def test_an_attempt_whose_worker_died_is_counted_as_lost(
    store: Store, timing: ManualTiming
) -> None:
    await running(store, task="charge", queue="billing")
    timing.advance(by=timedelta(minutes=1))
    await store.write(workers.expire)

    await rescue(store)
    await rescue(store)
    await add_counted(store)

    assert (await sums(store))["ran", "billing", "charge", "lost"].number == 1


async def test_what_could_not_be_added_is_added_with_what_comes_next(store: Store) -> None:
    store.counting.took(Meter.WAITED, ("default",), 1.0)
    await store.write(lambda c, _: c.exec_driver_sql("ALTER TABLE onbeat_meters RENAME TO away"))
    failed = await asyncio.gather(add_counted(store), return_exceptions=True)
    await store.write(lambda c, _: c.exec_driver_sql("ALTER TABLE away RENAME TO onbeat_meters"))
    store.counting.took(Meter.WAITED, ("default",), 2.0)

    await add_counted(store)
    await add_counted(store)

    found = (await sums(store))["waited", "default"]
    assert isinstance(failed[0], Exception)
    assert (found.number, found.seconds) == (2, 3.0)
