"""A coroutine that swallows its cancels is left to itself: neither slot nor worker waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta

import pytest

from onbeat.domain.events import JobEnded
from onbeat.domain.states import State
from tests.worker.workshop import SHORT, Workshop

Swallow = Callable[[], Awaitable[str]]


@pytest.fixture
def swallow() -> Iterator[Swallow]:
    """A job that nothing ends, but the end of its test."""
    over = asyncio.Event()
    looks = range(20)

    async def swallow() -> str:
        for _ in looks:
            try:
                await over.wait()
                break
            except asyncio.CancelledError:
                continue
        return "at last"

    yield swallow
    over.set()


async def test_it_times_out_all_the_same(shop: Workshop, swallow: Swallow) -> None:
    task = shop.task(swallow, timeout=SHORT)
    async with shop.working(stubborn_after=SHORT):
        job = await shop.enqueue(task)
        shown = await shop.ended(job)
        ended = await shop.heard(JobEnded)

    [attempt] = await shop.attempts(job)
    assert (shown.state, attempt.outcome, ended.outcome) == (
        State.FAILED, "timed out", "timed out",
    )  # fmt: skip


async def test_it_is_cancelled_all_the_same(shop: Workshop, swallow: Swallow) -> None:
    task = shop.task(swallow)
    async with shop.working(stubborn_after=SHORT):
        job = await shop.enqueue(task)
        await shop.stands(job, State.RUNNING)
        await shop.cancel(job)
        shown = await shop.ended(job)

    assert (shown.state, shown.reason) == (
        State.CANCELLED,
        "by ann; it could not be ended and was abandoned",
    )


async def test_its_slot_is_replaced(shop: Workshop, swallow: Swallow) -> None:
    async def answer() -> int:
        return 42

    stuck, next_one = shop.task(swallow, timeout=SHORT), shop.task(answer)
    async with shop.working(slots=1, stubborn_after=SHORT) as worker:
        await shop.ended(await shop.enqueue(stuck))

        assert await shop.result(await shop.enqueue(next_one)) == "42"
        assert len(worker._slots) == 1


async def test_a_stopping_worker_gives_it_back_and_ends(shop: Workshop, swallow: Swallow) -> None:
    task = shop.task(swallow)
    async with shop.working(grace=timedelta(), stubborn_after=SHORT) as worker:
        job = await shop.enqueue(task)
        await shop.stands(job, State.RUNNING)
        async with asyncio.timeout(5):
            await worker.stop()

    shown = await shop.show(job)
    assert (shown.state, shown.attempt, await shop.leases()) == (State.PENDING, 0, [])
