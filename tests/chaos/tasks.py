"""The jobs of the chaos run: each notes what it does, and gives back the token it ran under."""

from __future__ import annotations

import asyncio
import os
import signal
import time

from onbeat import Onbeat, Retry, Run
from onbeat.domain.errors import StoreError
from tests.chaos.effects import EffectLog, Word

ob = Onbeat(name="chaos")
log = EffectLog()

SOON = Retry(4, base="100ms", cap="500ms")
LINE_EVERY = 0.1


@ob.task
async def blink(run: Run) -> int:
    """Do nothing, on the worker's loop."""
    log.note(run, Word.BEGIN)
    log.note(run, Word.END)
    return run.token


@ob.task
def stroll(run: Run) -> int:
    """Take a moment in a thread."""
    log.note(run, Word.BEGIN)
    time.sleep(0.005)
    log.note(run, Word.END)
    return run.token


@ob.task(isolate="process", retry=SOON)
def crunch(run: Run) -> int:
    """Take a moment in a process."""
    worker = os.getppid()
    log.note(run, Word.BEGIN, worker=worker)
    log.note(run, Word.END, worker=worker)
    return run.token


@ob.task(isolate="process", retry=SOON)
def grind(run: Run, seconds: float) -> int:
    """Go on for longer than a lease in a process, and say so all the time."""
    return say_so(run, seconds)


def say_so(run: Run, seconds: float) -> int:
    """Go on in a process, and note it all the time."""
    worker = os.getppid()
    log.note(run, Word.BEGIN, worker=worker)
    over = time.monotonic() + seconds
    while time.monotonic() < over:
        time.sleep(LINE_EVERY)
        log.note(run, Word.LINE, worker=worker)
    log.note(run, Word.END, worker=worker)
    return run.token


@ob.task
async def linger(run: Run, seconds: float) -> int:
    """Go on for longer than a lease on the worker's loop."""
    log.note(run, Word.BEGIN)
    over = time.monotonic() + seconds
    while time.monotonic() < over:  # noqa: ASYNC110 - it is what it does
        await asyncio.sleep(LINE_EVERY)
    log.note(run, Word.END)
    return run.token


@ob.task(retry=SOON)
async def stumble(run: Run, failures: int) -> int:
    """Fail so many times before it succeeds."""
    log.note(run, Word.BEGIN)
    if run.attempt <= failures:
        raise ValueError(f"attempt {run.attempt} of {failures} that fail")
    log.note(run, Word.END)
    return run.token


@ob.task
async def breed(run: Run, count: int) -> int:
    """Ask for other jobs, and note each with what became of the asking."""
    log.note(run, Word.BEGIN)
    for _ in range(count):
        store = await ob.store()
        job = blink.bind().new_job(store.new_id())
        log.note(run, Word.UNSURE, job.id)
        try:
            await store.enqueue([job])
        except StoreError:
            continue
        log.note(run, Word.ASKED, job.id)
    log.note(run, Word.END)
    return run.token


@ob.task
async def poison(run: Run) -> None:
    """Kill the worker, each time."""
    log.note(run, Word.BEGIN)
    os.kill(os.getpid(), signal.SIGKILL)


@ob.task
async def beat(run: Run) -> int:
    """What schedules make."""
    log.note(run, Word.BEGIN)
    log.note(run, Word.END)
    return run.token
