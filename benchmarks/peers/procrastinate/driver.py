"""Procrastinate on psycopg, 50 jobs at once; jobs that succeeded are kept with their events."""

from __future__ import annotations

import asyncio

import procrastinate
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

AT_ONCE = 50
UNFINISHED = """
    SELECT EXISTS (SELECT 1 FROM procrastinate_jobs WHERE status IN ('todo', 'doing')) AS some
"""

order = read_order()
tally = Tally(order.count)
app = procrastinate.App(
    connector=procrastinate.PsycopgConnector(conninfo=order.url, min_size=4, max_size=20)
)


@app.task(name="noop")
async def noop(i: int, sent_at: float = 0.0) -> None:
    """Count."""
    tally.start(sent_at)
    tally.end()


@app.task(name="nap")
async def nap(i: int) -> None:
    """Count, and take a millisecond."""
    tally.start()
    await asyncio.sleep(NAP)
    tally.end()


async def enqueue_many(order: Order) -> None:
    """In batches."""
    task = nap if order.task == "nap" else noop
    with Stopwatch():
        for numbers in batches(order.count):
            await task.batch_defer_async(*({"i": number} for number in numbers))


async def enqueue_each(order: Order) -> None:
    """One awaited enqueue after the other."""
    await noop.defer_async(i=0)
    with Stopwatch():
        for number in range(order.count):
            await noop.defer_async(i=number)


async def pace(order: Order) -> None:
    """Singly when one is due, else together."""

    async def send(count: int, now: float) -> None:
        if count == 1:
            await noop.defer_async(i=0, sent_at=now)
        else:
            await noop.batch_defer_async(*({"i": n, "sent_at": now} for n in range(count)))

    await noop.defer_async(i=0)
    await send_at_pace(order, send)


async def work(order: Order) -> None:
    """Run a worker."""

    async def is_stored() -> bool:
        return not (await app.connector.execute_query_one_async(UNFINISHED))["some"]

    worker = asyncio.create_task(
        app.run_worker_async(concurrency=AT_ONCE, install_signal_handlers=False)
    )
    say("ready")
    if order.count:
        await tally.until_stored(is_stored)
    else:
        await asyncio.to_thread(await_end)

    worker.cancel()
    await asyncio.wait([worker])


async def set_up(order: Order) -> None:
    """Make the tables."""
    await app.schema_manager.apply_schema_async()
    say("done")


VERBS = {
    "set_up": set_up,
    "enqueue_many": enqueue_many,
    "enqueue_each": enqueue_each,
    "pace": pace,
    "work": work,
}


async def main() -> None:
    """Do what was ordered."""
    async with app.open_async():
        await VERBS[order.verb](order)


asyncio.run(main())
