"""What limits cost: the same jobs drained without any, and under limits that do not hold them up.

`python -m benchmarks.conditions.limits`
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated

import typer
from sqlalchemy import Connection, func, select
from tests.servers.postgres import running_server

from onbeat import Limit, Onbeat
from onbeat.app.processes import Parts
from onbeat.store.schema import blocked, leases, ready

BATCH = 1_000


@dataclass(frozen=True)
class Variant:
    """Jobs under a limit, and which part of the plain speed is wanted."""

    name: str
    limit: Limit | None = None
    queue: dict[str, int | str] | None = None
    keys: int = 1
    wanted: float = 0.0


PLAIN = Variant("no limit")
VARIANTS = (
    Variant("a queue's concurrency", queue={"concurrency": 100_000}, wanted=0.8),
    Variant("a queue's rate", queue={"rate": "1000000/s"}, wanted=0.8),
    Variant("one shared limit, concurrency", Limit("one", concurrency=100_000), wanted=0.8),
    Variant("one shared limit, rate", Limit("one", rate="1000000/s"), wanted=0.8),
    Variant("1,000 keys, 10 at once each", Limit("k", 10, by="key"), keys=1_000, wanted=0.5),
    Variant("1,000 keys, 1 at once each", Limit("k", 1, by="key"), keys=1_000, wanted=0.5),
)


def is_over(connection: Connection, _: object) -> bool:
    """Whether nothing is left to be run."""
    return not any(
        connection.scalar(select(func.count()).select_from(select(table.c.job).limit(1).subquery()))
        for table in (ready, blocked, leases)
    )


async def drain(url: str, variant: Variant, jobs: int) -> float:
    """Jobs in a second, from the start of the worker until nothing is left."""
    ob = Onbeat(url)
    if variant.queue is not None:
        ob.queue("default", **variant.queue)  # type: ignore[arg-type]

    @ob.task(limits=variant.limit)
    async def noop(key: int) -> None:
        pass

    await ob.migrate()
    async with ob:
        for start in range(0, jobs, BATCH):
            await ob.enqueue_many(
                [noop.bind(n % variant.keys) for n in range(start, start + BATCH)]
            )
        parts = Parts.from_settings(ob.settings, worker=True, scheduler=False)
        parts = replace(parts, options=replace(parts.options, slots=100))
        store = await ob.store()
        began = time.perf_counter()
        async with ob.running(parts=parts):
            while not await store.read(is_over):  # noqa: ASYNC110 - the store has no event for it
                await asyncio.sleep(0.02)
            seconds = time.perf_counter() - began
    return jobs / seconds


def measure(make: Callable[[str], str], engine: str, jobs: int, rounds: int) -> bool:
    """Print each variant beside the plain one; whether all reach what is wanted.

    Each drain has a plain one just before or just after it, in turns: a server has more to clean up
    the longer it runs.
    """
    ratios: dict[str, list[float]] = {variant.name: [] for variant in VARIANTS}
    speeds: dict[str, list[float]] = {variant.name: [] for variant in VARIANTS}
    for turn in range(rounds):
        for number, variant in enumerate(VARIANTS):
            pair = [(f"limited_{turn}_{number}", variant), (f"plain_{turn}_{number}", PLAIN)]
            told = {
                name: asyncio.run(drain(make(name), each, jobs))
                for name, each in (pair if turn % 2 else reversed(pair))
            }
            limited, plain = (told[name] for name, _ in pair)
            ratios[variant.name].append(limited / plain)
            speeds[variant.name].append(limited)
    reached = True
    for variant in VARIANTS:
        ratio = statistics.median(ratios[variant.name])
        reached = reached and ratio >= variant.wanted
        told_of = f"{statistics.median(speeds[variant.name]):,.0f} jobs/s, {ratio:.2f} of plain"
        print(f"{engine}: {variant.name}: {told_of}, wanted {variant.wanted}", flush=True)
    return reached


def main(
    jobs: Annotated[int, typer.Option(help="Jobs in each drain.")] = 60_000,
    rounds: Annotated[int, typer.Option(help="How often each is done, in turns.")] = 3,
) -> None:
    """Measure on both engines; ends with 1 where what is wanted is missed."""
    with tempfile.TemporaryDirectory() as folder, running_server(durable=True) as server:
        on_file = measure(lambda name: f"sqlite:///{folder}/{name}.db", "SQLite", jobs, rounds)
        on_server = measure(server.create_database, "PostgreSQL", jobs, rounds)
    raise typer.Exit(not (on_file and on_server))


if __name__ == "__main__":
    typer.run(main)
