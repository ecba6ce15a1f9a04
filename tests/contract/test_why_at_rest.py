"""What is held by services that were told to rest says so, and how they go on."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from onbeat.domain.jobs import JobId
from onbeat.domain.reasons import Reason
from onbeat.domain.services import Status
from onbeat.runtime.watchdog import suspects
from onbeat.store import duties, queues, why
from onbeat.store.store import Store
from tests.contract.beats import MINUTE, create
from tests.contract.standing import TERM, told
from tests.contract.world import begin, enqueue, running
from tests.timing import ManualTiming


async def schedulers_duty(store: Store) -> None:
    """As if the watchdog of a scheduler's process were at work."""
    await store.write(lambda c, now: duties.take(c, now, "watchdog", "somebody", TERM))


async def of_job(store: Store, job: JobId) -> list[Reason]:
    return (await store.read(partial(why.of_job, job=job)))[1]


async def of_schedule(store: Store, name: str) -> list[Reason]:
    return (await store.read(partial(why.of_schedule, name=name)))[1]


async def test_a_job_whose_only_worker_is_paused_says_so_and_how_it_goes_on(store: Store) -> None:
    await told(store, "worker", Status.PAUSED, await begin(store))

    [reason] = await of_job(store, await enqueue(store))

    assert (reason.code, reason.what) == (
        "workers-paused", "the 1 worker on its queue default is paused",
    )  # fmt: skip
    assert reason.remedy == "onbeat services resume worker@aaaaaaaa"


async def test_a_job_whose_workers_are_all_paused_is_helped_by_all_of_them(store: Store) -> None:
    for pid, short in ((1, "aaaaaaaa"), (2, "bbbbbbbb")):
        await told(store, "worker", Status.PAUSED, await begin(store, pid=pid), short)

    [reason] = await of_job(store, await enqueue(store))

    assert reason.what == "the 2 workers on its queue default are paused"
    assert reason.remedy == "onbeat services resume worker"


async def test_a_job_that_one_of_its_workers_has_room_for_is_held_by_nothing(store: Store) -> None:
    await told(store, "worker", Status.PAUSED, await begin(store, pid=1))
    await told(store, "worker", Status.RUNNING, await begin(store, pid=2), "bbbbbbbb")

    assert await of_job(store, await enqueue(store)) == []


async def test_the_slots_of_a_paused_worker_are_not_free(store: Store) -> None:
    await told(store, "worker", Status.PAUSED, await begin(store, pid=1))
    busy = await begin(store, pid=2, slots=1)
    await running(store, busy)

    [reason] = await of_job(store, await enqueue(store))

    assert reason.what == "the 1 slot of the 1 worker on queue default is taken"


async def test_the_jobs_of_a_schedule_will_wait_for_paused_workers(store: Store) -> None:
    await schedulers_duty(store)
    await told(store, "worker", Status.PAUSED, await begin(store))
    schedule = await create(store)

    reasons = await of_schedule(store, schedule.name)

    assert reasons[-1].what == "its jobs will wait: the 1 worker on its queue default is paused"


async def test_a_paused_queue_is_told_before_its_paused_workers(store: Store) -> None:
    await told(store, "worker", Status.PAUSED, await begin(store))
    await store.write(lambda c, now: queues.pause(c, now, "default", "ann"))

    reasons = await of_job(store, await enqueue(store))

    assert [each.code for each in reasons] == ["queue-paused", "workers-paused"]


@pytest.mark.parametrize(
    ("status", "verb", "stands"),
    [(Status.PAUSED, "resume", "paused"), (Status.STOPPED, "start", "stopped")],
)
@pytest.mark.parametrize("has_duty", [True, False])
async def test_a_schedule_that_is_due_while_the_scheduler_rests_says_so(
    store: Store, timing: ManualTiming, status: Status, verb: str, stands: str, has_duty: bool
) -> None:
    if has_duty:  # the watchdog goes on, unless that is paused as well
        await schedulers_duty(store)
    await told(store, "worker", Status.RUNNING, await begin(store))
    await told(store, "scheduler", status, short="cccccccc")
    schedule = await create(store)
    timing.advance(by=MINUTE)

    [reason] = await of_schedule(store, schedule.name)

    assert (reason.code, reason.what) == ("scheduler-at-rest", f"the 1 scheduler is {stands}")
    assert reason.remedy == f"onbeat services {verb} scheduler@cccccccc"


async def test_a_schedule_is_not_held_while_one_scheduler_works(store: Store) -> None:
    await schedulers_duty(store)
    await told(store, "worker", Status.RUNNING, await begin(store))
    await told(store, "scheduler", Status.PAUSED, short="cccccccc")
    await told(store, "scheduler", Status.RUNNING, short="dddddddd")
    schedule = await create(store)

    assert await of_schedule(store, schedule.name) == []


async def test_a_job_that_is_due_while_the_scheduler_rests_and_no_worker_is_there_says_so(
    store: Store, timing: ManualTiming
) -> None:
    await schedulers_duty(store)
    await told(store, "scheduler", Status.PAUSED, short="cccccccc")
    job = await enqueue(store, delay=MINUTE)
    timing.advance(by=2 * MINUTE)

    [reason] = await of_job(store, job)

    assert reason.code == "scheduler-at-rest"
    assert reason.remedy == "onbeat services resume scheduler@cccccccc"


async def test_a_job_that_is_due_while_the_scheduler_rests_is_brought_back_by_workers(
    store: Store, timing: ManualTiming
) -> None:
    await schedulers_duty(store)
    await begin(store)
    await told(store, "scheduler", Status.PAUSED, short="cccccccc")
    job = await enqueue(store, delay=MINUTE)
    timing.advance(by=2 * MINUTE)

    [reason] = await of_job(store, job)

    assert reason.code == "due"


async def test_workers_make_due_jobs_pending_where_all_of_a_scheduler_rests(
    store: Store, timing: ManualTiming
) -> None:
    await begin(store)
    await told(store, "scheduler", Status.PAUSED, short="cccccccc")
    job = await enqueue(store, delay=MINUTE)
    timing.advance(by=2 * MINUTE)

    [reason] = await of_job(store, job)

    assert reason.code == "due"


async def test_the_watchdog_plans_nothing_in_the_place_of_schedulers_that_were_stopped(
    store: Store, timing: ManualTiming
) -> None:
    await create(store)
    timing.advance(by=timedelta(minutes=5))
    await told(store, "scheduler", Status.STOPPED)
    look = partial(suspects, after="", at_once=10)
    stopped = await store.read(look)
    await told(store, "scheduler", Status.RUNNING)
    at_work = await store.read(look)
    assert (stopped.is_overdue, at_work.is_overdue) == (False, True)
