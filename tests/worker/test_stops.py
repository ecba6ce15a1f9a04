"""What a job that is asked to stop is left to do, and what is told of one that does not."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from onbeat import Task
from onbeat.domain.states import State
from onbeat.runtime.run import Run
from tests.waiting import wait_for
from tests.worker import isolated
from tests.worker.test_ends import gone, pids_in
from tests.worker.workshop import DEADLINE, SHORT, Workshop

ABANDONED = "; it could not be ended and was abandoned"


async def there(note: Path) -> None:
    """Wait until a job has written its note."""

    async def look() -> bool:
        return note.exists()  # noqa: ASYNC240 - a file in memory

    await wait_for(look, DEADLINE, f"{note}")


async def test_a_cancelled_thread_that_goes_on_is_reported_as_abandoned(shop: Workshop) -> None:
    gate = threading.Event()

    def wait_at_the_gate() -> None:
        gate.wait(DEADLINE)

    task = shop.task(wait_at_the_gate)
    async with shop.working():
        job = await shop.enqueue(task)
        await shop.stands(job, State.RUNNING)
        await shop.cancel(job)
        shown = await shop.ended(job)
        gate.set()

    assert (shown.state, shown.reason) == (State.CANCELLED, f"by ann{ABANDONED}")


async def test_a_cancelled_thread_that_heeds_it_is_not_reported_as_abandoned(
    shop: Workshop,
) -> None:
    def look_again_and_again(run: Run) -> None:
        while not run.is_cancelled:
            threading.Event().wait(0.01)

    task = shop.task(look_again_and_again)
    async with shop.working():
        job = await shop.enqueue(task)
        await shop.stands(job, State.RUNNING)
        await shop.cancel(job)
        shown = await shop.ended(job)

    assert (shown.state, shown.reason) == (State.CANCELLED, "by ann")


async def test_a_thread_past_its_timeout_that_heeds_it_is_not_reported_as_abandoned(
    shop: Workshop,
) -> None:
    def look_again_and_again(run: Run) -> None:
        while not run.is_cancelled:
            threading.Event().wait(0.01)

    task = shop.task(look_again_and_again, timeout=SHORT)
    async with shop.working():
        shown = await shop.ended(await shop.enqueue(task))

    assert shown.reason == "TimeoutError: ran past its timeout of 0.1 s"


async def test_a_job_given_back_while_its_thread_goes_on_says_so(shop: Workshop) -> None:
    gate = threading.Event()

    def wait_at_the_gate() -> None:
        gate.wait(DEADLINE)

    task = shop.task(wait_at_the_gate)
    async with shop.working(grace=timedelta()):
        job = await shop.enqueue(task)
        await shop.stands(job, State.RUNNING)
    [attempt] = await shop.attempts(job)
    gate.set()

    assert (attempt.outcome, attempt.reason) == (
        "interrupted",
        f"worker shutting down{ABANDONED}",
    )


@pytest.mark.parametrize("task", [isolated.tidy_up, isolated.tidy_up_soon], ids=["plain", "async"])
async def test_a_process_that_is_asked_to_stop_puts_its_things_away(
    shop: Workshop, tmp_path: Path, task: Task[..., Any, Any]
) -> None:
    note = tmp_path / "note"
    tidying = shop.isolated(task)
    async with shop.working():
        job = await shop.enqueue(tidying, str(note))
        await there(note)
        await shop.cancel(job)
        shown = await shop.ended(job)

    assert (shown.state, note.with_suffix(".tidy").exists()) == (State.CANCELLED, True)


async def test_a_process_past_its_timeout_puts_its_things_away(
    shop: Workshop, tmp_path: Path
) -> None:
    note = tmp_path / "note"
    tidying = shop.isolated(isolated.tidy_up, timeout=timedelta(seconds=2))
    async with shop.working():
        shown = await shop.ended(await shop.enqueue(tidying, str(note)))

    assert (shown.state, note.with_suffix(".tidy").exists()) == (State.FAILED, True)


async def test_a_process_that_does_not_heed_it_is_killed(shop: Workshop, tmp_path: Path) -> None:
    task = shop.isolated(isolated.not_heed)
    async with shop.working():
        job = await shop.enqueue(task, str(tmp_path / "pid"))
        pids = await pids_in(tmp_path / "pid")
        await shop.cancel(job)
        shown = await shop.ended(job)

        await gone(*pids)
    assert (shown.state, shown.reason) == (State.CANCELLED, "by ann")
