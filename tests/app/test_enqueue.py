"""Asking for jobs: what the options do, and what comes back."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from onbeat import Cancel, Conflict, InvalidInput, JobFailed, Onbeat, Retry, Service, State
from onbeat.app.processes import Parts
from onbeat.runtime.worker.worker import WorkerOptions

NOON = datetime(2040, 6, 1, 12, tzinfo=UTC)


def add(left: int, right: int = 1) -> int:
    return left + right


async def test_a_job_that_is_asked_for_is_pending(ob: Onbeat) -> None:
    job = await ob.task(add).enqueue(1, right=2)

    shown = await job.show()

    assert (shown.state, shown.task, shown.args) == (
        State.PENDING,
        "add",
        shown.args,
    )


async def test_the_arguments_are_kept_by_name(ob: Onbeat) -> None:
    shown = await (await ob.task(add).enqueue(1, right=2)).show()

    assert shown.args.replace(" ", "") == '{"left":1,"right":2}'


async def test_a_task_can_still_be_called(ob: Onbeat) -> None:
    assert ob.task(add)(1, right=2) == 3


@pytest.mark.parametrize(
    ("options", "field", "value"),
    [
        ({"queue": "mail"}, "queue", "mail"),
        ({"priority": 9}, "priority", 9),
        ({"priority": 0}, "priority", 0),
        ({"retry": Retry(7)}, "max_attempts", 7),
        ({"at": NOON}, "due_at", NOON),
        ({"at": NOON}, "state", State.SCHEDULED),
        ({"delay": "1h"}, "state", State.SCHEDULED),
        ({"delay": "0s"}, "state", State.PENDING),
    ],
)
async def test_an_option_holds_for_the_job(
    ob: Onbeat, options: dict[str, Any], field: str, value: object
) -> None:
    job = await ob.task(add).opts(**options).enqueue(1)

    assert getattr(await job.show(), field) == value


async def test_a_delay_counts_from_when_it_is_stored(ob: Onbeat) -> None:
    shown = await (await ob.task(add).opts(delay=timedelta(hours=1)).enqueue(1)).show()

    assert shown.due_at == shown.created_at + timedelta(hours=1)


async def test_options_that_are_left_out_stay_as_they_were(ob: Onbeat) -> None:
    job = await ob.task(add).opts(queue="mail", priority=1).opts(priority=2).enqueue(1)
    shown = await job.show()

    assert (shown.queue, shown.priority) == ("mail", 2)


async def test_options_do_not_stick_to_the_task(ob: Onbeat) -> None:
    task = ob.task(add)
    task.opts(queue="mail")

    assert (await (await task.enqueue(1)).show()).queue == "default"


async def test_of_delay_and_moment_the_later_option_holds(ob: Onbeat) -> None:
    soon = await ob.task(add).opts(at=NOON).opts(delay="1h").enqueue(1)
    then = await ob.task(add).opts(delay="9000d").opts(at=NOON).enqueue(1)

    assert (await soon.show()).due_at != NOON
    assert (await then.show()).due_at == NOON


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"queue": ""}, "queue: '' is not a name"),
        ({"queue": "my mail"}, "queue: 'my mail' is not a name"),
        ({"priority": 11}, "priority: 11 is out of range; give 0"),
        ({"priority": True}, "priority: True is not a whole number"),
        ({"timeout": "0s"}, "timeout: 0 leaves no time to run"),
        ({"timeout": "soon"}, "timeout: 'soon'"),
        ({"delay": timedelta(seconds=-1)}, "delay: .* is negative; give 0s or more"),
        ({"delay": "1 month"}, "delay: '1 month'"),
        ({"delay": "1s", "at": NOON}, "at: it is given together with delay"),
        ({"at": NOON.replace(tzinfo=None)}, "at: .* has no zone; add one"),
    ],
)
def test_a_wrong_option_is_named_with_what_is_allowed(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        Onbeat("sqlite:///:memory:").task(add).opts(**options)


async def test_many_are_asked_for_at_once(ob: Onbeat) -> None:
    task = ob.task(add)

    jobs = await ob.enqueue_many(task.bind(number) for number in range(10))

    shown = [await job.show() for job in jobs]
    assert [each.args.replace(" ", "") for each in shown] == [f'{{"left":{n}}}' for n in range(10)]


async def test_asking_for_none_stores_none(ob: Onbeat) -> None:
    assert await ob.enqueue_many([]) == []


async def test_a_result_is_waited_for(ob: Onbeat) -> None:
    task = ob.task(add)
    async with ob.running(scheduler=False):
        job = await task.enqueue(1, right=2)

        assert await job.result("15s") == 3


async def test_a_failed_job_has_no_result(ob: Onbeat) -> None:
    @ob.task(retry=Retry(1))
    async def stumble() -> None:
        raise KeyError("fourteen")

    async with ob.running(scheduler=False):
        job = await stumble.enqueue()

        with pytest.raises(JobFailed, match="failed: KeyError: 'fourteen'"):
            await job.result("15s")


async def test_a_job_that_gave_up_has_no_result(ob: Onbeat) -> None:
    @ob.task
    async def give_up() -> None:
        raise Cancel("nothing to do")

    async with ob.running(scheduler=False):
        job = await give_up.enqueue()

        with pytest.raises(JobFailed, match="cancelled: nothing to do"):
            await job.result("15s")


async def test_waiting_for_a_result_may_end_before_the_job_does(ob: Onbeat) -> None:
    job = await ob.task(add).enqueue(1)

    with pytest.raises(TimeoutError, match=f"^job {job.id} has not ended within 0.3 s: .*pending"):
        await job.result("300ms")
    assert (await job.show()).state is State.PENDING


async def test_a_waiting_job_can_be_cancelled(ob: Onbeat) -> None:
    job = await ob.task(add).enqueue(1)

    assert await job.cancel("by ann") is State.CANCELLED
    assert (await job.show()).reason == "by ann"


async def test_an_ended_job_cannot_be_cancelled(ob: Onbeat) -> None:
    job = await ob.task(add).enqueue(1)
    await job.cancel()

    with pytest.raises(Conflict, match="is cancelled; only one that waits or runs"):
        await job.cancel()


async def test_a_job_can_be_run_again(ob: Onbeat) -> None:
    job = await ob.task(add).enqueue(1)
    await job.cancel()

    await ob.jobs.retry(job.id)

    assert (await job.show()).state is State.PENDING


async def test_a_worker_is_woken_by_a_new_job(ob: Onbeat) -> None:
    task = ob.task(add)
    parts = Parts(scheduler=False, options=WorkerOptions(slots=1))
    async with ob.running(parts=parts), asyncio.timeout(15):
        results = [await (await task.enqueue(number)).result() for number in range(5)]

    assert results == [1, 2, 3, 4, 5]


class Slow(Service):
    """Is set up when the gate opens."""

    def __init__(self, gate: asyncio.Event) -> None:
        super().__init__(id="slow")
        self.gate = gate
        self.begun = asyncio.Event()

    async def set_up(self) -> None:
        self.begun.set()
        await self.gate.wait()

    async def step(self) -> float:
        return 60.0


async def test_a_start_that_is_cut_short_leaves_nothing_running(ob: Onbeat) -> None:
    slow = Slow(asyncio.Event())
    ob.service(lambda store: slow)

    async def run() -> None:
        async with ob.running(worker=False):
            pass

    running = asyncio.create_task(run())
    async with asyncio.timeout(15):
        await slow.begun.wait()
        running.cancel()
        await asyncio.wait([running], timeout=0)
        slow.gate.set()
        await asyncio.wait([running])

    names = {each.get_name() for each in asyncio.all_tasks()}
    assert names & {"onbeat-slow", "onbeat-scheduler", "onbeat-rescuer"} == set()
