"""Folding 20,000 ended jobs a second, beside a worker that runs jobs that do nothing.

`python -m benchmarks.conditions.fold`

The jobs ended 20,000 a second, of 20 tasks in 5 queues, a tenth made by one of 100 schedules. First
the watcher folds them as fast as it can. Then a worker runs others, in turns alone and while the
ends of 2.5 s are folded every 2.5 s in the same process: slices of that length are what the
watcher settles on, since 50,000 ends take the 0.25 s to read that it aims at. It also counts, once
a minute, the jobs that were asked for in it among the ids of eleven: 550,000 in 2.5 s, and as many
jobs there are here.
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
from sqlalchemy import Connection, text
from tests.servers.postgres import running_server

from benchmarks.conditions.limits import BATCH, is_over
from benchmarks.conditions.lists import OUTCOME, QUEUE, TASK
from benchmarks.conditions.retention import COUNTED, ID, MOMENT
from onbeat import Onbeat, Settings, Task
from onbeat.domain.health import SPANS, Kind, Slice
from onbeat.runtime.watcher import Watcher
from onbeat.store import enqueued, folding, health, meters
from onbeat.store.store import Store

WALL = 0.15
"""What is promised: at most this part of what a worker runs is taken from it."""

DRAINED = 400_000
"""At once: they take long enough for several slices."""

A_SECOND = 20_000
AGO = timedelta(minutes=10)
EVERY = timedelta(seconds=2.5)

SCHEDULE = {
    "postgresql": "CASE WHEN n % 10 = 0 THEN CAST(lpad(to_hex(n % 1000), 32, '0') AS uuid) END",
    "sqlite": "CASE WHEN n % 10 = 0 THEN printf('%032x', n % 1000) END",
}
TOOK = {
    "postgresql": "(n % 977 + 1) * interval '1 millisecond'",
    "sqlite": "(n % 977 + 1) * 1000",
}
FILL = (
    "INSERT INTO onbeat_jobs (id, task, queue, lane, max_attempts, args, created_at, schedule) "
    "SELECT {id}, {task}, {queue}, 5, 3, '{{}}', {moment}, {schedule} FROM ({counted}) AS each",
    "INSERT INTO onbeat_finished (job, finished_at, task, queue, lane, outcome, attempts) "
    "SELECT {id}, {moment}, {task}, {queue}, 5, {outcome}, 1 FROM ({counted}) AS each",
    "INSERT INTO onbeat_attempts (job, token, finished_at, attempt, session, outcome, started_at) "
    "SELECT {id}, n, {moment}, 1, {id}, 'succeeded', {moment} - {took} FROM ({counted}) AS each",
)


def fill(connection: Connection, now: datetime, engine: str, jobs: int) -> None:
    """Put ended jobs on record: in SQL, since making them is not measured."""
    first = int((now - AGO).timestamp() * 1_000)
    counted = COUNTED[engine].format(first=first, step=f"1 / {A_SECOND // 1_000}", jobs=jobs)
    for statement in FILL:
        said = statement.format(
            id=ID[engine], moment=MOMENT[engine], counted=counted, task=TASK, queue=QUEUE,
            outcome=OUTCOME, schedule=SCHEDULE[engine], took=TOOK[engine],
        )  # fmt: skip
        connection.exec_driver_sql(said)


async def fold(store: Store) -> float:
    """Seconds until all is folded, the watcher's rests among them."""
    watcher, rested = Watcher(store), 0.0
    began = time.perf_counter()
    while (await store.read(folding.front)).first_at is not None:
        rested += await watcher.step()
    return time.perf_counter() - began + rested


async def counted(store: Store) -> int:
    """How many ends are in what was folded."""
    since = datetime.now(UTC) - timedelta(days=1)
    page = partial(health.page, kind=Kind.TASK, since=since, span=SPANS[1], limit=500)
    return sum(each.ever.ended for each in (await store.read(page)).rows)


async def fold_on(store: Store, first: datetime) -> None:
    """Count the jobs and fold the ends of a slice, over and over, as if they had been asked for and
    had ended just now.
    """
    slice_ = Slice(first, first + EVERY)
    folded_to = (await store.read(folding.front)).folded_to
    assert folded_to is not None
    while True:
        began = time.perf_counter()
        asked = await store.read(partial(enqueued.tallied, wanted=slice_))
        await store.write(partial(meters.add, counted=asked))
        found = await store.read(partial(folding.tallies, wanted=slice_))
        of = Slice(folded_to, folded_to + EVERY)
        assert await store.write(partial(folding.fold, was=folded_to, of=of, found=found))
        folded_to = of.until
        await asyncio.sleep(max(0.0, began + EVERY.total_seconds() - time.perf_counter()))


async def nothing() -> None:
    """What is run."""


async def drain(ob: Onbeat, noop: Task[..., Any, Any], jobs: int) -> float:
    """Jobs in a second, from the start of the worker until nothing is left."""
    for _ in range(0, jobs, BATCH):
        await ob.enqueue_many([noop.bind() for _ in range(BATCH)])
    store = await ob.store()
    began = time.perf_counter()
    async with ob.running(scheduler=False):
        while not await store.read(is_over):  # noqa: ASYNC110 - the store has no event for it
            await asyncio.sleep(0.02)
        return jobs / (time.perf_counter() - began)


async def measure(url: str, *, jobs: int, rounds: int) -> dict[str, Any]:
    """How fast it folds, and what that takes from a worker."""
    ob = Onbeat(url, settings=Settings())
    noop = ob.task(name="noop")(nothing)
    await ob.migrate()
    async with ob:
        store = await ob.store()
        await store.write(partial(fill, engine=store.engine, jobs=jobs))
        if store.engine == "postgresql":
            await store.write(lambda c, _: c.execute(text("ANALYZE")))
        first = (await store.read(folding.front)).first_at
        assert first is not None
        seconds = await fold(store)
        found = await counted(store)
        assert found == jobs, f"{found} of {jobs} were folded"
        taken = []
        for _ in range(rounds):
            alone = await drain(ob, noop, DRAINED)
            beside_it = asyncio.create_task(fold_on(store, first))
            beside = await drain(ob, noop, DRAINED)
            assert not beside_it.done(), "it was not folded all the while"
            beside_it.cancel()
            taken.append((alone, beside, await drain(ob, noop, DRAINED)))
    lost = [1 - beside / ((before + after) / 2) for before, beside, after in taken]
    return {
        "engine": store.engine,
        "jobs": jobs,
        "folded_a_second": round(jobs / seconds),
        "run_a_second": round(statistics.median(before for before, *_ in taken)),
        "noise": round(statistics.median(abs(1 - after / before) for before, _, after in taken), 3),
        "taken": round(statistics.median(lost), 3),
        "wall": WALL,
    }


def main(
    jobs: Annotated[int, typer.Option(help="Ended jobs that are folded.")] = 550_000,
    rounds: Annotated[int, typer.Option(help="How often a worker runs beside it.")] = 3,
) -> None:
    """Measure on both engines; ends with 1 where more than that is taken, or fewer are folded."""
    with tempfile.TemporaryDirectory() as folder, running_server(durable=True) as server:
        urls = (f"sqlite:///{folder}/fold.db", server.create_database("fold"))
        results = []
        for url in urls:
            results.append(asyncio.run(measure(url, jobs=jobs, rounds=rounds)))
            print(results[-1], flush=True)
    raise typer.Exit(
        any(each["taken"] > WALL or each["folded_a_second"] < A_SECOND for each in results)
    )


if __name__ == "__main__":
    typer.run(main)
