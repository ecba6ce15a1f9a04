"""Onbeat as a user runs it: its public API, one worker process, full history."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import UTC, datetime
from typing import Any

import asyncpg
from benchmarks.product import add_schedules
from driving import (
    NAP,
    Order,
    Stopwatch,
    Tally,
    await_end,
    batches,
    read_order,
    say,
    send_at_pace,
)

from onbeat import Onbeat
from onbeat.settings import load_settings

SLOTS = "24"
"""As many as Graphile Worker is given."""

order = read_order()
tally = Tally(order.count)
onbeat = Onbeat(order.url, settings=load_settings({"ONBEAT_CONCURRENCY": SLOTS}))


@onbeat.task
async def noop(i: int, sent_at: float = 0.0) -> None:
    """Count."""
    tally.start(sent_at)
    tally.end()


@onbeat.task
async def nap(i: int) -> None:
    """Count, and take a millisecond."""
    tally.start()
    await asyncio.sleep(NAP)
    tally.end()


async def enqueue_many(order: Order) -> None:
    """In batches, arguments checked."""
    task = nap if order.task == "nap" else noop
    with Stopwatch():
        for numbers in batches(order.count):
            await onbeat.enqueue_many(task.bind(number) for number in numbers)


async def enqueue_each(order: Order) -> None:
    """One awaited enqueue after the other."""
    await noop.enqueue(0)
    with Stopwatch():
        for number in range(order.count):
            await noop.enqueue(number)


async def pace(order: Order) -> None:
    """Singly when one is due, else together."""

    async def send(count: int, now: float) -> None:
        if count == 1:
            await noop.enqueue(0, sent_at=now)
        else:
            await onbeat.enqueue_many(noop.bind(n, sent_at=now) for n in range(count))

    await noop.enqueue(0, sent_at=0.0)
    await send_at_pace(order, send)


async def work(order: Order, *, scheduler: bool = False) -> None:
    """Run a worker, and with `scheduler` what makes due schedules into jobs."""
    tally.begin()
    async with Left(order.url) as left, onbeat.running(scheduler=scheduler):
        say("ready")
        if order.count:
            await tally.until_stored(left.is_none)
        else:
            await asyncio.to_thread(await_end)


async def dispatch(order: Order) -> None:
    """The scheduler and a worker in one process."""
    await work(order, scheduler=True)


async def fill_schedules(order: Order) -> None:
    """In bulk, as no user could: making them is not what is measured."""
    store, due_at = await onbeat.store(), datetime.now(UTC)
    await store.write(
        lambda connection, now: add_schedules(connection, now, order.count, due_at, task="noop")
    )
    say("done")


async def set_up(order: Order) -> None:
    """Make the tables."""
    await onbeat.migrate()
    say("done")


class Left:
    """Whether a job is still leased or ready, seen on a connection beside the worker's."""

    QUERY = """
        SELECT NOT EXISTS (SELECT 1 FROM onbeat_leases)
           AND NOT EXISTS (SELECT 1 FROM onbeat_ready)
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Any = None

    async def __aenter__(self) -> Left:
        if self._url.startswith("sqlite"):
            self._connection = sqlite3.connect(self._url.removeprefix("sqlite:///"))
        else:
            self._connection = await asyncpg.connect(self._url)

        return self

    async def __aexit__(self, *_: object) -> None:
        closing = self._connection.close()
        if closing is not None:
            await closing

    async def is_none(self) -> bool:
        """Whether every completion is stored."""
        if self._url.startswith("sqlite"):
            return bool(self._connection.execute(self.QUERY).fetchone()[0])

        return bool(await self._connection.fetchval(self.QUERY))


VERBS = {
    "set_up": set_up,
    "enqueue_many": enqueue_many,
    "enqueue_each": enqueue_each,
    "pace": pace,
    "work": work,
    "add_schedules": fill_schedules,
    "dispatch": dispatch,
}


async def main() -> None:
    """Do what was ordered."""
    if order.verb == "set_up":
        await set_up(order)
        return

    async with onbeat:
        await VERBS[order.verb](order)


asyncio.run(main())
