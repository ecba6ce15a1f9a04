"""The jobs of a simulation: each notes what it does, and gives back the token it ran under."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from onbeat import Breaker, Limit, Retry, Run, Snooze
from onbeat.domain.errors import StoreError
from onbeat.domain.jobs import NewJob
from onbeat.runtime.tasks import Definition, Registry, define
from onbeat.store.column_types import to_micros
from onbeat.store.store import Store
from onbeat.testing.virtual_time import Process, VirtualLoop, current_process
from tests.chaos.effects import Effect, Word
from tests.simulation.trace import Trace

SOON = Retry(4, base="300ms", cap="2s")
LINE_EVERY = 1.0

TIMEOUT = timedelta(seconds=2)

AT_ONCE, BURST, INTERVAL, PROBES = 2, 2, 1.5, 1
POOL = Limit("pool", concurrency=AT_ONCE)
PACE = Limit("pace", rate="4/6s", burst=BURST)
BANK = Breaker("bank", threshold=3, open_for="3s", probes=PROBES)
CALL_TRIES = 6
CALL_AGAIN = Retry(CALL_TRIES, base="300ms", cap="2s")


class Effects:
    """What jobs did, in the order it happened."""

    def __init__(self, loop: VirtualLoop, trace: Trace) -> None:
        """Note the loop's time."""
        self._loop = loop
        self._trace = trace
        self.all: list[Effect] = []
        self.bank_is_down = False
        """Whether what some jobs depend on fails."""

    def note(self, life: Life, run: Run, word: Word, other: str | None) -> None:
        """Add one."""
        occurrence = None if run.occurrence_at is None else to_micros(run.occurrence_at)
        self.all.append(
            Effect(
                word, run.job, run.token, life.number, self._loop.time(), attempt=run.attempt,
                occurrence=occurrence, other=other,
            )
        )  # fmt: skip
        self._trace.add(life.name, f"{word} {run.job} token {run.token} attempt {run.attempt}")


class Life(Process):
    """One process of a node, until it ends or is killed."""

    def __init__(self, name: str, number: int, effects: Effects, store: Store) -> None:
        """The life of that `number` in the run, of the node called `name`."""
        super().__init__(name)
        self.number = number
        self.effects = effects
        self.store = store


def _life() -> Life:
    life = current_process()
    assert isinstance(life, Life)
    return life


def _note(run: Run, word: Word, other: str | None = None) -> None:
    life = _life()
    life.effects.note(life, run, word, other)


async def blink(run: Run) -> int:
    """Do nothing."""
    _note(run, Word.BEGIN)
    _note(run, Word.END)
    return run.token


async def linger(run: Run, seconds: float) -> int:
    """Go on for so long, and say so all the time."""
    _note(run, Word.BEGIN)
    while seconds > 0:
        await asyncio.sleep(min(seconds, LINE_EVERY))
        seconds -= LINE_EVERY
        _note(run, Word.LINE)
    _note(run, Word.END)
    return run.token


async def beat(run: Run, seconds: float) -> int:
    """Do what schedules make."""
    return await linger(run, seconds)


async def swim(run: Run, seconds: float) -> int:
    """Go on for so long, a few at once."""
    return await linger(run, seconds)


async def alone(run: Run, seconds: float) -> int:
    """Go on for so long, and ask to be run again every other time; alone with its key."""
    _note(run, Word.BEGIN)
    await asyncio.sleep(seconds)
    _note(run, Word.LINE)
    if run.token % 2:
        raise Snooze(timedelta(seconds=seconds))
    _note(run, Word.END)
    return run.token


async def pace(run: Run) -> int:
    """Do nothing, not too often."""
    return await blink(run)


async def call(run: Run, seconds: float) -> int:
    """Ask the bank, which takes so long, and may be down."""
    _note(run, Word.BEGIN)
    await asyncio.sleep(seconds)
    if _life().effects.bank_is_down:
        raise ConnectionError("the bank is down")
    _note(run, Word.END)
    return run.token


async def flop(run: Run) -> int:
    """Fail."""
    _note(run, Word.BEGIN)
    raise ValueError("it always does")


async def stumble(run: Run, failures: int) -> int:
    """Fail so many times before it succeeds."""
    _note(run, Word.BEGIN)
    await asyncio.sleep(0.1)
    if run.attempt <= failures:
        raise ValueError(f"attempt {run.attempt} of {failures} that fail")
    _note(run, Word.END)
    return run.token


async def overrun(run: Run, overruns: int) -> int:
    """Take longer than its timeout, so many times."""
    _note(run, Word.BEGIN)
    await asyncio.sleep(30.0 if run.attempt <= overruns else 0.5)
    _note(run, Word.END)
    return run.token


async def doze(run: Run, seconds: float) -> int:
    """Ask to be run again later, every other time."""
    _note(run, Word.BEGIN)
    if run.token % 2:
        raise Snooze(timedelta(seconds=seconds))
    _note(run, Word.END)
    return run.token


async def breed(run: Run) -> int:
    """Ask for another job, and note what became of the asking."""
    _note(run, Word.BEGIN)
    store = _life().store
    job = NewJob(id=store.new_id(), task="blink")
    _note(run, Word.UNSURE, job.id)
    try:
        await store.enqueue([job])
    except StoreError:
        pass
    else:
        _note(run, Word.ASKED, job.id)
    _note(run, Word.END)
    return run.token


def _registry() -> Registry:
    registry = Registry()
    for function in (blink, linger, doze, breed, beat, flop):
        registry.add(_define(function))
    registry.add(_define(swim, limits=(POOL,)))
    registry.add(_define(pace, limits=(PACE,)))
    registry.add(_define(alone))
    registry.add(_define(call, retry=CALL_AGAIN, breakers=(BANK,)))
    registry.add(_define(stumble, retry=SOON))
    registry.add(_define(overrun, retry=SOON, timeout=TIMEOUT))
    return registry


def _define(function: Callable[..., Any], retry: Retry | None = None, **options: Any) -> Definition:
    return define(
        function, name=function.__name__, queue="default", priority=5, retry=retry or Retry(),
        isolate=None, **{"timeout": None, **options},
    )  # fmt: skip


REGISTRY = _registry()
"""All of them."""
