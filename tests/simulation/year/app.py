"""What is called minute by minute: an application with schedules of every kind, in one process."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from onbeat import Onbeat, Retry, Run, cron, every, once
from onbeat.app.stores import Stores
from onbeat.domain.recurrence import Recurrence
from onbeat.settings import load_settings
from onbeat.store.store import Store
from onbeat.testing.shared_memory import URL
from onbeat.testing.virtual_time import current_process
from tests.chaos.effects import Word
from tests.simulation.tasks import Life

SETTINGS = load_settings({})
"""The same in every process, whatever this machine's environment says."""

TRIES = {"blink": 4, "work": 3, "doomed": 2}
"""Attempts that may fail, by task."""

FAILS = {"blink": 0.05, "work": 0.02, "doomed": 1.0}
"""How many of the attempts do."""

SECONDS = ((0.0, 2.0), (5.0, 12.0), (60.0, 80.0)), (85, 12, 3)
"""How long work takes, and how often which: the longest go on for longer than a call may."""


class OneStore(Stores):
    """The store that one process was given."""

    def __init__(self, store: Store) -> None:
        """Have it open."""
        super().__init__(URL)
        self._store = store

    def now(self) -> datetime:
        """Its time."""
        return self._store.timing.now()

    async def get(self) -> Store:
        """It."""
        return self._store


class App(Onbeat):
    """The application as one process has it."""

    def __init__(self, store: Store, begin: datetime, lasts: timedelta) -> None:
        """Work on `store`; schedules that end do so in the time from `begin` on."""
        super().__init__(URL, settings=SETTINGS)
        self._context.stores = OneStore(store)
        blink = self.task(name="blink", retry=Retry(TRIES["blink"], base="20s", cap="3m"))(_blink)
        work = self.task(name="work", retry=Retry(TRIES["work"], base="5s", cap="1m"))(_work)
        doomed = self.task(name="doomed", retry=Retry(TRIES["doomed"], base="10s"))(_doomed)
        for name, when, policies in _quick_ones(begin, lasts):
            self.schedule(when, name=name, **policies)(blink)  # type: ignore[arg-type] # by name
        for name, when, policies in _long_ones():
            self.schedule(when, name=name, **policies)(work)  # type: ignore[arg-type] # as above
        self.schedule(every("3h"), name="doomed")(doomed)


Declared = tuple[str, Recurrence, dict[str, object]]


def _quick_ones(begin: datetime, lasts: timedelta) -> list[Declared]:
    return [
        ("minutely", cron("* * * * *"), {}),
        ("all", every("5m"), {"catch_up": "all within 2h at most 20 every 5s", "overlap": "allow"}),
        ("none", cron("*/7 * * * *"), {"catch_up": "none", "overlap": "allow"}),
        ("first", every("20m"), {"catch_up": "first within 3h"}),
        ("paris", cron("30 2 * * *", tz="Europe/Paris"), {"catch_up": "all within 1d"}),
        ("new-york", cron("15 1-3 * * *", tz="America/New_York"), {"catch_up": "latest within 6h"}),
        ("spread", cron("0 * * * *"), {"jitter": "5m", "overlap": "allow"}),
        ("bounded", every("45m"), {"limit": 100, "catch_up": "all within 1d"}),
        ("ending", every("30m"), {"end": begin + 0.7 * lasts}),
        *((f"once-{n}", once(begin + n * lasts / 4), {}) for n in (1, 2, 3)),
    ]


def _long_ones() -> list[Declared]:
    return [
        ("office", cron("*/10 8-17 * * mon-fri", tz="Europe/London"), {"overlap": "buffer one"}),
        ("queueing", every("15m"), {"overlap": "buffer all"}),
        ("rests", every("10m", after_finish=True), {}),
    ]


async def _blink(run: Run) -> int:
    """Do nothing, and fail at times."""
    return await _do(run, "blink", _nothing)


async def _work(run: Run) -> int:
    """Take a while, of which each attempt has its own, and fail at times."""
    return await _do(run, "work", _take_a_while)


async def _doomed(run: Run) -> int:
    """Fail."""
    return await _do(run, "doomed", _nothing)


async def _do(run: Run, task: str, work: Callable[[random.Random], Awaitable[None]]) -> int:
    luck = random.Random(f"{run.job} {run.token}")
    _note(run, Word.BEGIN)
    await work(luck)
    if luck.random() < FAILS[task]:
        raise ConnectionError("what it needs is away")
    _note(run, Word.END)
    return run.token


async def _nothing(luck: random.Random) -> None:
    """Take no time."""


async def _take_a_while(luck: random.Random) -> None:
    [(least, most)] = luck.choices(*SECONDS)
    await asyncio.sleep(luck.uniform(least, most))


def _note(run: Run, word: Word) -> None:
    life = current_process()
    assert isinstance(life, Life)
    life.effects.note(life, run, word, None)
