"""Running the sources of an application, and waiting for what comes of messages."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from onbeat import Onbeat
from onbeat.domain.events import Event
from onbeat.domain.services import Snapshot
from onbeat.domain.sources.listening import SetAside
from onbeat.runtime.manager import ServiceManager
from onbeat.store.schema import jobs
from tests.waiting import wait_for


@asynccontextmanager
async def listening(
    ob: Onbeat, *names: str, heard: list[Event] | None = None
) -> AsyncIterator[ServiceManager]:
    """Run a scheduler and the sources, and begin when the named ones are connected."""
    events: list[Event] = [] if heard is None else heard
    async with ob.running(worker=False, emit=events.append) as manager:
        for name in names:
            await connected(manager, name)
        yield manager


def snapshot_of(manager: ServiceManager, name: str) -> Snapshot:
    """How the service of a source stands."""
    return next(each for each in manager.snapshots() if each.id == f"source:{name}")


def waiting(manager: ServiceManager, name: str) -> int:
    """How many messages came and are not taken yet."""
    seen = snapshot_of(manager, name).listening
    return 0 if seen is None else seen.waiting


async def connected(manager: ServiceManager, name: str) -> None:
    """Wait until the source is connected, and its service says that it runs."""

    async def is_so() -> bool:
        seen = snapshot_of(manager, name)
        return seen.healthy and seen.listening is not None and seen.listening.is_connected

    await wait_for(is_so, 20, f"{name} is connected")


async def cut(manager: ServiceManager, name: str) -> Snapshot:
    """Wait until the source is known not to be connected; how it stands then."""

    async def is_so() -> bool:
        return not snapshot_of(manager, name).healthy

    await wait_for(is_so, 20, f"{name} is cut")
    return snapshot_of(manager, name)


async def args_of(ob: Onbeat, task: str = "settle") -> list[dict[str, Any]]:
    """The arguments of all jobs of a task, in the order in which they were asked for."""
    found = select(jobs.c.args).where(jobs.c.task == task).order_by(jobs.c.id)

    def look(connection: Connection, now: datetime) -> list[dict[str, Any]]:
        return [json.loads(args) for args in connection.scalars(found)]

    return await (await ob.store()).read(look)


async def jobs_of(ob: Onbeat, count: int, task: str = "settle") -> list[dict[str, Any]]:
    """The same, once there are so many."""

    async def are_there() -> bool:
        return len(await args_of(ob, task)) >= count

    await wait_for(are_there, 30, f"{count} jobs")
    return await args_of(ob, task)


async def set_aside(ob: Onbeat, count: int) -> list[SetAside]:
    """What is set aside, the oldest first, once it is so many."""

    async def are_there() -> bool:
        return len(await ob.sources.set_aside()) >= count

    await wait_for(are_there, 20, f"{count} messages set aside")
    return list(reversed(await ob.sources.set_aside()))


async def stands_at(ob: Onbeat, clock: str, at: datetime) -> None:
    """Wait until the clock stands there."""

    async def is_so() -> bool:
        return await ob.clocks.now(clock) == at

    await wait_for(is_so, 20, f"{clock} at {at}")
