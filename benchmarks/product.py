"""The same work through Onbeat, in one process, with its defaults: durable, checked, recorded.

Each function has a namesake in both ceilings, and verifies like it that the work was done.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Any

from sqlalchemy import Connection, insert, text

from benchmarks.ceiling.material import CRON, batches, job_ids
from onbeat import Onbeat, cron
from onbeat.runtime.tasks import Registry
from onbeat.runtime.tick import tick
from onbeat.runtime.worker.worker import Worker, WorkerOptions
from onbeat.store import schema_state
from onbeat.store.opening import open_store
from onbeat.store.payloads import encode
from onbeat.store.schema import schedules
from onbeat.store.store import Store

ENQUEUE_BATCH = 2_000
TICKERS = 2
SLOTS = 20
TASK = "benchmarks.product.noop"

Work = Callable[[Store, int], Awaitable[float]]
"""Does the work, and says how many seconds it took."""


def bulk_enqueue(url: str, jobs: int) -> float:
    """Enqueue no-op jobs in batches, their arguments checked; jobs a second."""
    return asyncio.run(measured(url, jobs, enqueue_all, full=["jobs", "ready"]))


def drain(url: str, jobs: int) -> float:
    """Let one worker run all jobs of a queue, from its start to its last ack; jobs a second."""
    full, empty = ["finished", "attempts"], ["ready", "leases"]
    return asyncio.run(measured(url, jobs, run_all, full=full, empty=empty))


def cron_dispatch(url: str, jobs: int) -> float:
    """Tick until no schedule is due; schedules a second."""
    return asyncio.run(measured(url, jobs, dispatch_all, full=["occurrences", "jobs", "ready"]))


async def measured(
    url: str, jobs: int, work: Work, *, full: list[str], empty: list[str] | None = None
) -> float:
    """Do the work on a new database; check which tables end full or empty."""
    store = open_store(url)
    await store.write(schema_state.migrate)
    await store.open()
    try:
        elapsed = await work(store, jobs)
        for table in full + (empty or []):
            rows = await count(store, table)
            assert rows == (jobs if table in full else 0), f"{rows} rows in {table}"
    finally:
        await store.close()

    return jobs / elapsed


async def enqueue_all(store: Store, jobs: int) -> float:
    """As users do: through the application object, which connects for itself."""
    async with Onbeat(store.url) as onbeat:
        task = onbeat.task(noop)
        started = time.perf_counter()
        for numbers in batches(jobs, ENQUEUE_BATCH):
            await onbeat.enqueue_many(task.bind(n) for n in numbers)

        return time.perf_counter() - started


async def noop(i: int) -> None:
    """Count, and say when enough have run."""
    runs.left -= 1
    if not runs.left:
        runs.ended.set()


class Runs:
    """How many runs are left until the end of a measurement."""

    left = 0
    ended: asyncio.Event


runs = Runs()


async def run_all(store: Store, jobs: int) -> float:
    await enqueue_all(store, jobs)
    await settle(store, "ready")
    runs.left, runs.ended = jobs, asyncio.Event()
    registry = Registry()
    onbeat = Onbeat(store.url)
    onbeat.task(noop)
    for definition in onbeat.definitions:
        registry.add(definition)

    worker = Worker(store, registry, WorkerOptions(slots=SLOTS))
    started = time.perf_counter()
    await worker.start()
    await runs.ended.wait()
    await worker.stop()  # which stores the last acks
    return time.perf_counter() - started


async def dispatch_all(store: Store, jobs: int) -> float:
    due_at = datetime.now(UTC)  # a moment ago: the ordinary case, nothing was missed
    await store.write(lambda connection, now: add_schedules(connection, now, jobs, due_at))
    await settle(store, "schedules")
    tickers = TICKERS if store.engine == "postgresql" else 1
    started = time.perf_counter()
    await asyncio.gather(*(tick_until_done(store) for _ in range(tickers)))
    return time.perf_counter() - started


async def tick_until_done(store: Store) -> None:
    while (await tick(store)).is_full:
        pass


def add_schedules(
    connection: Connection, now: datetime, count: int, due_at: datetime, task: str = TASK
) -> None:
    """In bulk, as no user could: making them is not what is measured."""
    due_at = due_at.replace(microsecond=0)
    every_minute = encode(cron(f"{due_at.second} {CRON}").spec()).decode()  # due is one of its own
    rows = (
        {
            "id": job, "name": f"s{n}", "source": "api", "task": task, "args": f'{{"i":{n}}}',
            "recurrence": every_minute, "queue": "default", "lane": 5, "max_attempts": 3,
            "catch_up": "latest within 1d", "overlap": "skip", "made": 0, "version": 1,
            "created_at": now, "next_due_at": due_at,
        }
        for n, job in enumerate(job_ids(count))
    )  # fmt: skip
    for some in batched(rows, ENQUEUE_BATCH):
        connection.execute(insert(schedules), some)


def batched(rows: Iterable[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    rest = iter(rows)
    while some := list(islice(rest, size)):
        yield some


async def settle(store: Store, table: str) -> None:
    """Begin with the disk at rest, and knowing what autovacuum would have learned meanwhile."""
    if store.engine == "postgresql":
        for statement in (f"ANALYZE onbeat_{table}", "CHECKPOINT"):
            await store.write(partial(execute, statement=statement))


def execute(connection: Connection, now: datetime, statement: str) -> None:
    connection.execute(text(statement))


async def count(store: Store, table: str) -> int:
    query = text(f"SELECT count(*) FROM onbeat_{table}")
    return int(await store.read(lambda connection, now: connection.execute(query).scalar_one()))
