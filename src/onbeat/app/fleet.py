"""Commands on queues and workers."""

from __future__ import annotations

from collections.abc import Sequence

from onbeat.app.context import Context
from onbeat.domain.jobs import check_name
from onbeat.domain.queues import Queue
from onbeat.domain.workers import Session
from onbeat.store import processes as stored_processes
from onbeat.store import queues as stored_queues


class Queues:
    """`ob.queues`: pause, resume, and see what stands in each."""

    def __init__(self, context: Context) -> None:
        """Made by the application."""
        self._context = context

    async def list(self) -> Sequence[Queue]:
        """Every queue that is known or has jobs."""
        return await self._context.read(stored_queues.list_queues)

    async def pause(self, name: str, by: str) -> None:
        """Let no more jobs of it be claimed; running ones go on."""
        check_name("queue", name)
        await self._context.change(
            "queue.pause", ("queue", name),
            lambda connection, now: stored_queues.pause(connection, now, name, by),
        )  # fmt: skip

    async def resume(self, name: str) -> None:
        """Let its jobs be claimed again."""
        await self._context.change(
            "queue.resume", ("queue", name),
            lambda connection, now: stored_queues.resume(connection, now, name),
        )  # fmt: skip
        (await self._context.store()).wakeups.send([name])


class Workers:
    """`ob.workers`: who is there."""

    def __init__(self, context: Context) -> None:
        """Made by the application."""
        self._context = context

    async def list(self) -> Sequence[Session]:
        """All live worker sessions, how many jobs each runs, and which are paused."""
        return await self._context.read(stored_processes.list_workers)
