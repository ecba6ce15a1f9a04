"""Whatever a job does, in a coroutine, a thread or a process, ends in one outcome on record."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest

from onbeat.domain.outcomes import Cancel, Snooze
from onbeat.domain.states import State
from tests.worker import isolated
from tests.worker.workshop import AGAIN, Workshop

Register = Callable[[Workshop], str]


async def double_in_coroutine(number: int) -> int:
    await asyncio.wait([asyncio.ensure_future(_nothing())])
    return number * 2


def double_in_thread(number: int) -> int:
    return number * 2


async def fail_in_coroutine(message: str) -> NoReturn:
    raise KeyError(message)


def fail_in_thread(message: str) -> NoReturn:
    raise KeyError(message)


async def cancel_in_coroutine() -> NoReturn:
    raise Cancel("nothing to do")


def cancel_in_thread() -> NoReturn:
    raise Cancel("nothing to do")


async def exit_in_coroutine() -> NoReturn:
    sys.exit(3)


def exit_in_thread() -> NoReturn:
    sys.exit(3)


async def cancel_itself() -> NoReturn:
    raise asyncio.CancelledError


def cancel_itself_in_thread() -> NoReturn:
    raise asyncio.CancelledError


def run_dry() -> NoReturn:
    raise StopIteration


async def _nothing() -> None:
    return


def in_loop(function: Callable[..., Any]) -> Register:
    """Register a coroutine or a thread's function."""
    return lambda shop: shop.task(function)


def in_process(task: Any) -> Register:
    """Register a task of its own process."""
    return lambda shop: shop.isolated(task)


@pytest.mark.parametrize(
    "register",
    [
        in_loop(double_in_coroutine),
        in_loop(double_in_thread),
        in_process(isolated.double),
        in_process(isolated.double_later),
    ],
    ids=["coroutine", "thread", "process", "coroutine in process"],
)
async def test_what_a_job_returns_is_its_result(shop: Workshop, register: Register) -> None:
    task = register(shop)
    async with shop.working():
        job = await shop.enqueue(task, 21)

        assert await shop.result(job) == "42"


@pytest.mark.parametrize(
    "register",
    [in_loop(fail_in_coroutine), in_loop(fail_in_thread), in_process(isolated.fail)],
    ids=["coroutine", "thread", "process"],
)
async def test_what_a_job_raises_is_on_record(shop: Workshop, register: Register) -> None:
    task = register(shop)
    async with shop.working():
        job = await shop.enqueue(task, "fourteen")
        shown = await shop.ended(job)

    [attempt] = await shop.attempts(job)
    assert (shown.state, shown.reason) == (State.FAILED, "KeyError: 'fourteen'")
    assert attempt.error is not None
    assert "raise KeyError(message)" in attempt.error.traceback


@pytest.mark.parametrize(
    "register",
    [in_loop(cancel_in_coroutine), in_loop(cancel_in_thread), in_process(isolated.cancel)],
    ids=["coroutine", "thread", "process"],
)
async def test_a_job_that_raises_cancel_is_cancelled(shop: Workshop, register: Register) -> None:
    task = register(shop)
    async with shop.working():
        job = await shop.enqueue(task)
        shown = await shop.ended(job)

    assert (shown.state, shown.reason) == (State.CANCELLED, "nothing to do")


async def test_a_coroutine_that_snoozes_runs_again_and_the_attempt_does_not_count(
    shop: Workshop,
) -> None:
    calls = []

    async def nap() -> int:
        calls.append(1)
        if len(calls) == 1:
            raise Snooze(timedelta(), "tired")
        return len(calls)

    task = shop.task(nap)
    async with shop.working():
        job = await shop.enqueue(task)
        result = await shop.result(job)

    outcomes = [(each.outcome, each.attempt) for each in await shop.attempts(job)]
    assert (result, outcomes) == ("2", [("snoozed", 1), ("succeeded", 1)])


async def test_a_process_that_snoozes_runs_again(
    shop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONBEAT_TEST_FOLDER", str(tmp_path))
    task = shop.isolated(isolated.snooze)
    async with shop.working():
        job = await shop.enqueue(task)

        assert await shop.result(job) == '"rested"'


@pytest.mark.parametrize(
    ("register", "reason"),
    [
        (in_loop(exit_in_coroutine), "SystemExit: 3"),
        (in_loop(exit_in_thread), "SystemExit: 3"),
        (in_process(isolated.exit_politely), "SystemExit: 3"),
        (in_process(isolated.exit_rudely), "exit code 3 before the job did"),
        (in_process(isolated.be_killed), "signal SIGKILL before the job did"),
        (in_loop(cancel_itself), "CancelledError: "),
        (in_loop(cancel_itself_in_thread), "CancelledError: "),
        (in_loop(run_dry), "RuntimeError: the task raised StopIteration"),
    ],
    ids=["exit", "exit in thread", "exit in process", "_exit", "kill", "cancelled",
         "cancelled in thread", "StopIteration"],
)  # fmt: skip
async def test_a_job_that_ends_its_program_ends_only_itself(
    shop: Workshop, register: Register, reason: str
) -> None:
    task, healthy = register(shop), shop.task(double_in_coroutine)
    async with shop.working(slots=1):
        job = await shop.enqueue(task)
        shown = await shop.ended(job)
        other = await shop.enqueue(healthy, 1)

        assert await shop.result(other) == "2"
    assert (shown.state, reason in (shown.reason or "")) == (State.FAILED, True), shown.reason


async def test_a_process_is_kept_for_the_next_job(shop: Workshop) -> None:
    task = shop.isolated(isolated.own_pid)
    async with shop.working(slots=1):
        first = await shop.result(await shop.enqueue(task))
        second = await shop.result(await shop.enqueue(task))

    assert first == second


async def test_a_process_that_died_is_replaced(shop: Workshop) -> None:
    task, deadly = shop.isolated(isolated.own_pid), shop.isolated(isolated.be_killed)
    async with shop.working(slots=1):
        first = await shop.result(await shop.enqueue(task))
        await shop.ended(await shop.enqueue(deadly))
        second = await shop.result(await shop.enqueue(task))

    assert first != second


async def test_a_run_knows_its_job_in_a_process_too(shop: Workshop) -> None:
    task = shop.isolated(isolated.tell_attempt)
    async with shop.working():
        job = await shop.enqueue(task)

        result = await shop.result(job)

    assert result is not None
    assert job in result
    assert '"attempt":1' in result.replace(" ", "")


async def test_a_task_made_of_a_function_of_another_name_runs_in_a_process(shop: Workshop) -> None:
    task = shop.isolated(isolated.tripled, name="tripled")
    async with shop.working():
        job = await shop.enqueue(task, 2)

        assert await shop.result(job) == "6"


@pytest.mark.parametrize(
    "register",
    [
        lambda shop: shop.isolated(isolated.return_bytes_of, retry=AGAIN),
        lambda shop: shop.task(isolated.return_bytes_of, retry=AGAIN),
    ],
    ids=["process", "thread"],
)
@pytest.mark.parametrize("length", [256 * 1024, 5 * 1024 * 1024])
async def test_a_result_that_is_too_large_fails_the_job_without_a_retry(
    shop: Workshop, register: Register, length: int
) -> None:
    task = register(shop)
    async with shop.working():
        job = await shop.enqueue(task, length)
        shown = await shop.ended(job)

    assert (shown.state, shown.attempt) == (State.FAILED, 1)
    assert "InvalidResult: result: " in (shown.reason or "")


@pytest.mark.parametrize(
    "register",
    [
        lambda shop: shop.isolated(isolated.return_an_object, retry=AGAIN),
        lambda shop: shop.task(isolated.return_an_object, retry=AGAIN),
    ],
    ids=["process", "thread"],
)
async def test_a_result_that_json_does_not_know_fails_the_job_without_a_retry(
    shop: Workshop, register: Register
) -> None:
    task = register(shop)
    async with shop.working():
        job = await shop.enqueue(task)
        shown = await shop.ended(job)

    assert (shown.state, shown.attempt) == (State.FAILED, 1)
    assert "InvalidResult: result: it cannot be stored as JSON" in (shown.reason or "")
