"""Schedules that wait for a machine's start are due once for each of its boots."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from onbeat.domain.recurrence import Boot
from onbeat.domain.schedules import CatchUp, Overlap, Schedule
from onbeat.runtime.boots import Boots
from onbeat.runtime.tick import tick
from onbeat.store import boots, schedules
from onbeat.store.store import Store
from tests.contract.beats import again, create, ledger, outcomes
from tests.timing import ManualTiming

HERE = "web1"


async def waiting(store: Store, host: str | None = HERE) -> Schedule:
    """A schedule made during a boot called first."""
    return await create(
        store,
        recurrence=Boot(seen="first", host=host),
        catch_up=CatchUp(),
        overlap=Overlap.ALLOW,
    )


async def start_up(store: Store, boot: str, host: str = HERE) -> int:
    """What a scheduler does that starts during `boot`."""
    due = await store.write(lambda connection, now: boots.see(connection, now, host, boot))
    await tick(store)
    return due


async def test_the_boot_it_was_made_in_is_none_to_it(store: Store) -> None:
    schedule = await waiting(store)

    await start_up(store, "first")

    assert await ledger(store, schedule) == []
    assert (await again(store, schedule)).next_due_at is None


async def test_each_new_boot_makes_one_job(store: Store, timing: ManualTiming) -> None:
    schedule = await waiting(store)

    for boot in ("second", "second", "third", "third"):
        await start_up(store, boot)
        timing.advance(seconds=60)

    assert outcomes(await ledger(store, schedule)) == ["ran", "ran"]
    assert (await again(store, schedule)).made == 2


async def test_schedulers_that_start_at_once_make_one_job(store: Store, other_store: Store) -> None:
    schedule = await waiting(store)

    due = await asyncio.gather(*(start_up(each, "second") for each in (store, other_store) * 3))
    await tick(store)

    assert sum(due) == 1
    assert outcomes(await ledger(store, schedule)) == ["ran"]


async def test_the_start_of_another_machine_is_none_to_it(store: Store) -> None:
    schedule = await waiting(store)

    assert await start_up(store, "second", host="web2") == 0
    assert await ledger(store, schedule) == []


async def test_without_a_host_any_machine_s_start_counts(store: Store) -> None:
    schedule = await waiting(store, host=None)

    await start_up(store, "second", host="web2")

    assert outcomes(await ledger(store, schedule)) == ["ran"]


async def test_a_paused_one_makes_nothing_of_the_boot_it_was_paused_in(store: Store) -> None:
    schedule = await waiting(store)
    await store.write(lambda c, now: schedules.pause(c, now, schedule.name, "ann"))

    await start_up(store, "second")
    await store.write(lambda c, now: schedules.resume(c, now, schedule.name))
    await start_up(store, "second")
    in_that_boot = await ledger(store, schedule)
    await start_up(store, "third")

    assert in_that_boot == []
    assert outcomes(await ledger(store, schedule)) == ["ran"]


async def test_a_start_that_was_seen_but_not_acted_on_still_makes_its_job(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await waiting(store)

    await store.write(lambda connection, now: boots.see(connection, now, HERE, "second"))
    timing.advance(by=timedelta(minutes=5))
    await tick(store)

    assert outcomes(await ledger(store, schedule)) == ["late"]


async def test_other_schedules_are_left_alone(store: Store) -> None:
    schedule = await create(store)

    assert await start_up(store, "second") == 0
    assert (await again(store, schedule)).version == 1


async def test_the_service_looks_once_when_it_starts(store: Store) -> None:
    schedule = await waiting(store)
    service = Boots(store, boot="second", host=HERE)

    await service.start()
    await service.stop()
    await tick(store)

    assert outcomes(await ledger(store, schedule)) == ["ran"]
