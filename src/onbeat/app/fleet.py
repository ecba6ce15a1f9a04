"""Commands on queues and workers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from onbeat.app.context import Context
from onbeat.domain.durations import read_duration
from onbeat.domain.errors import NotFound
from onbeat.domain.health import Kind
from onbeat.domain.jobs import check_name, check_page
from onbeat.domain.loads import WITHIN, Load, read_within
from onbeat.domain.queues import Queue, unused
from onbeat.domain.unheard import unheard_of
from onbeat.domain.workers import Held, Session
from onbeat.store import loads as stored_loads
from onbeat.store import processes as stored_processes
from onbeat.store import queues as stored_queues
from onbeat.store import workers as stored_workers
from onbeat.store.names import known as known_names


class Queues:
    """`ob.queues`: pause, resume, and see what stands in each."""

    def __init__(self, context: Context) -> None:
        """Made by the application."""
        self._context = context

    async def list(self) -> Sequence[Queue]:
        """Every queue that is known or has jobs."""
        return await self._context.read(stored_queues.list_queues)

    async def find(self, name: str) -> Queue:
        """The queue of that name; one that nobody uses is empty."""
        return await self._context.read(partial(_one, name=name))

    async def loads(
        self, only: str | None = None, *, within: str | timedelta = WITHIN
    ) -> Sequence[Load]:
        """How many workers each queue needs, or that one, to have all that waits begun `within`
        that time. Raises InvalidInput.
        """
        wanted = read_within(read_duration(within, "within"))
        if only is not None:
            check_name("queue", only)
        return await self._context.read(partial(stored_loads.loads, within=wanted, only=only))

    async def doubts(self, name: str) -> Sequence[str]:
        """What may not be meant by the name, where no job of such a queue was ever seen, nobody
        serves it, and no schedule has it: which known one is nearest.
        """
        known = await self._context.read(partial(known_names, kind=Kind.QUEUE, name=name))
        told = unheard_of(Kind.QUEUE, name, known)
        return () if told is None else (told,)

    async def warnings(self, name: str) -> Sequence[str]:
        """What may not be meant by the name: that nobody uses it, and which used one is nearest."""
        told = unused(name, await self._context.read(stored_queues.list_names))
        return () if told is None else (told,)

    async def pause(self, name: str, by: str) -> None:
        """Let no more jobs of it be claimed; running ones go on."""
        check_name("queue", name)
        await self._context.change(
            "queue.pause", ("queue", name),
            lambda connection, now: stored_queues.pause(connection, now, name, by),
        )  # fmt: skip

    async def resume(self, name: str) -> None:
        """Let its jobs be claimed again. Raises NotFound for one that nobody uses or paused."""
        for warning in await self.warnings(name):
            raise NotFound(warning, "queues")
        await self._context.change(
            "queue.resume", ("queue", name),
            lambda connection, now: stored_queues.resume(connection, now, name),
        )  # fmt: skip
        (await self._context.store()).wakeups.send([name])


def _one(connection: Connection, now: datetime, name: str) -> Queue:
    return stored_queues.one(connection, name)


class Workers:
    """`ob.workers`: who is there."""

    def __init__(self, context: Context) -> None:
        """Made by the application."""
        self._context = context

    async def list(self) -> Sequence[Session]:
        """All live worker sessions, how many jobs each runs, and which are paused."""
        return await self._context.read(stored_processes.list_workers)

    async def held(self, *, limit: int = 1_000) -> Sequence[Held]:
        """Jobs that they run, those that have run longest first. Raises InvalidInput."""
        check_page(limit)
        return await self._context.read(partial(stored_workers.list_held, most=limit))
