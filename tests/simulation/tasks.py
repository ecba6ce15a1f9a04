"""The jobs of a simulation: each notes what it does, and gives back the token it ran under."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from onbeat import Retry, Run, Snooze
from onbeat.domain.errors import StoreError
from onbeat.domain.jobs import NewJob
from onbeat.runtime.tasks import Definition, Registry, define
from onbeat.store.column_types import to_micros
from onbeat.store.store import Store
from onbeat.testing.virtual_time import VirtualLoop
from tests.chaos.effects import Effect, Word
from tests.simulation.trace import Trace

SOON = Retry(4, base="1s", cap="5s")
LINE_EVERY = 1.0

TIMEOUT = timedelta(seconds=5)

Work = Callable[..., Awaitable[int]]


class Effects:
    """What jobs did, in the order it happened."""

    def __init__(self, loop: VirtualLoop, trace: Trace) -> None:
        """Note the loop's time."""
        self._loop = loop
        self._trace = trace
        self.all: list[Effect] = []

    def note(self, node: str, life: int, run: Run, word: Word, other: str | None = None) -> None:
        """Add one, of the node's life of that number."""
        occurrence = None if run.occurrence_at is None else to_micros(run.occurrence_at)
        self.all.append(
            Effect(
                word, run.job, run.token, life, self._loop.time(), attempt=run.attempt,
                occurrence=occurrence, other=other,
            )
        )  # fmt: skip
        self._trace.add(node, f"{word} {run.job} token {run.token} attempt {run.attempt}")


class Tasks:
    """The tasks as one node's life knows them."""

    def __init__(self, name: str, life: int, effects: Effects, store: Store) -> None:
        """Note into `effects`, as `life` of the node called `name`, which works on `store`."""
        self._name = name
        self._life = life
        self._effects = effects
        self._store = store

    def registry(self) -> Registry:
        """All of them."""
        registry = Registry()
        for function, options in (
            (self.blink, {}),
            (self.linger, {}),
            (self.stumble, {"retry": SOON}),
            (self.overrun, {"retry": SOON, "timeout": TIMEOUT}),
            (self.doze, {}),
            (self.breed, {}),
            (self.beat, {}),
        ):
            registry.add(_define(function, **options))  # type: ignore[arg-type]
        return registry

    def _note(self, run: Run, word: Word, other: str | None = None) -> None:
        self._effects.note(self._name, self._life, run, word, other)

    async def blink(self, run: Run) -> int:
        """Do nothing."""
        self._note(run, Word.BEGIN)
        self._note(run, Word.END)
        return run.token

    async def linger(self, run: Run, seconds: float) -> int:
        """Go on for so long, and say so all the time."""
        self._note(run, Word.BEGIN)
        while seconds > 0:
            await asyncio.sleep(min(seconds, LINE_EVERY))
            seconds -= LINE_EVERY
            self._note(run, Word.LINE)
        self._note(run, Word.END)
        return run.token

    async def beat(self, run: Run, seconds: float) -> int:
        """Do what schedules make."""
        return await self.linger(run, seconds)

    async def stumble(self, run: Run, failures: int) -> int:
        """Fail so many times before it succeeds."""
        self._note(run, Word.BEGIN)
        await asyncio.sleep(0.1)
        if run.attempt <= failures:
            raise ValueError(f"attempt {run.attempt} of {failures} that fail")
        self._note(run, Word.END)
        return run.token

    async def overrun(self, run: Run, overruns: int) -> int:
        """Take longer than its timeout, so many times."""
        self._note(run, Word.BEGIN)
        await asyncio.sleep(60.0 if run.attempt <= overruns else 1.0)
        self._note(run, Word.END)
        return run.token

    async def doze(self, run: Run, seconds: float) -> int:
        """Ask to be run again later, every other time."""
        self._note(run, Word.BEGIN)
        if run.token % 2:
            raise Snooze(timedelta(seconds=seconds))
        self._note(run, Word.END)
        return run.token

    async def breed(self, run: Run) -> int:
        """Ask for another job, and note what became of the asking."""
        self._note(run, Word.BEGIN)
        job = NewJob(id=self._store.new_id(), task="blink")
        self._note(run, Word.UNSURE, job.id)
        try:
            await self._store.enqueue([job])
        except StoreError:
            pass
        else:
            self._note(run, Word.ASKED, job.id)
        self._note(run, Word.END)
        return run.token


def _define(
    function: Work, retry: Retry | None = None, timeout: timedelta | None = None
) -> Definition:
    return define(
        function, name=function.__name__, queue="default", priority=5, timeout=timeout,
        retry=retry or Retry(), isolate=None,
    )  # fmt: skip
