"""PgQueuer on an asyncpg pool and uvloop, claiming 100 at once; finished jobs stay in its log."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import asyncpg
import uvloop
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
from pgqueuer import PgQueuer, Queries
from pgqueuer.db import AsyncpgPoolDriver

BATCH = 100


async def enqueue_many(queries: Queries, order: Order) -> None:
    """In batches."""
    with Stopwatch():
        for numbers in batches(order.count):
            count = len(numbers)
            payloads: list[bytes | None] = [b'{"i":%d}' % number for number in numbers]
            await queries.enqueue([order.task] * count, payloads, [0] * count)


async def enqueue_each(queries: Queries, order: Order) -> None:
    """One awaited enqueue after the other."""
    await queries.enqueue("noop", b"{}")
    with Stopwatch():
        for number in range(order.count):
            await queries.enqueue("noop", b'{"i":%d}' % number)


async def pace(queries: Queries, order: Order) -> None:
    """Payloads are the moment of sending."""

    async def send(count: int, now: float) -> None:
        payload = b"%f" % now
        if count == 1:
            await queries.enqueue("noop", payload)
        else:
            await queries.enqueue(["noop"] * count, [payload] * count, [0] * count)

    await queries.enqueue("noop", b"{}")
    await send_at_pace(order, send)


async def work(queries: Queries, order: Order, pool: asyncpg.Pool) -> None:
    """Run a consumer."""
    tally = Tally(order.count)
    consumer = PgQueuer(AsyncpgPoolDriver(pool))

    @consumer.entrypoint("noop")
    async def noop(job: object) -> None:
        payload: bytes = job.payload  # type: ignore[attr-defined]
        tally.start(0.0 if payload[:1] == b"{" else float(payload))
        tally.end()

    @consumer.entrypoint("nap")
    async def nap(job: object) -> None:
        tally.start()
        await asyncio.sleep(NAP)
        tally.end()

    async def is_stored() -> bool:
        return bool(await pool.fetchval("SELECT NOT EXISTS (SELECT 1 FROM pgqueuer)"))

    running = asyncio.create_task(
        consumer.run(dequeue_timeout=timedelta(seconds=5), batch_size=BATCH)
    )
    say("ready")
    if order.count:
        await tally.until_stored(is_stored)
    else:
        await asyncio.to_thread(await_end)

    consumer.shutdown.set()
    await running


async def main() -> None:
    """Do what was ordered."""
    order = read_order()
    async with asyncpg.create_pool(order.url, min_size=5, max_size=10) as pool:
        queries = Queries(AsyncpgPoolDriver(pool))
        match order.verb:
            case "set_up":
                await queries.install()
                say("done")
            case "enqueue_many":
                await enqueue_many(queries, order)
            case "enqueue_each":
                await enqueue_each(queries, order)
            case "pace":
                await pace(queries, order)
            case "work":
                await work(queries, order, pool)


uvloop.run(main())
