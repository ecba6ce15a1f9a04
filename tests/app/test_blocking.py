"""The same verbs from code without an event loop."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from onbeat import JobFailed, Onbeat, Settings, State


def add(left: int, right: int = 1) -> int:
    return left + right


def test_a_job_is_asked_for(blocking_ob: Onbeat) -> None:
    job = blocking_ob.task(add).enqueue_blocking(1)

    assert job.show_blocking().state is State.PENDING


def test_many_are_asked_for(blocking_ob: Onbeat) -> None:
    task = blocking_ob.task(add)

    jobs = blocking_ob.enqueue_many_blocking(task.bind(number) for number in range(10))

    assert len({job.id for job in jobs}) == 10


def test_several_threads_ask_at_once(blocking_ob: Onbeat) -> None:
    task = blocking_ob.task(add)
    barrier = threading.Barrier(8)

    def ask(number: int) -> str:
        barrier.wait(10)
        return task.enqueue_blocking(number).id

    with ThreadPoolExecutor(8) as threads:
        jobs = set(threads.map(ask, range(8)))

    assert len(jobs) == 8


def test_a_job_is_cancelled(blocking_ob: Onbeat) -> None:
    job = blocking_ob.task(add).enqueue_blocking(1)

    assert job.cancel_blocking("by ann") is State.CANCELLED


def test_a_result_that_never_comes_is_not_waited_for(blocking_ob: Onbeat) -> None:
    job = blocking_ob.task(add).enqueue_blocking(1)

    with pytest.raises(TimeoutError, match=f"^job {job.id} has not ended within 0.05 s"):
        job.result_blocking("50ms")


def test_a_cancelled_job_has_no_result(blocking_ob: Onbeat) -> None:
    job = blocking_ob.task(add).enqueue_blocking(1)
    job.cancel_blocking("by ann")

    with pytest.raises(JobFailed, match="by ann"):
        job.result_blocking("15s")


def test_it_may_be_closed_and_used_again(blocking_ob: Onbeat) -> None:
    task = blocking_ob.task(add)
    task.enqueue_blocking(1)
    blocking_ob.close_blocking()

    assert task.enqueue_blocking(2).show_blocking().state is State.PENDING


def test_closing_what_was_never_used_does_nothing(blocking_ob: Onbeat) -> None:
    blocking_ob.close_blocking()


async def test_a_thread_waits_for_what_this_loop_runs(database_url: str) -> None:
    async with Onbeat(database_url, settings=Settings()) as ob:
        task = ob.task(add)
        async with ob.running(scheduler=False):
            result = await asyncio.to_thread(
                lambda: task.enqueue_blocking(1, right=2).result_blocking("15s")
            )
        await asyncio.to_thread(ob.close_blocking)

    assert result == 3


def test_two_loops_one_after_the_other_have_a_store_each(database_url: str) -> None:
    ob = Onbeat(database_url, settings=Settings())
    task = ob.task(add)

    async def ask() -> str:
        async with ob:
            return (await task.enqueue(1)).id

    assert asyncio.run(ask()) != asyncio.run(ask())
