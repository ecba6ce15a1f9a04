"""The jobs of the chaos run that begin on conditions: limits, unique keys, a breaker, deadlines.

Each notes what it has while it runs, from its begin to its end, so that who reads the notes can
tell whether two ever had what only one may have.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from onbeat import Breaker, Limit, Retry, Run, Unique
from tests.chaos.effects import Word
from tests.chaos.tasks import LINE_EVERY, SOON, log, ob, say_so

SLOT = Limit("slot", concurrency=2, by="key")
SHARED = Limit("shared", concurrency=3)
PACE = Limit("pace", rate="4/s", burst=6)
NARROW = "narrow"
OF_QUEUE = f"queue/{NARROW}"
DEPENDENCY = Breaker("dependency", threshold=3, open_for="1s", probes=1)
WITHIN = 2.0
"""Seconds for which a key is had that is had for a time."""

MOST = {SLOT.name: 2, SHARED.name: 3, OF_QUEUE: 3}
"""Jobs at once under each limit, of each of its keys, as the code says."""

MOMENT = 0.05
"""Seconds that most of these take."""

PATIENT = Retry(1_000, base="100ms", cap="500ms")

ob.queue(NARROW, concurrency=MOST[OF_QUEUE])


def down() -> Path:
    """The dependency is down while this file is there."""
    return Path(os.environ["CHAOS_FOLDER"]) / "dependency-is-down"


@contextmanager
def noted(run: Run, *under: str, worker: int | None = None) -> Iterator[None]:
    """Note the begin and the end, however it ends, with what is had in between."""
    log.note(run, Word.BEGIN, under=under, worker=worker)
    try:
        yield
    except BaseException:
        log.note(run, Word.OVER, under=under, worker=worker)
        raise
    log.note(run, Word.END, under=under, worker=worker)


@ob.task(limits=SLOT)
async def hold(run: Run, key: str) -> int:
    """Hold a slot of a key, on the worker's loop."""
    with noted(run, f"slot:{key}"):
        await asyncio.sleep(MOMENT)
    return run.token


@ob.task(limits=SHARED)
def share(run: Run) -> int:
    """Hold a slot that others share, in a thread."""
    with noted(run, "shared:"):
        time.sleep(MOMENT)
    return run.token


@ob.task(limits=[SHARED, SLOT], isolate="process", retry=SOON)
def share_both(run: Run, key: str) -> int:
    """Hold both, in a process."""
    with noted(run, "shared:", f"slot:{key}", worker=os.getppid()):
        time.sleep(MOMENT)
    return run.token


@ob.task(limits=PACE)
async def pace(run: Run) -> int:
    """Begin no faster than so many in a second."""
    with noted(run, "pace:"):
        pass
    return run.token


@ob.task(queue=NARROW)
async def squeeze(run: Run) -> int:
    """Run in a queue that is bound as a whole."""
    with noted(run, f"{OF_QUEUE}:"):
        await asyncio.sleep(MOMENT)
    return run.token


@ob.task(unique=Unique(by=("key",)), retry=SOON)
async def alone(run: Run, key: str, failures: int) -> int:
    """Have a key until it ends, also while it waits to be tried again."""
    with noted(run, f"alone:{key}"):
        await asyncio.sleep(MOMENT)
        if run.attempt <= failures:
            raise ValueError(f"attempt {run.attempt} of {failures} that fail")
    return run.token


@ob.task(unique=Unique(by=("key",), on_conflict="replace"))
async def latest(run: Run, key: str) -> int:
    """Have a key until it ends, and take the place of who waits."""
    with noted(run, f"latest:{key}"):
        await asyncio.sleep(MOMENT)
    return run.token


@ob.task(unique=Unique(by=("key",), until="begun"))
async def one_waits(run: Run, key: str) -> int:
    """Have a key until it begins."""
    with noted(run, f"one_waits:{key}"):
        await asyncio.sleep(MOMENT)
    return run.token


@ob.task(unique=Unique(by=("key",), until="begun", on_conflict="replace"))
async def newest_waits(run: Run, key: str) -> int:
    """Have a key until it begins, and take the place of who waits."""
    with noted(run, f"newest_waits:{key}"):
        await asyncio.sleep(MOMENT)
    return run.token


@ob.task(unique=Unique(by=("key",), within=f"{WITHIN:g}s"))
async def seldom(run: Run, key: str) -> int:
    """Have a key for a time."""
    with noted(run, f"seldom:{key}"):
        pass
    return run.token


@ob.task(breakers=DEPENDENCY, retry=PATIENT)
async def call_out(run: Run) -> int:
    """Need a dependency that is down at times."""
    with noted(run, "dependency:"):
        await asyncio.sleep(MOMENT)
        if down().exists():
            raise ConnectionError("the dependency is down")
    return run.token


@ob.task
async def in_time(run: Run, by: float) -> int:
    """Be worth nothing when it has not begun by a moment."""
    with noted(run, f"by:{by:.6f}"):
        pass
    return run.token


@ob.task
async def dawdle(run: Run, seconds: float) -> int:
    """Go on until it is cancelled, or for long."""
    with noted(run):
        await asyncio.sleep(seconds)
    return run.token


@ob.task
def dawdle_in_thread(run: Run, seconds: float) -> int:
    """The same in a thread, which looks whether it is to stop."""
    with noted(run):
        over = time.monotonic() + seconds
        while time.monotonic() < over:
            time.sleep(LINE_EVERY)
            run.check()
    return run.token


@ob.task(isolate="process", retry=SOON)
def dawdle_in_process(run: Run, seconds: float) -> int:
    """The same in a process, which is ended."""
    return say_so(run, seconds)


@ob.task(retry=Retry(1))
async def topple(run: Run) -> int:
    """Fail at once, so that what waits for its success is called off."""
    with noted(run):
        raise PermissionError("never")
