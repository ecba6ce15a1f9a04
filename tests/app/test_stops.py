"""A stop that is asked for is heard at once, in other processes too, not with the next beat."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from onbeat import JobHandle, Onbeat, Run, State
from onbeat.app.processes import Parts
from tests.waiting import wait_for

LONG = timedelta(minutes=10)
SOON = 5.0
"""Seconds; far from the next beat, and from what a busy machine needs."""


@asynccontextmanager
async def with_a_slow_heart(ob: Onbeat) -> AsyncIterator[None]:
    parts = Parts.from_settings(ob.settings, worker=True, scheduler=False)
    options = replace(parts.options, heartbeat=LONG, rescue_after=3 * LONG)
    async with ob.running(parts=replace(parts, options=options)):
        yield


async def one(other: Onbeat, job: JobHandle[None]) -> None:
    await other.jobs.cancel(job.id, "by ann")


async def many(other: Onbeat, job: JobHandle[None]) -> None:
    await other.jobs.cancel_many(task="endless", reason="by ann")


@pytest.mark.parametrize("cancel", [one, many])
async def test_a_running_job_is_stopped_before_the_next_beat(
    ob: Onbeat, database_url: str, cancel: Callable[[Onbeat, JobHandle[None]], Awaitable[None]]
) -> None:
    @ob.task
    async def endless(run: Run) -> None:
        await asyncio.Event().wait()

    job = await endless.enqueue()

    async def stands(state: State) -> bool:
        return (await ob.jobs.find(job.id)).state is state

    async with with_a_slow_heart(ob), Onbeat(database_url) as other:
        await wait_for(lambda: stands(State.RUNNING), 30, "that it runs")
        await cancel(other, job)

        await wait_for(lambda: stands(State.CANCELLED), SOON, "that it has stopped")
