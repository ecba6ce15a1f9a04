"""Throughput at half load while somebody holds an old snapshot open.

`python -m benchmarks.conditions.snapshot`

Vacuum cannot remove what the snapshot may still see, so every job that passes leaves dead rows in
the small tables. A queue that looks for its next job among them gets slower by the minute.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Annotated, Any

import asyncpg
import typer
from tests.servers.postgres import running_server

from onbeat import Onbeat

BATCH_EVERY = 0.05
LARGEST_BATCH = 4_000
FLOOR = 0.9
"""What is promised: so much of the throughput without a snapshot."""


async def noop(number: int) -> None:
    """Nothing, as fast as can be."""
    ran.count += 1


class Ran:
    """How many jobs this process has run."""

    count = 0


ran = Ran()


async def work(url: str) -> None:
    """A worker process: says ten times a second how many jobs it has run, until it is killed."""
    onbeat = Onbeat(url)
    onbeat.task(name="noop")(noop)
    async with onbeat, onbeat.running(scheduler=False):
        while True:
            print(ran.count, flush=True)
            await asyncio.sleep(0.1)


class Worker:
    """A worker process, and what it last said."""

    def __init__(self, url: str) -> None:
        """Start it."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.conditions.snapshot", "work", url],
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        os.set_blocking(self.process.stdout.fileno(), False)
        self.count = 0

    def look(self) -> int:
        """How many jobs it has run."""
        assert self.process.stdout is not None
        said = self.process.stdout.read() or b""
        if lines := said.split():
            self.count = int(lines[-1])
        return self.count

    async def reach(self, count: int) -> float:
        """Wait until it has run so many; how many seconds that took."""
        began = time.perf_counter()
        while self.look() < count:  # noqa: ASYNC110 - another process is looked at
            await asyncio.sleep(0.02)
        return time.perf_counter() - began


@contextmanager
def worker(url: str) -> Iterator[Worker]:
    """A worker that is killed at the end."""
    made = Worker(url)
    try:
        yield made
    finally:
        made.process.kill()
        made.process.wait()


@asynccontextmanager
async def old_snapshot(url: str, *, held: bool) -> AsyncIterator[None]:
    """A session that looks once and keeps its transaction open, as a forgotten console does."""
    if not held:
        yield
        return
    connection = await asyncpg.connect(url)
    await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    await connection.fetch("SELECT count(*) FROM onbeat_sessions")
    try:
        yield
    finally:
        await connection.close()


async def feed(onbeat: Onbeat, task: Any, rate: float, seconds: float, one: Worker) -> list[float]:
    """Enqueue at `rate` for `seconds`; jobs run in each second."""
    began = time.perf_counter()
    asked, per_second, before = 0, [], one.look()
    while (passed := time.perf_counter() - began) < seconds:
        wanted = int(rate * passed) - asked
        if wanted:
            wanted = min(wanted, LARGEST_BATCH)
            await onbeat.enqueue_many(task.bind(number) for number in range(wanted))
            asked += wanted
        while len(per_second) < int(passed):
            now = one.look()
            per_second.append(now - before)
            before = now
        await asyncio.sleep(BATCH_EVERY)
    return per_second


async def measure(url: str, *, seconds: float, burst: int, held: bool) -> dict[str, Any]:
    """Feed a worker half of what it can take; what it ran, and what it can take in the end."""
    onbeat = Onbeat(url)
    task = onbeat.task(name="noop")(noop)
    await onbeat.migrate()
    async with onbeat:
        with worker(url) as one:
            await one.reach(0)
            await drain_burst(onbeat, task, burst, one)  # which warms both up
            capacity = await drain_burst(onbeat, task, burst, one)
            async with old_snapshot(url, held=held):
                per_second = await feed(onbeat, task, capacity / 2, seconds, one)
                final = await drain_burst(onbeat, task, burst, one)
    return {
        "held": held,
        "seconds": seconds,
        "capacity_before": capacity,
        "half_load": capacity / 2,
        "ran_per_second": sum(per_second) / len(per_second),
        "last_tenth": per_second[-max(1, len(per_second) // 10) :],
        "capacity_after": final,
    }


async def drain_burst(onbeat: Onbeat, task: Any, burst: int, one: Worker) -> float:
    """Jobs a second from the moment a queue with a burst in it is let go to its last run."""
    before = one.look()
    await onbeat.queues.pause("default", by="the benchmark")
    await onbeat.enqueue_many(task.bind(number) for number in range(burst))
    await onbeat.queues.resume("default")
    return burst / await one.reach(before + burst)


def main(
    seconds: Annotated[float, typer.Option(help="How long the snapshot is held.")] = 300,
    burst: Annotated[int, typer.Option(help="Jobs of one drain.")] = 50_000,
) -> None:
    """Measure free, then held; ends with 1 under the promised ratio."""
    results = []
    with running_server(durable=True) as server:
        for held in (False, True):
            url = server.create_database(f"snapshot_{int(held)}")
            span = min(seconds, 60) if not held else seconds
            results.append(asyncio.run(measure(url, seconds=span, burst=burst, held=held)))
            print(json.dumps(results[-1]), flush=True)
    free, held_open = results
    kept_up = held_open["ran_per_second"] / held_open["half_load"]
    capacity = held_open["capacity_after"] / free["capacity_after"]
    print(f"kept up with half load: {kept_up:.2f}; a burst in the end: {capacity:.2f} of free")
    raise typer.Exit(kept_up < FLOOR)


if __name__ == "__main__":
    if sys.argv[1:2] == ["work"]:
        asyncio.run(work(sys.argv[2]))
    else:
        typer.run(main)
