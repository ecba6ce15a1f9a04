"""Removing what has ended long ago, beside a worker's claims and acks.

`python -m benchmarks.conditions.retention`

The ended jobs lie in 30 days, and partitions of all days since are there, as in a fleet that has
run for four months. A loop that enqueues, claims and acks ten jobs is timed alone, then beside.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Any

import typer
from sqlalchemy import Connection, func, select, text
from tests import factories
from tests.servers.postgres import running_server

from onbeat.runtime.cleaner import CLEAN_EVERY, Cleaner
from onbeat.store import partitions, schema_state, workers
from onbeat.store.opening import open_store
from onbeat.store.schema import finished
from onbeat.store.store import Store

WALL = 0.1
"""What is promised: jobs are removed at least at this part of the speed at which a batch of them
is enqueued, claimed and acked."""

KEEP = timedelta(days=90)
SPREAD = timedelta(days=30)
ALONE = 200
BATCH = 1_000

COUNTED = {
    "postgresql": "SELECT n, {first} + n * {step} AS ms "
    "FROM generate_series(CAST(1 AS bigint), {jobs}) AS n",
    "sqlite": "WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted "
    "WHERE n < {jobs}) SELECT n, {first} + n * {step} AS ms FROM counted",
}
ID = {
    "postgresql": "CAST(lpad(to_hex(ms), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0') "
    "AS uuid)",
    "sqlite": "printf('%012x70008000%012x', ms, n)",
}
MOMENT = {
    "postgresql": "to_timestamp(ms / 1000.0)",
    "sqlite": "ms * 1000",
}
FILL = (
    "INSERT INTO onbeat_jobs (id, task, queue, lane, max_attempts, args, created_at) "
    "SELECT {id}, 'noop', 'default', 5, 3, '{{}}', {moment} FROM ({counted}) AS each",
    "INSERT INTO onbeat_finished (job, finished_at, task, queue, lane, outcome, attempts) "
    "SELECT {id}, {moment}, 'noop', 'default', 5, 'completed', 1 FROM ({counted}) AS each",
    "INSERT INTO onbeat_attempts (job, token, finished_at, attempt, session, outcome, started_at) "
    "SELECT {id}, n, {moment}, 1, {id}, 'completed', {moment} FROM ({counted}) AS each",
)


def fill(connection: Connection, now: datetime, engine: str, jobs: int) -> None:
    """Put ended jobs on record: in SQL, since making them is not measured."""
    first = int((now - KEEP - SPREAD - timedelta(days=1)).timestamp() * 1_000)
    step = max(1, int(SPREAD.total_seconds() * 1_000) // jobs)
    counted = COUNTED[engine].format(first=first, step=step, jobs=jobs)
    for statement in FILL:
        said = statement.format(id=ID[engine], moment=MOMENT[engine], counted=counted)
        connection.exec_driver_sql(said)


async def make_partitions(store: Store) -> None:
    """Those of four months, one at a time."""
    day = datetime.now(UTC) - KEEP - SPREAD - timedelta(days=2)
    while day <= datetime.now(UTC):
        for each in await store.read(lambda c, _, at=day: partitions.missing(c, at)):
            await store.write(partial(partitions.make, wanted=each))
        day += timedelta(days=partitions.DAYS_AHEAD)


async def pass_through(store: Store, session: str, count: int) -> float:
    """Seconds to enqueue, claim and ack so many jobs."""
    began = time.perf_counter()
    await store.enqueue(factories.jobs(count, queue="other"))
    claimed = await store.claim(session, ["other"], count)
    await store.ack([factories.ack(each) for each in claimed])
    return time.perf_counter() - began


async def clean(store: Store) -> tuple[float, float]:
    """A whole round, with its rests; how many seconds it took, and its longest step."""
    duty, longest = Cleaner(store, KEEP), 0.0
    began = time.perf_counter()
    while True:
        step = time.perf_counter()
        rest = await duty.step()
        longest = max(longest, time.perf_counter() - step)
        if rest >= CLEAN_EVERY:
            return time.perf_counter() - began, longest
        await asyncio.sleep(rest)


async def measure(url: str, *, jobs: int = 200_000) -> dict[str, Any]:
    """Jobs removed in a second; how long others waited meanwhile, and alone."""
    store = open_store(url)
    await store.write(schema_state.migrate)
    await store.open()
    try:
        await make_partitions(store)
        await store.write(partial(fill, engine=store.engine, jobs=jobs))
        if store.engine == "postgresql":
            await store.write(lambda c, _: c.execute(text("ANALYZE")))
        session = factories.session()
        await store.write(lambda c, now: workers.begin(c, now, session, timedelta(hours=1)))
        plain = BATCH / statistics.median(
            [await pass_through(store, session.id, BATCH) for _ in range(10)]
        )
        alone = [await pass_through(store, session.id, 10) for _ in range(ALONE)]
        beside = []
        cleaning = asyncio.create_task(clean(store))
        while not cleaning.done():
            beside.append(await pass_through(store, session.id, 10))
        seconds, longest = await cleaning
        old = datetime.now(UTC) - KEEP
        left = await store.read(
            lambda c, _: c.scalar(
                select(func.count()).select_from(finished).where(finished.c.finished_at < old)
            )
        )
    finally:
        await store.close()
    assert left == 0, f"{left} of {jobs} are still there"
    return {
        "engine": store.engine,
        "jobs": jobs,
        "seconds": seconds,
        "removed_a_second": jobs / seconds,
        "passed_through_a_second": plain,
        "longest_step_ms": longest * 1_000,
        "pause_alone_ms": [statistics.median(alone) * 1_000, max(alone) * 1_000],
        "pause_beside_ms": [statistics.median(beside) * 1_000, max(beside) * 1_000],
        "ratio": jobs / seconds / plain,
        "wall": WALL,
    }


def main(
    jobs: Annotated[int, typer.Option(help="Ended jobs that are removed.")] = 200_000,
) -> None:
    """Measure on both engines; ends with 1 below the promised ratio."""
    with tempfile.TemporaryDirectory() as folder, running_server(durable=True) as server:
        urls = (f"sqlite:///{folder}/retention.db", server.create_database("retention"))
        results = []
        for url in urls:
            results.append(asyncio.run(measure(url, jobs=jobs)))
            print(results[-1], flush=True)
    raise typer.Exit(any(result["ratio"] < WALL for result in results))


if __name__ == "__main__":
    typer.run(main)
