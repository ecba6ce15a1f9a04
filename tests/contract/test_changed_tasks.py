"""A schedule that was given another task: what a job of the old one still holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from onbeat.domain.jobs import ClaimedJob
from onbeat.domain.recurrence import every
from onbeat.domain.schedules import HOLDING, Overlap, Schedule
from onbeat.runtime.tick import tick
from onbeat.runtime.watchdog import Watchdog
from onbeat.store import why
from onbeat.store.store import Store
from tests import factories
from tests.contract.beats import MINUTE, again, change, create, ledger, outcomes
from tests.contract.world import acked, begin, claim_one, find
from tests.timing import START, ManualTiming

holding = pytest.mark.parametrize("overlap", sorted(HOLDING))


async def made(store: Store, **fields: object) -> Schedule:
    """A schedule of every minute that has made the job of its first, at START."""
    schedule = await create(store, task="old", **fields)
    await tick(store)
    return schedule


async def given_new_task(store: Store, schedule: Schedule) -> Schedule:
    return await change(store, replace(await again(store, schedule), task="new"))


async def claimed(store: Store) -> ClaimedJob:
    return await claim_one(store, await begin(store))


async def waits_again(store: Store, job: ClaimedJob) -> None:
    """As a worker acks what it has no task for."""
    await acked(store, factories.ack(job, "snooze", delay=timedelta(days=1)))


async def test_a_job_of_the_old_task_that_waits_skips_no_moment(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await made(store, overlap=Overlap.SKIP)
    await waits_again(store, await claimed(store))
    await given_new_task(store, schedule)
    timing.advance(by=MINUTE)

    await tick(store)

    entries = await ledger(store, schedule)
    assert outcomes(entries) == ["ran", "ran"]
    assert entries[1][1] is not None
    assert (await find(store, entries[1][1])).task == "new"


async def test_a_job_of_the_same_task_that_waits_skips_moments(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await made(store, overlap=Overlap.SKIP)
    await waits_again(store, await claimed(store))
    timing.advance(by=MINUTE)

    await tick(store)

    assert outcomes(await ledger(store, schedule)) == ["ran", "skipped"]


async def test_a_job_of_the_old_task_skips_moments_while_it_runs(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await made(store, overlap=Overlap.SKIP)
    job = await claimed(store)
    await given_new_task(store, schedule)
    timing.advance(by=MINUTE)
    await tick(store)
    await waits_again(store, job)
    timing.advance(by=MINUTE)

    await tick(store)

    assert outcomes(await ledger(store, schedule)) == ["ran", "skipped", "ran"]


@holding
async def test_what_waited_for_a_job_of_the_old_task_that_waits_itself_comes_at_once(
    store: Store, timing: ManualTiming, overlap: Overlap
) -> None:
    schedule = await made(store, overlap=overlap)
    job = await claimed(store)
    timing.advance(by=MINUTE)
    await tick(store)
    await waits_again(store, job)

    await given_new_task(store, schedule)
    await tick(store)

    entries = await ledger(store, schedule)
    assert [(each.due_at, job is not None) for each, job in entries] == [
        (START, True),
        (START + MINUTE, True),
    ]


@holding
async def test_what_waited_for_a_running_job_of_the_old_task_comes_when_that_waits(
    store: Store, timing: ManualTiming, overlap: Overlap
) -> None:
    schedule = await made(store, overlap=overlap)
    job = await claimed(store)
    timing.advance(by=MINUTE)
    await tick(store)
    await given_new_task(store, schedule)
    still = await again(store, schedule)
    await waits_again(store, job)

    await Watchdog(store).step()

    assert (still.next_due_at, still.awaits_job) == (None, job.id)
    assert (await again(store, schedule)).next_due_at == START + MINUTE


async def test_a_rest_after_a_job_of_the_old_task_that_waits_begins_with_the_change(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await made(store, recurrence=every("5m", after_finish=True))
    await waits_again(store, await claimed(store))
    timing.advance(by=MINUTE)

    await given_new_task(store, schedule)

    assert (await again(store, schedule)).next_due_at == START + 6 * MINUTE


async def test_only_a_job_that_skips_moments_is_said_to(store: Store, timing: ManualTiming) -> None:
    schedule = await made(store, overlap=Overlap.SKIP)
    await waits_again(store, await claimed(store))
    before = await told(store, schedule)

    await given_new_task(store, schedule)

    assert "and while it does, its moments are skipped" in before
    assert "its moments are skipped" not in await told(store, schedule)


async def told(store: Store, schedule: Schedule) -> str:
    _, reasons = await store.read(lambda c, now: why.of_schedule(c, now, schedule.name))
    return "; ".join(each.what for each in reasons)
