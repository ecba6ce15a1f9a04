"""A claimed job does not wait in a worker whose slots are all busy: others may take it."""

from __future__ import annotations

import asyncio

from onbeat.domain.jobs import JobId
from onbeat.domain.states import State
from onbeat.runtime.worker.worker import Worker
from tests.waiting import wait_for
from tests.worker.workshop import DEADLINE, Workshop


async def hoard(shop: Workshop, worker: Worker, task: str) -> JobId:
    """Let the one slot be busy, and have the worker hold another job."""
    await shop.stands(await shop.enqueue(task), State.RUNNING)
    waiting = await shop.enqueue(task)
    assert worker.session is not None
    worker._buffer.put(await shop.store.claim(worker.session.id, ["default"], 10))
    return waiting


async def test_a_job_that_waits_while_all_slots_are_busy_is_given_back_uncounted(
    shop: Workshop,
) -> None:
    gate = asyncio.Event()

    async def wait_at_the_gate() -> None:
        await gate.wait()

    task = shop.task(wait_at_the_gate)
    async with shop.working(slots=1) as worker:
        waiting = await hoard(shop, worker, task)
        shown = await shop.stands(waiting, State.PENDING)
        gate.set()

    assert shown.attempt == 0


async def test_jobs_given_back_are_not_claimed_ahead_again(shop: Workshop) -> None:
    gate = asyncio.Event()

    async def wait_at_the_gate() -> None:
        await gate.wait()

    task = shop.task(wait_at_the_gate)
    async with shop.working(slots=1) as worker:
        worker._demand.observe(1_000, 0.1)
        waiting = await hoard(shop, worker, task)
        await shop.stands(waiting, State.PENDING)
        prefetch = worker._demand.prefetch
        gate.set()

    assert prefetch == 0


async def test_a_job_that_is_asked_to_stop_before_it_has_begun_never_begins(
    shop: Workshop,
) -> None:
    gate, begun = asyncio.Event(), []

    async def wait_at_the_gate() -> None:
        begun.append(True)
        await gate.wait()

    task = shop.task(wait_at_the_gate)
    async with shop.working(slots=1) as worker:
        waiting = await hoard(shop, worker, task)
        await shop.cancel(waiting)
        shown = await shop.ended(waiting)
        gate.set()

        async def look() -> bool:
            return worker._demand.busy == 0

        await wait_for(look, DEADLINE, "a free slot")

    assert (shown.state, shown.reason, len(begun)) == (State.CANCELLED, "by ann", 1)
