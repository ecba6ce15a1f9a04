"""A client that asks for jobs and notes what it was answered: `python -m tests.chaos.client`.

It may be killed at any moment and started again: it reads in its own notes how far it was. Which
jobs are asked for follows from the seed alone.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import random
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from onbeat.app.calls import Call
from onbeat.domain.errors import StoreError
from onbeat.domain.jobs import NewJob
from onbeat.store.store import Store
from tests.chaos.app import SET_PARENT_DEATH_SIGNAL
from tests.chaos.tasks import (
    blink,
    breed,
    crunch,
    grind,
    linger,
    ob,
    poison,
    stroll,
    stumble,
)
from tests.chaos.wishes import Diary, Wisher, calls, enqueue

T = TypeVar("T")

LARGEST_BATCH = 20
CONDITIONED = 0.5
"""After how many of the batches one of jobs on conditions is asked for."""

DEEDS = 0.25
"""After how many of them something else is done."""

AGAIN = 0.5
"""How many of the batches whose answer did not come are asked for once more, with the same ids."""


@dataclass(frozen=True)
class Wish:
    """How many jobs, how fast, and from which seed."""

    jobs: int
    rate: float
    """Jobs a second."""
    seed: int
    longest: float
    """Seconds of the longest jobs."""
    poison_every: int


def call_of(number: int, wish: Wish) -> Call[Any]:
    """What the job of that number does."""
    if number % wish.poison_every == wish.poison_every // 2:
        return poison.bind()
    luck = random.Random(f"{wish.seed}-{number}")
    seconds = luck.uniform(0.3, 1.0) * wish.longest
    kinds: list[tuple[float, Call[Any]]] = [
        (0.6, blink.bind()),
        (0.12, stroll.bind()),
        (0.06, crunch.bind()),
        (0.01, grind.bind(seconds)),
        (0.01, linger.bind(seconds)),
        (0.1, stumble.bind(luck.randint(1, 5))),
        (0.1, breed.bind(luck.randint(1, 2))),
    ]
    [(_, call)] = luck.choices(kinds, [weight for weight, _ in kinds])
    return call


class Notes:
    """The client's own log; a line is written at once."""

    def __init__(self, path: Path) -> None:
        """Write to `path`."""
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def write(self, word: str, jobs: Iterable[NewJob]) -> None:
        """A line for each job."""
        os.write(self._file, "".join(f"{word} {job.id} {job.task}\n" for job in jobs).encode())


async def main(wish: Wish, path: Path) -> None:
    """Ask until all is asked for."""
    done = sum(line.startswith("plan ") for line in _lines(path))
    notes = Notes(path)
    luck = random.Random(f"{wish.seed}-client-{done}")
    began = time.monotonic()
    first = done
    diary = Diary(path.with_name("diary"))
    wisher = Wisher(diary, luck)
    async with ob:
        store = await ob.store()
        while done < wish.jobs:
            size = min(luck.randint(1, LARGEST_BATCH), wish.jobs - done)
            await _ask(store, notes, luck, _batch(store, wish, luck, done, size))
            if luck.random() < CONDITIONED:
                await _ask_on_conditions(store, notes, diary, luck)
            if luck.random() < DEEDS:
                await wisher.do_something()
            done += size
            await asyncio.sleep(max(0, began + (done - first) / wish.rate - time.monotonic()))


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def _batch(store: Store, wish: Wish, luck: random.Random, done: int, size: int) -> list[NewJob]:
    batch = []
    for number in range(done, done + size):
        job = call_of(number, wish).new_job(store.new_id())
        delay = timedelta(seconds=luck.uniform(0.1, 1)) if luck.random() < 0.1 else None
        priority = luck.choice([5, 5, 5, 8])
        batch.append(msgspec.structs.replace(job, priority=priority, delay=delay))
    return batch


async def _ask(store: Store, notes: Notes, luck: random.Random, batch: list[NewJob]) -> None:
    notes.write("plan", batch)
    if await _insist(notes, luck, batch, partial(store.enqueue, batch)) is not None:
        notes.write("ok", batch)


async def _insist(
    notes: Notes, luck: random.Random, batch: list[NewJob], once: Callable[[], Awaitable[T]]
) -> T | None:
    """Store the batch, and where that is not known perhaps once more; None where it stays so."""
    for left in (1, 0):
        try:
            return await once()
        except StoreError:
            notes.write("unsure", batch)
            if not left or luck.random() > AGAIN:
                return None
            await asyncio.sleep(0.2)
    return None


async def _ask_on_conditions(at: Store, notes: Notes, diary: Diary, luck: random.Random) -> None:
    """The same for jobs that may be refused, and what was answered in the diary too."""
    made = [(call.new_job(at.new_id()), key) for call, key in calls(luck, luck.randint(2, 12))]
    batch, began = [job for job, _ in made], time.monotonic()
    notes.write("ask", batch)
    refused = await _insist(notes, luck, batch, partial(enqueue, at, batch))
    if refused is None:
        return
    notes.write("ok", (job for job in batch if job.id not in refused))
    notes.write("refused", (job for job in batch if job.id in refused))
    diary.write("asked", jobs={job.id: key for job, key in made}, task=batch[0].task,
                refused=refused, began=began, answered=time.monotonic())  # fmt: skip


if __name__ == "__main__":
    ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    jobs, rate, seed, longest, every, notes_path = sys.argv[1:]
    asyncio.run(
        main(Wish(int(jobs), float(rate), int(seed), float(longest), int(every)), Path(notes_path))
    )
