"""How long after `kill -9` of its worker a job runs again, at default settings.

`python -m benchmarks.conditions.rescue`

A number of workers hold one job each; they are killed one by one, at moments spread over a
rescuer's term, while one more worker lives on.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from tests.servers.postgres import running_server

from onbeat import Onbeat, Run

CHECKOUT = Path(__file__).parents[2]
WALL = 20.0
"""What is promised: seconds, of 99 in 100."""

KILL_WITHIN = 20.0
"""Seconds over which the kills are spread: more than a term and a sweep."""

TASK = "hold"


async def hold(run: Run, notes: str) -> None:
    """Note when this attempt began, and hold its slot; a second attempt ends at once."""
    if note(Path(notes), run.job) < 2:
        await asyncio.sleep(600)


def note(notes: Path, job: str) -> int:
    """Write down that an attempt begins; how many have by now."""
    with notes.open("a") as file:
        file.write(f"{job} {os.getpid()} {time.time()}\n")
    return sum(job in line for line in notes.read_text().splitlines())


onbeat = Onbeat()
onbeat.task(name=TASK)(hold)


@contextmanager
def worker(url: str, slots: int) -> Iterator[subprocess.Popen[bytes]]:
    """A worker as a user would start it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "onbeat", "worker", "--app", "benchmarks.conditions.rescue:onbeat"],
        cwd=CHECKOUT,
        env={**os.environ, "ONBEAT_DB": url, "ONBEAT_CONCURRENCY": str(slots)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def begun(notes: Path) -> list[tuple[str, int, float]]:
    """Job, process and moment of every attempt so far."""
    lines = notes.read_text().splitlines() if notes.exists() else []
    return [(job, int(pid), float(at)) for job, pid, at in map(str.split, lines)]


async def enqueue(url: str, count: int, notes: Path) -> None:
    """Ask for the jobs."""
    mine = Onbeat(url)
    task = mine.task(name=TASK)(hold)
    await mine.migrate()
    async with mine:
        await mine.enqueue_many(task.bind(str(notes)) for _ in range(count))


def until(notes: Path, count: int, seconds: float) -> None:
    """Wait for so many attempts."""
    give_up = time.monotonic() + seconds
    while len(begun(notes)) < count and time.monotonic() < give_up:
        time.sleep(0.1)
    assert len(begun(notes)) >= count, f"{len(begun(notes))} of {count} attempts"


def measure(url: str, *, kills: int) -> dict[str, Any]:
    """Kill `kills` workers; how long their jobs took to run again, in seconds."""
    killed_at: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        notes = Path(folder) / "notes"
        asyncio.run(enqueue(url, kills, notes))
        victims = [stack.enter_context(worker(url, 1)) for _ in range(kills)]
        until(notes, kills, 120)
        stack.enter_context(worker(url, 2 * kills))
        time.sleep(20)  # the survivor is up, and has reached the store for a term
        for victim in random.sample(victims, kills):
            killed_at[victim.pid] = time.time()
            victim.send_signal(signal.SIGKILL)
            time.sleep(random.random() * 2 * KILL_WITHIN / kills)
        until(notes, 2 * kills, 60)
        attempts = begun(notes)
    first = {job: pid for job, pid, _ in attempts[:kills]}
    waits = sorted(at - killed_at[first[job]] for job, _, at in attempts[kills:])
    return {
        "engine": url.partition(":")[0],
        "kills": kills,
        "median_s": waits[len(waits) // 2],
        "p99_s": waits[min(len(waits) - 1, int(len(waits) * 0.99))],
        "max_s": waits[-1],
        "wall_s": WALL,
    }


def main(kills: Annotated[int, typer.Option(help="How many workers are killed.")] = 20) -> None:
    """Measure on both engines; ends with 1 over the promised time."""
    results = []
    with tempfile.TemporaryDirectory() as folder, running_server(durable=True) as server:
        for url in (f"sqlite:///{folder}/rescue.db", server.create_database("rescue")):
            results.append(measure(url, kills=kills))
            print(results[-1], flush=True)
    raise typer.Exit(any(result["p99_s"] > WALL for result in results))


if __name__ == "__main__":
    typer.run(main)
