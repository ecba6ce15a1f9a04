"""A worker whose clock stands still has no poll: what it does, it does because it was woken."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from onbeat.runtime.worker.worker import WATCH_EVERY, WATCH_IDLE_EVERY
from onbeat.store.store import Store
from tests.runtime.flaky import FlakyStore
from tests.waiting import wait_for
from tests.worker.workshop import DEADLINE, Workshop

ENQUEUE = """
import sys
from onbeat import Onbeat

ob = Onbeat(sys.argv[1])

@ob.task(name="open_gate")
async def open_gate() -> None: ...

open_gate.enqueue_blocking()
ob.close_blocking()
"""


@pytest.fixture
async def still(store: Store) -> Workshop:
    """A workshop whose time stands still, and that is told of what other processes do."""
    told = asyncio.Event()
    store.wakeups.subscribe(told, ["anything"])
    await store.listen()
    await told.wait()
    store.wakeups.unsubscribe(told)
    return Workshop(FlakyStore(store))


async def at_rest(shop: Workshop) -> None:
    """Wait until the worker has looked for jobs, and found none."""
    assert isinstance(shop.store, FlakyStore)
    calls = shop.store.calls

    async def look() -> bool:
        return calls["claim"] > 0

    await wait_for(look, DEADLINE, "a claim")


async def test_a_job_another_process_enqueued_starts_before_any_poll(still: Workshop) -> None:
    started = asyncio.Event()

    async def open_gate() -> None:
        started.set()

    still.task(open_gate)
    async with still.working():
        await at_rest(still)
        command = [sys.executable, "-c", ENQUEUE, still.store.url]
        await asyncio.to_thread(subprocess.run, command, check=True)
        async with asyncio.timeout(DEADLINE):
            await started.wait()


async def test_a_worker_without_jobs_looks_rarely_at_their_deadlines(shop: Workshop) -> None:
    async with shop.working() as worker:
        assert await worker.step() == WATCH_IDLE_EVERY


async def test_a_job_that_begins_wakes_who_watches_its_deadline(shop: Workshop) -> None:
    gate = asyncio.Event()

    async def wait_at_the_gate() -> None:
        await gate.wait()

    task = shop.task(wait_at_the_gate)
    async with shop.working() as worker:
        assert await worker.step() == WATCH_IDLE_EVERY
        worker.woken.clear()
        await shop.enqueue(task)
        await asyncio.wait_for(worker.woken.wait(), DEADLINE)
        rest = await worker.step()
        gate.set()

    assert rest == WATCH_EVERY
