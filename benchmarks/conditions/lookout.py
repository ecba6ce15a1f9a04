"""What it costs the judge to know of each task what is usual of it, round by round.

`python -m benchmarks.conditions.lookout`

Every fifth task ended jobs in each hour of 28 days, the others in each eighth. The first rounds of
a judge that knows nothing learn; after another hour it judges by what it has learnt.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated

import typer
from sqlalchemy import Connection, insert
from tests.servers.postgres import running_server

from onbeat import Onbeat, Settings
from onbeat.domain.anomalies import PAST
from onbeat.domain.incidents import Kind as Whose
from onbeat.runtime.judge import Judge
from onbeat.store.schema import folds
from onbeat.store.store import Store

HOURS = PAST // timedelta(hours=1)
TICK = 0.005
AT_ONCE = 500
"""Tasks whose hours are made in one transaction."""
TOOK = """'{"' || ((n * 7 + hour) % 5) || '":3,"' || (5 + (n + hour) % 7) || '":5,"15":1}'"""

JSON = {"postgresql": "jsonb", "sqlite": "text"}
NUMBERS = {
    "postgresql": "SELECT n FROM generate_series({first}, {last}) AS n",
    "sqlite": "WITH RECURSIVE count(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM count "
    "WHERE n < {last}) SELECT n FROM count",
}
MOMENT = {
    "postgresql": "to_timestamp(hour * 3600)",
    "sqlite": "hour * 3600 * 1000000",
}
ROLLUPS = (
    "INSERT INTO onbeat_rollups (kind, subject, span, begins_at, completed, failed, cancelled, "
    "attempts, took) SELECT 'task', 'task-' || n, 3600, {moment}, 10, 0, 0, 10, "
    "CAST({took} AS {json}) "
    "FROM ({tasks}) AS t CROSS JOIN (SELECT n AS hour FROM ({hours}) AS h) AS hours "
    "WHERE n % 5 = 0 OR hour % 8 = 0"
)
HEALTH = (
    "INSERT INTO onbeat_health (kind, subject, completed, failed, cancelled, attempts, "
    "last_success_at, failed_since, completed_since) "
    "SELECT 'task', 'task-' || n, 10, 0, 0, 10, {moment}, 0, 10 FROM ({tasks}) AS t"
)


def fill(connection: Connection, engine: str, tasks: range, first: int, last: int) -> None:
    """Put hours on record: in SQL, since making them is not measured."""
    numbers = NUMBERS[engine]
    connection.exec_driver_sql(ROLLUPS.format(
        moment=MOMENT[engine], took=TOOK, json=JSON[engine],
        tasks=numbers.format(first=tasks[0], last=tasks[-1]),
        hours=numbers.format(first=first, last=last),
    ))  # fmt: skip


async def fill_all(store: Store, tasks: range, until: int) -> None:
    """The same of 28 days, and that there are such tasks."""
    for at in range(0, len(tasks), AT_ONCE):
        some = tasks[at : at + AT_ONCE]
        moment = MOMENT[store.engine].replace("hour", str(until - 1))
        numbers = NUMBERS[store.engine].format(first=some[0], last=some[-1])
        health = HEALTH.format(moment=moment, tasks=numbers)
        await store.write(partial(_fill_some, health=health, tasks=some, until=until))


def _fill_some(
    connection: Connection, now: datetime, health: str, tasks: range, until: int
) -> None:  # fmt: skip
    connection.exec_driver_sql(health)
    fill(connection, connection.dialect.name, tasks, until - HOURS, until - 1)
    if tasks[0] == 1:
        connection.execute(insert(folds), {"name": "ends", "folded_to": now})


@asynccontextmanager
async def stalls() -> AsyncIterator[list[float]]:
    """For how long nothing else went on, at the longest."""
    longest = [0.0]

    async def watch() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(TICK)
            longest[0] = max(longest[0], time.perf_counter() - began - TICK)

    watcher = asyncio.create_task(watch())
    try:
        yield longest
    finally:
        watcher.cancel()


async def rounds(judge: Judge, number: int) -> str:
    """How long so many take, and how many subjects were judged in them."""
    kept, took, judged = judge.lookout.outlooks, [], 0
    async with stalls() as longest:
        for _ in range(number):
            began, left = time.perf_counter(), kept.left
            await judge.round()
            took.append(time.perf_counter() - began)
            judged += (left or len(kept.listed)) - kept.left
            if not kept.left:
                break
    each = sum(took) / max(judged, 1) * 1_000
    return (
        f"{judged:,} judged, {kept.left:,} left after {len(took)} rounds; {each:.2f} ms each; "
        f"a round {max(took):.2f} s at most; others waited {longest[0] * 1_000:.0f} ms at most"
    )


async def measure(store: Store, tasks: int, number: int) -> None:
    """Learn, then judge another hour of those that were learnt."""
    until = int((time.time() - 60) // 3600)
    numbers = range(1, tasks + 1)
    await fill_all(store, numbers, until)
    judge = Judge(store)
    typer.echo(f"{store.engine}: learning: {await rounds(judge, number)}")
    kept = judge.lookout.outlooks
    await store.write(lambda c, _: fill(c, c.dialect.name, numbers, until, until))
    learnt = [each for each in kept.listed if not kept.is_unknown((Whose.TASK, each.id))]
    kept.begin(until + 1, learnt, ())
    typer.echo(f"{store.engine}: judging: {await rounds(judge, number)}")


async def in_store(url: str, tasks: int, number: int) -> None:
    """All of it in an empty store."""
    ob = Onbeat(url, settings=Settings())
    try:
        await ob.migrate()
        await measure(await ob.store(), tasks, number)
    finally:
        await ob.close()


def run(
    tasks: Annotated[int, typer.Option(help="Tasks with a past.")] = 10_000,
    number: Annotated[int, typer.Option("--rounds", help="Rounds of each sort.")] = 6,
) -> None:
    """Print what is measured, on both engines."""
    with tempfile.TemporaryDirectory(prefix="onbeat-bench-") as directory:
        asyncio.run(in_store(f"sqlite:///{directory}/bench.db", tasks, number))
    with running_server(durable=True) as databases:
        asyncio.run(in_store(databases.create_database("lookout"), tasks, number))


if __name__ == "__main__":
    typer.run(run)
