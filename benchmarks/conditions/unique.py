"""What uniqueness leaves of the speed of enqueue: ratios of one run.

`python -m benchmarks.conditions.unique`

Each round enqueues plain jobs, unique ones, and plain ones again, in batches and one by one, by ids
that are given one after the other and by ids in no order. What a unique job costs is told by the
plain ones just before and after it, and the median of the rounds is given:

- `share`: jobs a second with a key, of those without, as `limits` gives it: what is promised.
- `give_or_take`: within so much of it lies the median of as many rounds, 19 times of 20.
- `longer`: the same as time: how much more of it a job takes.
- `noise`: by how much of their speed the plain ones before and after differ.
- `bare_us`, `bare_share`: what such keys take in a table of nothing else, each in a round of its
  own beside the others, and the share that would be left if a unique job took no more than that.

The keys stay, so that they are as many as the jobs. A server is measured with its log synced, as it
is used, and without, where nothing hides what a statement costs.
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer
from tests.servers.postgres import PostgresDatabases, running_server

from benchmarks.ceiling.keys import OnFile, OnServer
from onbeat import Onbeat, Task, Unique

WANTED = 0.75
"""What is promised but of batches in no order: at most a quarter of the speed of enqueue."""


@dataclass(frozen=True)
class Way:
    """How jobs are enqueued."""

    name: str
    batch: int
    is_random: bool = False

    @property
    def is_promised(self) -> bool:
        """Whether a share is; batches in no order cost what the table of keys does."""
        return self.batch == 1 or not self.is_random


Bare = dict[bool, OnFile | OnServer]
"""The bare tables, of keys in order and at random."""

Told = dict[str, dict[str, float]]
"""The figures of each way."""

WAYS = (
    Way("in order, 1,000 at once", 1_000),
    Way("in order, one by one", 1),
    Way("at random, 1,000 at once", 1_000, is_random=True),
    Way("at random, 5,000 at once", 5_000, is_random=True),
    Way("at random, one by one", 1, is_random=True),
)


@dataclass
class Took:
    """Seconds a job, of each round."""

    plain: list[float] = field(default_factory=list)
    unique: list[float] = field(default_factory=list)
    apart: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)

    def add(self, before: float, unique: float, after: float) -> None:
        """Take down a round."""
        self.plain.append((before + after) / 2)
        self.unique.append(unique)
        self.apart.append(abs(before - after))

    def told(self) -> dict[str, float]:
        """The medians, in microseconds, and the ratios."""
        rounds = list(zip(self.plain, self.unique, self.apart, strict=True))
        shares = [plain / unique for plain, unique, _ in rounds]
        told = {
            "share": statistics.median(shares),
            "give_or_take": _give_or_take(shares),
            "noise": statistics.median(apart / plain for plain, _, apart in rounds),
            "longer": statistics.median(unique / plain for plain, unique, _ in rounds) - 1,
            "plain_us": statistics.median(self.plain) * 1e6,
            "unique_us": statistics.median(self.unique) * 1e6,
        }
        if self.bare:
            pairs = list(zip(self.plain, self.bare, strict=True))
            told["bare_us"] = statistics.median(self.bare) * 1e6
            told["bare_share"] = statistics.median(plain / (plain + bare) for plain, bare in pairs)
        return {name: round(value, 3) for name, value in told.items()}


def _give_or_take(shares: Sequence[float]) -> float:
    """As the notch of a box plot is drawn (McGill, Tukey, Larsen 1978)."""
    low, _, high = statistics.quantiles(shares, n=4)
    return float(1.57 * (high - low) / len(shares) ** 0.5)


def order(order_id: int, note: str) -> None:
    """Nothing: it is never run."""


async def _enqueue(ob: Onbeat, task: Task[..., Any, Any], ids: Sequence[int], batch: int) -> float:
    began = time.perf_counter()
    if batch == 1:
        for each in ids:
            await task.enqueue(each, "text")
    else:
        for start in range(0, len(ids), batch):
            await ob.enqueue_many(task.bind(each, "text") for each in ids[start : start + batch])
    return (time.perf_counter() - began) / len(ids)


async def measure(url: str, bare: Bare, rounds: int, many: int, singles: int) -> Told:
    """What each way takes, beside the bare tables."""
    ob = Onbeat(url)
    await ob.migrate()
    plain = ob.task(name="plain")(order)
    unique = ob.task(name="unique", unique=Unique(by=("order_id",)))(order)
    took: dict[Way, Took] = defaultdict(Took)
    first, randomness = 0, random.Random(1)
    async with ob:
        for turn in range(rounds + 1):
            for way in WAYS:
                count = singles if way.batch == 1 else many
                ids = list(range(first, first + count))
                if way.is_random:
                    ids = [randomness.getrandbits(47) for _ in ids]
                first += count
                turns = (plain, unique, plain)
                times = [await _enqueue(ob, task, ids, way.batch) for task in turns]
                keys = []
                if way.batch > 1:
                    keys = [await bare[way.is_random].fill(ids, way.batch)]
                if turn:  # the first warms up
                    took[way].add(*times)
                    took[way].bare += keys
    for table in bare.values():
        await table.close()
    return {way.name: took[way].told() for way in WAYS}


async def on_file(folder: str, rounds: int, many: int, singles: int) -> Told:
    """The same on SQLite."""
    bare: Bare = {which: OnFile(f"{folder}/bare_{which}.db") for which in (False, True)}
    return await measure(f"sqlite:///{folder}/onbeat.db", bare, rounds, many, singles)


async def on_server(server: PostgresDatabases, rounds: int, many: int, singles: int) -> Told:
    """The same on PostgreSQL."""
    bare: Bare = {
        which: await OnServer.made(server.create_database(f"bare_{which}".lower()))
        for which in (False, True)
    }
    return await measure(server.create_database("unique"), bare, rounds, many, singles)


def _shown(engine: str, told: Told) -> Told:
    print(json.dumps({engine: told}, indent=2), flush=True)
    return told


def main(
    rounds: Annotated[int, typer.Option(help="How often each is measured.")] = 19,
    many: Annotated[int, typer.Option(help="Jobs of a round that come in batches.")] = 5_000,
    singles: Annotated[int, typer.Option(help="Single jobs in a round.")] = 50,
) -> None:
    """Measure on both engines, print JSON, and fail where less than is promised is left."""
    found: dict[str, Told] = {}
    with tempfile.TemporaryDirectory() as folder:
        found["SQLite"] = _shown("SQLite", asyncio.run(on_file(folder, rounds, many, singles)))
    for name, durable in (("PostgreSQL", True), ("PostgreSQL without fsync", False)):
        with running_server(durable=durable) as server:
            found[name] = _shown(name, asyncio.run(on_server(server, rounds, many, singles)))
    missed = [
        (engine, way.name)
        for engine, told in found.items()
        for way in WAYS
        if way.is_promised and told[way.name]["share"] < WANTED
    ]
    for engine, name in missed:
        typer.echo(f"{engine}, {name}: less than {WANTED} of plain")
    raise typer.Exit(bool(missed))


if __name__ == "__main__":
    typer.run(main)
