"""How long after `kill -9` of an instance of a service each of its keys is run by another.

`python -m benchmarks.conditions.shares`

Some instances of one service share its keys out, and run each once a second. One after the other is
killed at a random moment, and a new one takes its place.
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
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from tests.servers.postgres import running_server

from benchmarks.conditions.rescue import until
from onbeat import Onbeat, PartitionedService, every

CHECKOUT = Path(__file__).parents[2]
WALL = 10.0
"""What is promised: seconds."""

INSTANCES = 5
KEYS = tuple(f"company-{number}" for number in range(20))
NOTES = "ONBEAT_BENCH_NOTES"


class Noting(PartitionedService):
    """Writes down who ran which key, and when."""

    async def keys(self) -> tuple[str, ...]:
        return KEYS

    async def run_key(self, key: str) -> None:
        note(key)


def note(key: str) -> None:
    """Write down that it is run."""
    with Path(os.environ[NOTES]).open("a") as file:
        file.write(f"{key} {os.getpid()} {time.time()}\n")


onbeat = Onbeat()
onbeat.service(lambda store: Noting(store, id="noting", when=every("1s")))


@contextmanager
def instance(url: str, notes: Path) -> Iterator[subprocess.Popen[bytes]]:
    """One, as a user would start it."""
    app = "benchmarks.conditions.shares:onbeat"
    started = subprocess.Popen(
        [sys.executable, "-m", "onbeat", "run", "noting", "--app", app],
        cwd=CHECKOUT, env={**os.environ, "ONBEAT_DB": url, NOTES: str(notes)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield started
    finally:
        started.kill()
        started.wait()


def runs(notes: Path) -> list[tuple[str, int, float]]:
    """Key, process and moment of every run so far."""
    lines = notes.read_text().split("\n")[:-1] if notes.exists() else []
    return [(key, int(pid), float(at)) for key, pid, at in map(str.split, lines)]


def holders(notes: Path) -> dict[str, int]:
    """Who ran each key last."""
    return {key: pid for key, pid, _ in runs(notes)}


def are_even(notes: Path, alive: list[int]) -> bool:
    """Whether each instance has as many keys as the others."""
    held = list(holders(notes).values())
    return all(held.count(pid) == len(KEYS) // INSTANCES for pid in alive)


def measure(url: str, *, kills: int) -> dict[str, Any]:
    """Kill `kills` instances; how long it took until others ran their keys, in seconds."""
    waits: list[float] = []
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        notes = Path(folder) / "notes"
        asyncio.run(Onbeat(url).migrate())
        start = partial(instance, url, notes)
        alive = [stack.enter_context(start()) for _ in range(INSTANCES)]
        for number in range(kills):
            until(lambda: are_even(notes, [each.pid for each in alive]), 60, "even share")
            time.sleep(random.random() * 2)
            victim = alive.pop(random.randrange(INSTANCES))
            lost = {key for key, pid in holders(notes).items() if pid == victim.pid}
            victim.send_signal(signal.SIGKILL)
            at = time.time()
            taken = partial(taken_at, notes, lost, victim.pid, at)
            until(lambda: taken().keys() == lost, 60, "run of all its keys")  # noqa: B023
            waits += [moment - at for moment in taken().values()]
            alive.append(stack.enter_context(start()))
            print(f"killed {number + 1} of {kills}", file=sys.stderr, flush=True)
    waits.sort()
    return {
        "engine": url.partition(":")[0], "kills": kills, "keys": len(waits),
        "median_s": waits[len(waits) // 2], "max_s": waits[-1], "wall_s": WALL,
    }  # fmt: skip


def taken_at(notes: Path, lost: set[str], killed: int, at: float) -> dict[str, float]:
    """When another first ran each of the keys after that moment."""
    found: dict[str, float] = {}
    for key, pid, moment in runs(notes):
        if key in lost and pid != killed and moment > at:
            found.setdefault(key, moment)
    return found


def main(kills: Annotated[int, typer.Option(help="How many instances are killed.")] = 20) -> None:
    """Measure on both engines; ends with 1 over the promised time."""
    results = []
    with tempfile.TemporaryDirectory() as folder, running_server(durable=True) as server:
        for url in (f"sqlite:///{folder}/shares.db", server.create_database("shares")):
            results.append(measure(url, kills=kills))
            print(results[-1], flush=True)
    raise typer.Exit(any(result["max_s"] > WALL for result in results))


if __name__ == "__main__":
    typer.run(main)
