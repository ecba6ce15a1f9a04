"""Lists of jobs over a record of a million.

`python -m benchmarks.conditions.lists`

The jobs have ended over 30 days, one in a thousand failed; every tenth has a tag that many have.
Pages are asked for one after the other, from the first on and from places deep in the record.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Any

import typer
from sqlalchemy import Connection, text
from tests import factories
from tests.servers.postgres import running_server

from benchmarks.conditions.retention import COUNTED, ID, MOMENT
from onbeat import JobFilter, Onbeat, Settings
from onbeat.domain.job_cursors import Position, Sort, cursor
from onbeat.domain.jobs import JobId
from onbeat.store import partitions
from onbeat.store.store import Store

SINGLE_WALL, LIST_WALL = 50.0, 100.0
"""Milliseconds that are promised, 95 of 100 times."""

SPREAD = timedelta(days=30)
TIMES = 100

TIES = (
    "CASE WHEN n % 10 = 0 THEN '[\"tag:vip\"]' WHEN n % 5000 = 7 THEN '[\"tag:rare\"]' "
    "WHEN n % 10 = 1 THEN '[\"owner:u-' || CAST(n % 1000 AS text) || '\"]' END"
)
MARK = (
    "CASE WHEN n % 10 = 0 THEN 'tag:vip' WHEN n % 5000 = 7 THEN 'tag:rare' "
    "WHEN n % 10 = 1 THEN 'owner:u-' || CAST(n % 1000 AS text) END"
)
OUTCOME = (
    "CASE WHEN n % 1000 = 0 THEN 'failed' WHEN n % 100 = 50 THEN 'cancelled' ELSE 'completed' END"
)
ARGS = {
    "postgresql": "jsonb_build_object('customer', jsonb_build_object('id', n % 10000))",
    "sqlite": "json_object('customer', json_object('id', n % 10000))",
}
TASK, QUEUE = "'task-' || CAST(n % 20 AS text)", "'q' || CAST(n % 5 AS text)"
FILL = (
    "INSERT INTO onbeat_jobs (id, task, queue, lane, max_attempts, args, created_at, ties) "
    "SELECT {id}, {task}, {queue}, 5, 3, {args}, {moment}, {ties} FROM ({counted}) AS each",
    "INSERT INTO onbeat_finished (job, finished_at, task, queue, lane, outcome, attempts, reason) "
    "SELECT {id}, {moment}, {task}, {queue}, 5, {outcome}, 1, "
    "CASE WHEN n % 1000 = 0 THEN 'Timeout of stripe' END FROM ({counted}) AS each",
    "INSERT INTO onbeat_marks (mark, job) SELECT {mark}, {id} FROM ({counted}) AS each "
    "WHERE n % 10 IN (0, 1) OR n % 5000 = 7",
)


class Record:
    """Where the jobs of the record lie."""

    def __init__(self, count: int) -> None:
        begin = datetime.now(UTC) - SPREAD
        self.count = count
        self.first = int(begin.timestamp() * 1_000)
        self.step = max(1, int(SPREAD.total_seconds() * 1_000) // count)
        self._luck = random.Random(7)

    def job(self) -> Position:
        """Any of them, and when it ended."""
        number = self._luck.randint(1, self.count)
        millis = self.first + number * self.step
        at = datetime.fromtimestamp(millis / 1_000, UTC)
        return Position(at, JobId(f"{millis:012x}70008000{number:012x}"))

    def fill(self, connection: Connection, now: datetime, engine: str) -> None:
        """In SQL, since making them is not measured."""
        counted = COUNTED[engine].format(first=self.first, step=self.step, jobs=self.count)
        for statement in FILL:
            said = statement.format(
                id=ID[engine], moment=MOMENT[engine], counted=counted, args=ARGS[engine], ties=TIES,
                mark=MARK, outcome=OUTCOME, task=TASK, queue=QUEUE,
            )  # fmt: skip
            connection.exec_driver_sql(said)


async def make_partitions(store: Store) -> None:
    """Those of the days since the first."""
    day = datetime.now(UTC) - SPREAD - timedelta(days=2)
    while day <= datetime.now(UTC):
        for each in await store.read(lambda c, _, at=day: partitions.missing(c, at)):
            await store.write(partial(partitions.make, wanted=each))
        day += timedelta(days=partitions.DAYS_AHEAD)


@asynccontextmanager
async def filled(url: str, record: Record) -> AsyncIterator[Onbeat]:
    """An application on an empty database that has this record, and 20,000 pending jobs."""
    await Onbeat(url, settings=Settings()).migrate()
    async with Onbeat(url, settings=Settings()) as ob:
        store = await ob.store()
        await make_partitions(store)
        await store.write(partial(record.fill, engine=store.engine))
        await store.enqueue(factories.jobs(20_000, queue="q3"))
        if store.engine == "postgresql":
            await store.write(lambda c, _: c.execute(text("ANALYZE")))
        yield ob


LISTS: dict[str, dict[str, Any]] = {
    "newest": {},
    "oldest": {"sort": Sort.OLDEST},
    "last ended": {"sort": Sort.LAST_ENDED},
    "pending": {"state": "pending"},
    "failed": {"state": "failed"},
    "failed, last ended": {"state": "failed", "sort": Sort.LAST_ENDED},
    "completed": {"state": "completed"},
    "cancelled (1 in 100)": {"state": "cancelled"},
    "task": {"task": "task-7"},
    "task, last ended": {"task": "task-7", "sort": Sort.LAST_ENDED},
    "queue": {"queue": "q3"},
    "tag of many": {"tag": "vip"},
    "tag of few": {"tag": "rare"},
    "owner": {"owner": "u-1"},
    "tag of many, failed": {"tag": "vip", "state": "failed"},
    "tag of many, completed, task": {"tag": "vip", "state": "completed", "task": "task-10"},
    "tag of many, last ended": {"tag": "vip", "sort": Sort.LAST_ENDED},
    "owner, argument": {"owner": "u-1", "args": {"customer.id": 1}},
    "argument (1 in 10,000)": {"args": {"customer.id": 4242}},
    "error text of few": {"error": "stripe"},
    "error text of nobody": {"error": "no such text"},
    "task, error of nobody": {"task": "task-7", "error": "no such text"},
    "failed or running, queue": {"state": ["failed", "running"], "queue": "q3"},
}


async def timed(times: int, ask: Callable[[], Awaitable[Any]]) -> list[float]:
    """Milliseconds of each."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        await ask()
        taken.append((time.perf_counter() - began) * 1_000)
    return taken


def percentiles(taken: list[float]) -> dict[str, float]:
    """The middle one, and the one that 95 of 100 do not exceed."""
    return {"p50": statistics.median(taken), "p95": statistics.quantiles(taken, n=20)[-1]}


async def measure(url: str, *, jobs: int = 1_000_000) -> dict[str, Any]:
    """How long each kind of look takes."""
    record = Record(jobs)
    async with filled(url, record) as ob:
        store = await ob.store()
        found = {"one job": percentiles(await timed(TIMES, lambda: ob.jobs.find(record.job().job)))}
        for name, fields in LISTS.items():
            found[name] = percentiles(await timed(TIMES, partial(_page, ob, record, fields)))
        found["counts"] = percentiles(await timed(TIMES, ob.jobs.counts))
    return {"engine": store.engine, "jobs": jobs, "ms": found}


async def _page(ob: Onbeat, record: Record, fields: dict[str, Any]) -> None:
    """The first page, or one from anywhere in the record."""
    place, sort = record.job(), fields.get("sort", Sort.NEWEST)
    place = place if sort.is_by_end else Position(None, place.job)
    after = cursor(sort, place) if int(place.job, 16) % 3 else None
    await ob.jobs.page(JobFilter(**fields, after=after, limit=50))


def main(
    jobs: Annotated[int, typer.Option(help="Jobs on record.")] = 1_000_000,
) -> None:
    """Measure on both engines; 1 when what is promised is missed."""
    missed = False
    with tempfile.TemporaryDirectory() as folder, running_server(durable=True) as server:
        for url in (f"sqlite:///{folder}/lists.db", server.create_database("lists")):
            result = asyncio.run(measure(url, jobs=jobs))
            print(f"{result['engine']}, {result['jobs']:,} jobs on record")
            for name, ms in result["ms"].items():
                wall = SINGLE_WALL if name == "one job" else LIST_WALL
                missed |= ms["p95"] > wall
                note = "  MISSED" if ms["p95"] > wall else ""
                print(f"  {name:32} p50 {ms['p50']:7.1f} ms   p95 {ms['p95']:7.1f} ms{note}")
    raise typer.Exit(int(missed))


if __name__ == "__main__":
    typer.run(main)
