"""How fast more processes drain one queue: `python -m benchmarks.conditions.fleet`.

`onbeat worker` processes on one PostgreSQL, each as a user would start it: 1, 2, 4, 8, 16. They are
ready before the first job may be taken; the queue is full and paused until then. Jobs a second are
those between the first and the last end on record, by the database's own clock.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Annotated, Any

import typer
from sqlalchemy import Connection, func, select, text
from tests.servers.postgres import PostgresServer, launch

from benchmarks.conditions.idle import migrate, noop, running
from onbeat import Onbeat
from onbeat.store.opening import open_store
from onbeat.store.schema import finished

FLEETS = (1, 2, 4, 8, 16)
KEPT = 0.5
"""Of the best fleet's speed, what every larger one is to keep: more processes do no great harm."""

CONNECTIONS = 200
"""Each process has about nine under load: eleven of them are more than a server has by itself."""

LOOK_EVERY = 0.1
BATCH = 5_000
BY = "benchmark"


def measure(server: PostgresServer, workers: int, jobs: int) -> dict[str, Any]:
    """Let `workers` processes drain a queue of `jobs` on a database of their own."""
    name = f"fleet_{workers}"
    url = server.create_database(name)
    asyncio.run(migrate(url))
    with ExitStack() as stack:
        for _ in range(workers):
            stack.enter_context(running("worker", url))
        busy = os.getloadavg()[0]
        rate, held = asyncio.run(drain(url, jobs))
    server.drop_database(name)
    return {
        "workers": workers,
        "jobs": jobs,
        "jobs_per_second": rate,
        "connections": held,
        "load_before": busy,
    }


async def drain(url: str, jobs: int) -> tuple[float, int]:
    """Fill the queue while it is paused, resume it, and wait; jobs a second, and how many
    connections the fleet and this process have then.
    """
    application = Onbeat(url)
    application.task(name=noop.name)(noop.function)
    async with application:
        await application.queues.pause("default", by=BY)
        for _ in range(0, jobs, BATCH):
            call = application.jobs.bind(noop.name)
            await application.enqueue_many([call] * BATCH)
        await application.queues.resume("default")
        store = open_store(url)
        try:
            while True:
                count, passed = await store.read(ends)
                if count >= jobs:
                    return count / passed, await store.read(connections)
                await asyncio.sleep(LOOK_EVERY)
        finally:
            await store.close()


def ends(connection: Connection, _: object) -> tuple[int, float]:
    """How many have ended, and the seconds from the first to the last."""
    at = finished.c.finished_at
    count, first, last = connection.execute(
        select(func.count(), func.min(at), func.max(at)).select_from(finished)
    ).one()
    return int(count), (last - first).total_seconds() if count else 0.0


def connections(connection: Connection, _: object) -> int:
    """How many there are to the database."""
    held = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    return int(connection.scalar(text(held)) or 0)


def compared(results: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each with its speed as a share of the best."""
    best = max(each["jobs_per_second"] for each in results)
    return [{**each, "of_best": each["jobs_per_second"] / best} for each in results]


def is_kept(results: Sequence[dict[str, Any]]) -> bool:
    """Whether every fleet that is larger than the best keeps what is promised."""
    best = max(results, key=lambda each: float(each["jobs_per_second"]))
    return all(each["of_best"] >= KEPT for each in results if each["workers"] > best["workers"])


def main(
    jobs: Annotated[int, typer.Option(help="Jobs for each fleet; a multiple of 5,000.")] = 50_000,
    most: Annotated[int, typer.Option(help="Processes of the largest fleet.")] = 16,
) -> None:
    """Measure fleets of 1, 2, 4, 8 and 16; ends with 1 where a large one is much slower."""
    with launch(durable=True, connections=CONNECTIONS) as server:
        found = [measure(server, workers, jobs) for workers in FLEETS if workers <= most]
    results = compared(found)
    for result in results:
        print(json.dumps(result))
    raise typer.Exit(not is_kept(results))


if __name__ == "__main__":
    typer.run(main)
