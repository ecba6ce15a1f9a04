"""Why a job or a schedule does not run: the true blocker is named, with what would change it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import delete

from onbeat.domain.jobs import JobId
from onbeat.domain.reasons import Reason
from onbeat.domain.recurrence import every
from onbeat.domain.schedules import Overlap, Schedule
from onbeat.runtime.tick import tick
from onbeat.store import duties, jobs, queues, schedules, why, workers
from onbeat.store.schedule_rows import set_values
from onbeat.store.schema import jobs as booked
from onbeat.store.store import Store
from tests import factories
from tests.contract.beats import MINUTE, create
from tests.contract.flows import started
from tests.contract.world import acked, begin, cancel, claim_one, enqueue, running
from tests.timing import START, ManualTiming


async def schedulers_run(store: Store) -> None:
    """As if a process with a scheduler were there."""
    term = timedelta(days=1)
    await store.write(lambda c, now: duties.take(c, now, "watchdog", "somebody", term))


async def of_job(store: Store, job: JobId) -> list[Reason]:
    return (await store.read(partial(why.of_job, job=job)))[1]


async def of_schedule(store: Store, schedule: Schedule) -> list[Reason]:
    return (await store.read(partial(why.of_schedule, name=schedule.name)))[1]


def codes(reasons: list[Reason]) -> list[str]:
    return [each.code for each in reasons]


async def test_no_worker_at_all(store: Store) -> None:
    [reason] = await of_job(store, await enqueue(store, queue="billing"))

    assert (reason.code, reason.what) == ("no-worker", "no worker is running")
    assert reason.remedy == "onbeat worker --queues billing"


async def test_workers_that_serve_other_queues(store: Store) -> None:
    await begin(store, queues=("mail", "default"))

    [reason] = await of_job(store, await enqueue(store, queue="billing"))

    assert reason.code == "no-worker"
    assert reason.what.endswith("serves its queue billing; those that run serve default, mail")


async def test_workers_that_shut_down(store: Store) -> None:
    session = await begin(store)
    await store.write(lambda c, now: workers.drain(c, now, session.id))

    assert codes(await of_job(store, await enqueue(store))) == ["workers-draining"]


async def test_a_paused_queue_and_who_paused_it(store: Store) -> None:
    await begin(store)
    await store.write(lambda c, now: queues.pause(c, now, "default", "ann"))

    [reason] = await of_job(store, await enqueue(store))

    assert reason.code == "queue-paused"
    assert "was paused by ann at 2030-06-15 12:00:00 UTC" in reason.what
    assert reason.remedy == "onbeat queues resume default"


async def test_all_slots_taken_and_jobs_ahead(store: Store) -> None:
    session = await begin(store, slots=2)
    for _ in range(2):
        await running(store, session)
    await enqueue(store)
    await enqueue(store, priority=9)
    job = await enqueue(store)
    await enqueue(store)

    full, behind = await of_job(store, job)

    assert (full.code, full.what) == (
        "slots-full", "all 2 slots of the 1 worker on queue default are taken",
    )  # fmt: skip
    assert (behind.code, behind.what) == ("behind-others", "2 jobs of its queue come first")


async def test_a_job_that_a_worker_has_room_for_is_held_by_nothing(store: Store) -> None:
    await begin(store)

    assert await of_job(store, await enqueue(store)) == []


async def test_a_job_that_is_not_due_yet(store: Store) -> None:
    await schedulers_run(store)
    job = await enqueue(store, delay=timedelta(minutes=5))

    [reason] = await of_job(store, job)

    assert reason.code == "not-due"
    assert reason.what == "it is not due until 2030-06-15 12:05:00 UTC"
    assert reason.remedy == f"onbeat jobs retry {job}"


async def test_a_job_that_is_to_be_retried_tells_its_last_error(store: Store) -> None:
    await schedulers_run(store)
    claimed = await running(store)
    await acked(store, factories.ack(claimed, "retry", reason="OSError: connection refused"))

    [reason] = await of_job(store, claimed.id)

    assert reason.what.endswith(": OSError: connection refused")


async def test_a_job_whose_task_no_worker_knows_wants_another_worker(store: Store) -> None:
    await schedulers_run(store)
    claimed = await running(store)
    reason = f"no worker here knows task {claimed.task!r}"
    await acked(store, factories.ack(claimed, "retry", reason=reason))

    [told] = await of_job(store, claimed.id)

    assert told.remedy == (
        f"start a worker whose application has task {claimed.task}, "
        f"or `onbeat jobs cancel {claimed.id}`"
    )


async def test_waiting_jobs_without_a_scheduler(store: Store, timing: ManualTiming) -> None:
    job = await enqueue(store, delay=timedelta(minutes=5))
    timing.advance(by=timedelta(minutes=6))

    assert codes(await of_job(store, job)) == ["no-scheduler"]


async def test_waiting_jobs_need_no_scheduler_where_a_worker_runs(
    store: Store, timing: ManualTiming
) -> None:
    job = await enqueue(store, delay=timedelta(minutes=5))
    timing.advance(by=timedelta(minutes=6))
    await begin(store)

    [reason] = await of_job(store, job)

    assert reason.what == "it is due since 2030-06-15 12:05:00 UTC and about to be pending"


async def test_a_snoozed_job_tells_that_it_was_snoozed_and_why(store: Store) -> None:
    await schedulers_run(store)
    for why_snoozed, told in (("the bank is shut", ": the bank is shut"), (None, "")):
        claimed = await running(store)
        await acked(store, factories.ack(claimed, "snooze", reason=why_snoozed))

        [reason] = await of_job(store, claimed.id)

        assert reason.what.startswith("it is not due until ")
        assert reason.what.endswith(f" UTC: snoozed{told}")


async def test_a_blocked_job_tells_its_reason(store: Store) -> None:
    job = await enqueue(store)
    await store.write(lambda c, now: jobs.block(c, now, job, "limit of 3 for tenant acme"))

    [reason] = await of_job(store, job)

    assert reason.what == "it is held back: limit of 3 for tenant acme"


async def test_a_running_job_tells_where_it_runs_and_whether_it_was_asked_to_stop(
    store: Store,
) -> None:
    claimed = await running(store, await begin(store, instance="host-7"))
    [before] = await of_job(store, claimed.id)
    await cancel(store, claimed.id)
    [after] = await of_job(store, claimed.id)

    assert (before.code, after.code) == ("running", "stopping")
    assert "it runs in host-7 since" in before.what
    assert after.what.endswith("was asked to stop: by ann")


async def test_a_job_whose_worker_is_gone(store: Store) -> None:
    session = await begin(store)
    claimed = await running(store, session)
    await store.write(lambda c, now: workers.end(c, now, session.id))

    assert codes(await of_job(store, claimed.id)) == ["worker-lost"]


async def test_a_job_that_has_ended_tells_how(store: Store) -> None:
    claimed = await running(store)
    await acked(store, factories.ack(claimed, "bury", reason="ValueError: no such order"))

    [reason] = await of_job(store, claimed.id)

    assert reason.what == "it has ended: failed (ValueError: no such order)"


async def test_a_schedule_that_is_not_due_yet(store: Store) -> None:
    await schedulers_run(store)
    await begin(store)
    schedule = await create(store, recurrence=every("1h"), start_at=START + MINUTE)

    [reason] = await of_schedule(store, schedule)

    assert reason.what == "it is not due until 2030-06-15 13:00:00 UTC"


async def test_a_schedule_without_a_scheduler(store: Store, timing: ManualTiming) -> None:
    await begin(store)
    schedule = await create(store)
    timing.advance(by=MINUTE)

    assert codes(await of_schedule(store, schedule)) == ["no-scheduler"]


async def test_a_paused_schedule_tells_who_why_and_until_when(store: Store) -> None:
    schedule = await create(store)
    until = START + timedelta(hours=1)
    await store.write(
        lambda c, now: schedules.pause(c, now, schedule.name, "ann", why="a move", until=until)
    )

    [reason] = await of_schedule(store, schedule)

    assert reason.what == (
        "ann paused it at 2030-06-15 12:00:00 UTC until 2030-06-15 13:00:00 UTC: a move"
    )
    assert reason.remedy == f"onbeat schedules resume {schedule.name}"


async def test_a_broken_schedule_tells_its_error(store: Store) -> None:
    schedule = await create(store)
    await store.write(lambda c, now: set_values(c, schedule.id, broken="no zone Mars/Base"))

    [reason] = await of_schedule(store, schedule)

    assert reason.what == "it was set aside: no zone Mars/Base"


async def used_up(store: Store) -> Schedule:
    schedule = await create(store, limit=1)
    await tick(store)
    await acked(store, factories.ack(await claim_one(store, await begin(store))))
    return schedule


async def over(store: Store) -> Schedule:
    schedule = await create(store, recurrence=every("1h"), end_at=START)
    await tick(store)
    await acked(store, factories.ack(await claim_one(store, await begin(store))))
    return schedule


@pytest.mark.parametrize(
    ("make", "code", "option"), [(used_up, "limit", "--limit none"), (over, "ended", "--end none")]
)
async def test_a_schedule_that_has_ended_tells_why(
    store: Store, make: Callable[[Store], Awaitable[Schedule]], code: str, option: str
) -> None:
    await schedulers_run(store)

    [reason] = await of_schedule(store, await make(store))

    assert reason.code == code
    assert reason.remedy is not None
    assert reason.remedy.endswith(option)


async def test_moments_to_be_left_out(store: Store) -> None:
    await schedulers_run(store)
    await begin(store)
    schedule = await create(store, recurrence=every("1h"), start_at=START + MINUTE)
    await store.write(lambda c, now: schedules.skip_next(c, now, schedule.name, "ann", 2))

    reasons = await of_schedule(store, schedule)

    assert codes(reasons) == ["not-due", "skips"]
    assert reasons[1].what == "ann wants its next 2 moments left out"


async def test_a_schedule_whose_last_job_holds_it_tells_what_holds_the_job(
    store: Store, timing: ManualTiming
) -> None:
    await schedulers_run(store)
    schedule = await create(store, recurrence=every("1m"), overlap=Overlap.BUFFER_ONE)
    await tick(store)
    timing.advance(by=MINUTE)
    await tick(store)

    reasons = await of_schedule(store, schedule)

    assert codes(reasons) == ["last-job", "last-job-open", "no-worker"]
    assert "its moments since 2030-06-15 12:01:00 UTC wait (overlap: buffer one)" in reasons[0].what


async def test_a_job_that_waits_for_parents_tells_which_and_why_they_do_not_run(
    store: Store,
) -> None:
    flow = await started(store, {"a": [], "b": ["a"], "c": ["b"], "d": ["b", "c"]})

    waits, behind = await of_job(store, flow.jobs["d"])

    named = f"b is blocked ({flow.jobs['b']}), c is blocked ({flow.jobs['c']})"
    assert waits.what == f"it waits for 2 jobs of workflow nightly: {named}"
    assert waits.remedy == f"onbeat workflows show {flow.id}"
    assert (behind.code, behind.what) == ("no-worker", "a: no worker is running")


async def test_of_many_parents_those_are_named_that_do_not_wait_themselves(store: Store) -> None:
    waits = {**dict.fromkeys("abcde", ()), "f": ("a",), "last": tuple("fabcde")}
    flow = await started(store, waits)

    told = (await of_job(store, flow.jobs["last"]))[0].what

    assert told.startswith("it waits for 6 jobs of workflow nightly: a is pending")
    assert told.endswith(", and 3 more")


async def test_what_was_called_off_is_mended_by_running_again_what_it_was_called_off_for(
    store: Store,
) -> None:
    flow = await started(store, {"a": [], "b": ["a"], "c": ["b"]})
    await flow.run(await begin(store), a="bury")

    [of_child], [of_grandchild] = [await of_job(store, flow.jobs[each]) for each in "bc"]

    assert of_child.what.startswith("it has ended: cancelled (a failed")
    assert of_child.remedy == of_grandchild.remedy == f"onbeat jobs retry {flow.jobs['a']}"


async def test_what_was_called_off_because_of_a_job_that_is_gone_is_run_again_itself(
    store: Store,
) -> None:
    flow = await started(store, {"a": [], "b": ["a"]})
    await flow.run(await begin(store), a="bury")
    await store.write(lambda c, _: c.execute(delete(booked).where(booked.c.id == flow.jobs["a"])))

    [told] = await of_job(store, flow.jobs["b"])

    assert told.remedy == f"onbeat jobs retry {flow.jobs['b']}"


async def test_a_schedule_tells_that_its_queue_is_paused_before_a_job_stands_in_it(
    store: Store,
) -> None:
    await schedulers_run(store)
    await begin(store)
    schedule = await create(store, recurrence=every("1h"), start_at=START + MINUTE)
    await store.write(lambda c, now: queues.pause(c, now, "default", "ann"))

    reasons = await of_schedule(store, schedule)

    assert codes(reasons) == ["not-due", "queue-paused"]
    assert reasons[1].what.startswith("its jobs will wait: its queue default was paused by ann")
    assert reasons[1].remedy == "onbeat queues resume default"


async def test_a_schedule_tells_that_no_worker_serves_its_queue(store: Store) -> None:
    await schedulers_run(store)
    await begin(store, queues=("mail",))
    schedule = await create(store, recurrence=every("1h"), start_at=START + MINUTE)

    reasons = await of_schedule(store, schedule)

    assert codes(reasons) == ["not-due", "no-worker"]
    assert reasons[1].what.startswith("its jobs will wait: no worker serves its queue default")
    assert reasons[1].remedy == "onbeat worker --queues default"
