"""What becomes of a failed job, from the exception to its last attempt."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, NoReturn

import pytest

from onbeat.domain.events import JobEnded, TasksUnknown
from onbeat.domain.jobs import JobId
from onbeat.domain.retries import Retry, retry_from_spec
from onbeat.domain.states import State
from onbeat.store import jobs
from tests.worker import isolated
from tests.worker.workshop import AGAIN, ONCE, Workshop

FAST: dict[str, Any] = {"base": "0s", "jitter": "none"}


class Declined(Exception):
    """The bank says no."""


class Busy(Exception):
    """The bank asks to come back later."""

    def __init__(self, retry_after: float) -> None:
        super().__init__("busy")
        self.retry_after = retry_after


async def decline() -> NoReturn:
    raise Declined


async def be_busy() -> NoReturn:
    raise Busy(3600)


async def test_a_job_is_tried_as_often_as_its_policy_says(shop: Workshop) -> None:
    task = shop.task(decline, retry=AGAIN)
    async with shop.working():
        job = await shop.enqueue(task)
        shown = await shop.ended(job)

    numbers = [each.attempt for each in await shop.attempts(job)]
    assert (shown.state, numbers) == (State.FAILED, [1, 2, 3])


async def test_a_job_that_succeeds_at_last_is_completed(shop: Workshop) -> None:
    calls = []

    async def succeed_at_last() -> int:
        calls.append(1)
        if len(calls) < 3:
            raise Declined
        return len(calls)

    task = shop.task(succeed_at_last, retry=AGAIN)
    async with shop.working():
        assert await shop.result(await shop.enqueue(task)) == "3"


async def test_between_attempts_it_waits_with_the_reason(shop: Workshop) -> None:
    task = shop.task(decline, retry=Retry(2, base="1h", jitter="none"))
    async with shop.working():
        shown = await shop.stands(await shop.enqueue(task), State.RETRYING)

    assert (shown.reason, shown.attempt) == ("Declined: ", 1)
    assert shown.due_at is not None
    assert shown.due_at - shown.created_at >= timedelta(hours=1)


@pytest.mark.parametrize(
    "policy",
    [
        Retry(3, **FAST, never=(Declined,)),
        Retry(3, **FAST, on=(KeyError,)),
        Retry(3, **FAST, by={Declined: ONCE}),
    ],
    ids=["never", "on", "by"],
)
async def test_a_class_of_errors_can_be_kept_from_retries(shop: Workshop, policy: Retry) -> None:
    task = shop.task(decline, retry=policy)
    async with shop.working():
        shown = await shop.ended(await shop.enqueue(task))

    assert (shown.state, shown.attempt) == (State.FAILED, 1)


async def test_a_class_of_errors_can_be_tried_more_often(shop: Workshop) -> None:
    task = shop.task(decline, retry=Retry(1, by={Declined: Retry(4, **FAST)}))
    async with shop.working():
        shown = await shop.ended(await shop.enqueue(task))

    assert shown.attempt == 4


async def test_an_error_may_ask_for_a_longer_wait(shop: Workshop) -> None:
    task = shop.task(be_busy, retry=Retry(2, **FAST))
    async with shop.working():
        shown = await shop.stands(await shop.enqueue(task), State.RETRYING)

    assert shown.due_at is not None
    assert shown.due_at - shown.created_at >= timedelta(hours=1)


@pytest.mark.parametrize(
    "policy",
    [
        Retry(3, **FAST, never=(isolated.BankClosed,)),
        Retry(3, **FAST, never=(LookupError, Exception)),
        Retry(3, **FAST, by={isolated.BankClosed: ONCE}),
        retry_from_spec(Retry(3, **FAST, never=(isolated.BankClosed,)).spec()),
    ],
    ids=["never", "base class", "by", "by name"],
)
async def test_an_error_raised_in_a_process_is_known_by_its_class(
    shop: Workshop, policy: Retry
) -> None:
    task = shop.isolated(isolated.find_bank_closed, retry=policy)
    async with shop.working():
        shown = await shop.ended(await shop.enqueue(task, "sunday"))

    assert (shown.attempt, shown.reason) == (1, "BankClosed: sunday")


async def test_a_timeout_is_retried_like_a_failure(shop: Workshop) -> None:
    async def never_end() -> None:
        await asyncio.Event().wait()

    task = shop.task(never_end, retry=Retry(2, **FAST), timeout=timedelta(milliseconds=50))
    async with shop.working():
        job = await shop.enqueue(task)
        await shop.ended(job)

    assert [each.outcome for each in await shop.attempts(job)] == ["timed out", "timed out"]


async def test_the_jobs_own_policy_overrides_its_tasks(shop: Workshop) -> None:
    task = shop.task(decline, retry=ONCE)
    async with shop.working():
        shown = await shop.ended(await shop.enqueue(task, retry=Retry(2, **FAST)))

    assert shown.attempt == 2


async def test_the_jobs_own_policy_knows_error_classes_by_name(shop: Workshop) -> None:
    task = shop.task(decline, retry=AGAIN)
    async with shop.working():
        shown = await shop.ended(
            await shop.enqueue(task, retry=Retry(3, **FAST, never=(Declined,)))
        )

    assert shown.attempt == 1


async def test_a_job_whose_task_is_unknown_waits_with_its_reason(shop: Workshop) -> None:
    async with shop.working():
        job = await shop.enqueue("from_tomorrow")
        shown = await shop.stands(job, State.SCHEDULED)

    assert (shown.reason, shown.attempt) == ("no worker here knows task 'from_tomorrow'", 0)
    assert TasksUnknown(("from_tomorrow",)) in shop.events


async def test_a_job_whose_task_was_unknown_runs_once_a_worker_knows_it(shop: Workshop) -> None:
    async def from_tomorrow() -> str:
        return "here"

    async with shop.working():
        job = await shop.enqueue("from_tomorrow")
        await shop.stands(job, State.SCHEDULED)
    shop.task(from_tomorrow)
    await _hasten(shop, job)
    async with shop.working():
        result = await shop.result(job)

    assert (result, (await shop.show(job)).attempt) == ('"here"', 1)


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (b'{"nmber": 1}', "InvalidArguments: args: stored arguments no longer fit task 'double'"),
        (b'{"number": "one"}', "InvalidArguments: args: stored arguments no longer fit task"),
    ],
)
async def test_stored_arguments_that_no_longer_fit_fail_the_job_with_the_reason(
    shop: Workshop, args: bytes, reason: str
) -> None:
    task = shop.task(isolated.double)
    async with shop.working():
        shown = await shop.ended(await shop.enqueue(task, 1, args=args))

    assert (shown.state, (shown.reason or "")[: len(reason)]) == (State.FAILED, reason)


async def test_an_error_without_a_message_of_its_own_is_kept(shop: Workshop) -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    async def raise_mute() -> NoReturn:
        raise Mute

    task = shop.task(raise_mute)
    async with shop.working():
        shown = await shop.ended(await shop.enqueue(task))

    assert shown.reason == "Mute: <its message could not be made>"


async def _hasten(shop: Workshop, job: JobId) -> None:
    await shop.store.write(lambda connection, now: jobs.hasten(connection, now, job))


@pytest.mark.parametrize("isolate", [None, "process"])
@pytest.mark.parametrize("kind", ["transient", "permanent", "rate limited"])
async def test_the_class_of_an_error_is_on_record_and_told_of(
    shop: Workshop, kind: str, isolate: str | None
) -> None:
    task = shop.task(isolated.fail_as, retry=Retry(2, base="1h", jitter="none"), isolate=isolate)
    async with shop.working():
        job = await shop.enqueue(task, kind)
        await shop.stands(job, State.FAILED if kind == "permanent" else State.RETRYING)

    attempt = (await shop.attempts(job))[0]
    told = [each.error_class for each in shop.events if isinstance(each, JobEnded)]
    assert attempt.error is not None
    assert (attempt.error.error_class, told) == (kind, [kind])
