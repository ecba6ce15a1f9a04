"""A run knows the moment of its schedule it was made for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from onbeat import Occurrence, Onbeat, Run, every
from onbeat.domain.jobs import JobId
from tests.app.occurring import moment_in_a_process
from tests.waiting import wait_for

Make = Callable[[Onbeat], Any]


async def moment(run: Run) -> str:
    return str(run.occurrence_at)


def in_a_coroutine(ob: Onbeat) -> Any:
    return ob.task(moment)


def in_a_process(ob: Onbeat) -> Any:
    return ob.task(isolate="process")(moment_in_a_process.function)


async def made(ob: Onbeat) -> list[tuple[Occurrence, JobId | None]]:
    """Occurrences with a job."""
    return [each for each in await ob.schedules.occurrences("beat") if each[1] is not None]


@pytest.mark.parametrize("make", [in_a_coroutine, in_a_process])
async def test_the_run_of_a_schedule_s_job_knows_its_moment(ob: Onbeat, make: Make) -> None:
    task = make(ob)
    await ob.schedules.create("beat", task.bind(), every("1s"), limit=1)

    async with ob.running():
        await wait_for(lambda: made(ob), what="a job")
        [(occurrence, job)] = await made(ob)
        result = await ob.jobs.handle(job or "", task.name).result("10s")

    assert result == str(occurrence.due_at)


async def test_the_run_of_a_job_asked_for_by_hand_has_no_moment(ob: Onbeat) -> None:
    job = await ob.task(moment).enqueue()

    async with ob.running(scheduler=False):
        assert await job.result("10s") == "None"
