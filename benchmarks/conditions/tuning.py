"""What the knobs that one turns first are worth: slots of a worker, and jobs asked for at once.

`python -m benchmarks.conditions.tuning`

Each round goes through all values, one after the other; each is told by its speed beside that of
the first in the same round, the median of the rounds. Absolute speeds are those of the machine.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Annotated

import typer

from benchmarks.places import Places
from onbeat import Onbeat, Run, Settings

WAITS_S = 0.02
"""How long a job waits that asks something of others."""

WORKS_S = 0.004
"""How long a job keeps the interpreter busy that computes."""

SLOTS = (1, 5, 10, 25, 50, 100, 200)
AT_ONCE = (1, 10, 100, 1_000, 5_000)
ENGINES = ("sqlite", "postgres")
SECONDS = 2.0
"""How long each value is given, about."""


@dataclass
class Knob:
    """One thing that is turned: what each of its values comes to, round by round."""

    name: str
    values: Sequence[int]
    speeds: dict[int, list[float]] = field(default_factory=dict)

    def told(self) -> str:
        """A row for each value: jobs a second, and beside the first."""
        rows = [f"{self.name}\n  value   jobs/s   of the first"]
        first = self.speeds[self.values[0]]
        for value in self.values:
            speeds = self.speeds[value]
            share = statistics.median(
                each / beside for each, beside in zip(speeds, first, strict=True)
            )
            rows.append(f"  {value:>5} {statistics.median(speeds):>8,.0f} {share:>8.1f}")
        return "\n".join(rows)


async def _drained(url: str, slots: int, kind: str) -> float:
    """Jobs a second of one worker in this process that has so many slots."""
    ob = Onbeat(url, settings=Settings(db=url, concurrency=slots))
    left, done = 0, asyncio.Event()
    loop = asyncio.get_running_loop()

    def count() -> None:
        nonlocal left
        left -= 1
        if not left:
            done.set()

    @ob.task
    async def waits(run: Run) -> None:
        await asyncio.sleep(WAITS_S)
        count()

    @ob.task
    def works(run: Run) -> None:
        until = time.thread_time() + WORKS_S
        while time.thread_time() < until:
            pass
        loop.call_soon_threadsafe(count)

    each = WAITS_S / slots if kind == "waits" else WORKS_S
    left = min(4_000, max(20, int(SECONDS / each)))
    calls = [waits.bind() if kind == "waits" else works.bind() for _ in range(left)]
    await ob.migrate()
    async with ob:
        await ob.enqueue_many(calls)
        count_of_all, began = left, time.perf_counter()
        async with ob.running(scheduler=False):
            await done.wait()
            return count_of_all / (time.perf_counter() - began)


async def _enqueued(url: str, at_once: int) -> float:
    """Jobs a second that are asked for, so many in a call."""
    ob = Onbeat(url, settings=Settings(db=url))

    @ob.task
    async def nothing() -> None: ...

    await ob.migrate()
    async with ob:
        jobs, began = 0, time.perf_counter()
        while (passed := time.perf_counter() - began) < SECONDS:
            await ob.enqueue_many([nothing.bind() for _ in range(at_once)])
            jobs += at_once
        return jobs / passed


def _round(places: Places, engine: str, knobs: Sequence[Knob]) -> None:
    slots_waiting, slots_working, at_once = knobs
    for knob, kind in ((slots_waiting, "waits"), (slots_working, "works")):
        for value in knob.values:
            with places.empty(engine) as url:
                speed = asyncio.run(_drained(url, value, kind))
            knob.speeds.setdefault(value, []).append(speed)
    for value in at_once.values:
        with places.empty(engine) as url:
            at_once.speeds.setdefault(value, []).append(asyncio.run(_enqueued(url, value)))


def main(
    rounds: Annotated[int, typer.Option(help="How often each is measured.")] = 3,
    engine: Annotated[list[str] | None, typer.Option(help="On which.")] = None,
) -> None:
    """Turn each knob on each engine, and tell what it is worth."""
    with ExitStack() as stack:
        places = Places(stack)
        for each in engine or ENGINES:
            knobs = (
                Knob(f"{each}: slots, jobs that wait for {WAITS_S * 1000:.0f} ms", SLOTS),
                Knob(f"{each}: slots, jobs that compute for {WORKS_S * 1000:.0f} ms", (1, 2, 10)),
                Knob(f"{each}: jobs enqueued in a call", AT_ONCE),
            )
            for _ in range(rounds):
                _round(places, each, knobs)
            print("\n".join(knob.told() for knob in knobs), flush=True)


if __name__ == "__main__":
    typer.run(main)
