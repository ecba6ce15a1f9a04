"""What a unique key costs an enqueue, and a plain one beside it: ratios of one run.

`python -m benchmarks.conditions.unique`

Each round enqueues plain jobs, unique ones, and plain ones again, in batches and one by one: what a
unique one costs is told by the plain ones just before and after it, and the median of the rounds is
given. The keys stay, so that they are as many as the jobs. `random` are ids in no order.
`bare` is what such keys take in a table of nothing else, in one run with the others.
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from tests.servers.postgres import running_server

from benchmarks.ceiling import keys
from onbeat import Onbeat, Task, Unique

BATCH = 1_000
CEILING = 0.25
"""What is promised, where ids are in order: at most so much over a plain enqueue."""


def order(order_id: int, note: str) -> None:
    """Nothing: it is never run."""


async def _batches(ob: Onbeat, task: Task[..., Any, Any], ids: list[int]) -> float:
    began = time.perf_counter()
    for start in range(0, len(ids), BATCH):
        await ob.enqueue_many(task.bind(each, "text") for each in ids[start : start + BATCH])
    return (time.perf_counter() - began) / len(ids)


async def _singly(ob: Onbeat, task: Task[..., Any, Any], ids: list[int]) -> float:
    began = time.perf_counter()
    for each in ids:
        await task.enqueue(each, "text")
    return (time.perf_counter() - began) / len(ids)


async def measure(url: str, rounds: int, batches: int, singles: int) -> dict[str, dict[str, float]]:
    """Microseconds a job, plain and unique, and how much more the unique one takes."""
    ob = Onbeat(url)
    await ob.migrate()
    plain = ob.task(name="plain")(order)
    unique = ob.task(name="unique", unique=Unique(by=("order_id",)))(order)
    ways = {"bulk": (_batches, batches * BATCH), "random": (_batches, batches * BATCH),
            "single": (_singly, singles), "random_single": (_singly, singles)}  # fmt: skip
    took: dict[str, list[tuple[float, float, float]]] = {way: [] for way in ways}
    first, randomness = 0, random.Random(1)
    async with ob:
        for turn in range(rounds + 1):
            for way, (enqueue, count) in ways.items():
                ids = list(range(first, first + count))
                if way.startswith("random"):
                    ids = [randomness.getrandbits(47) for _ in ids]
                first += count
                times = [await enqueue(ob, task, ids) for task in (plain, unique, plain)]
                if turn:  # the first warms up
                    took[way].append((times[0], times[1], times[2]))
    return {way: _told(each) for way, each in took.items()}


def _bare_ids(count: int) -> dict[str, list[int]]:
    randomness = random.Random(2)
    return {
        "bulk": list(range(count)),
        "random": [randomness.getrandbits(47) for _ in range(count)],
    }


def _told(took: list[tuple[float, float, float]]) -> dict[str, float]:
    around = [(before + after) / 2 for before, _, after in took]
    pairs = list(zip(took, around, strict=True))
    return {
        "plain_us": round(statistics.median(around) * 1e6, 2),
        "unique_us": round(statistics.median(each[1] for each in took) * 1e6, 2),
        "cost": round(statistics.median(each[1] / plain for each, plain in pairs) - 1, 3),
        "noise": round(
            statistics.median(abs(each[0] - each[2]) / plain for each, plain in pairs), 3
        ),
    }


def main(
    rounds: Annotated[int, typer.Option(help="How often each is measured.")] = 7,
    batches: Annotated[int, typer.Option(help="Batches of 1,000 in a round.")] = 10,
    singles: Annotated[int, typer.Option(help="Single jobs in a round.")] = 500,
) -> None:
    """Measure on both engines, print JSON, and fail where a unique key costs over 25 %."""
    found: dict[str, Any] = {}
    bare = _bare_ids(rounds * batches * BATCH)
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'onbeat.db'}"
        found["sqlite"] = asyncio.run(measure(url, rounds, batches, singles))
        for way, ids in bare.items():
            us = keys.on_file(str(Path(folder) / f"{way}.db"), ids)
            found["sqlite"][way]["bare_us"] = round(us, 2)
    with running_server() as server:
        url = server.create_database("unique")
        found["postgresql"] = asyncio.run(measure(url, rounds, batches, singles))
        for way, ids in bare.items():
            us = asyncio.run(keys.on_server(server.create_database(f"bare_{way}"), ids))
            found["postgresql"][way]["bare_us"] = round(us, 2)
    typer.echo(json.dumps(found, indent=2))
    costs = [engine[way]["cost"] for engine in found.values() for way in ("bulk", "single")]
    raise typer.Exit(any(cost > CEILING for cost in costs))


if __name__ == "__main__":
    typer.run(main)
