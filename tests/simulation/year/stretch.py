"""A stretch of minutes with a call in each, nearly: faults from a seed; then calm; then laws."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TextIO

from sqlalchemy import select

from onbeat.store import schedules
from onbeat.store.column_types import to_micros
from onbeat.store.schema import finished, occurrences
from onbeat.store.verify.walk import verify
from onbeat.testing.shared_memory import SharedMemory
from onbeat.testing.virtual_time import VirtualLoop, VirtualTiming
from tests.chaos.findings import Finding
from tests.chaos.history import History, read_record
from tests.simulation.net import Net, Weather
from tests.simulation.run import Verdict, handlers_kept
from tests.simulation.trace import Trace
from tests.simulation.year.app import App
from tests.simulation.year.host import Host
from tests.simulation.year.laws import Record, Row, check

MINUTE = timedelta(minutes=1)

TWICE, LATE = 0.02, 0.02
"""How many calls come once more, or late."""

WEATHER = Weather(lost=0.0002, reply_lost=0.0002)

GAPS, GAP_WEIGHTS = ((2, 10), (10, 120), (120, 1440)), (10, 4, 1)
"""Minutes that a gap between calls lasts, and how often which."""

CALM = 20
"""Minutes in which all goes well, at the end."""

ENDS_IN = 90
"""And in which then every job must end."""

FORGOTTEN_AFTER = timedelta(minutes=5)
"""After which nothing of a session that ended is kept, while calls come."""

PLACES = ("delayed", "ready", "blocked", "leases")


@dataclass(frozen=True)
class Wanted:
    """What is to be simulated."""

    seed: int
    begin: datetime
    minutes: int
    gap_every: float = 1500.0
    """Minutes between two gaps, on average."""
    roughness: float = 1.0
    """How much more often than in a year anything else goes wrong."""


def simulate(wanted: Wanted, out: TextIO | None = None) -> Verdict:
    """Run all that follows from the seed; write the trace to `out`."""
    with handlers_kept():
        stretch = Stretch(wanted, out)
        try:
            return stretch.loop.run_until_complete(stretch.go())
        finally:
            stretch.end()


class Stretch:
    """The run of one seed."""

    def __init__(self, wanted: Wanted, out: TextIO | None) -> None:
        """Prepare everything; nothing happens yet."""
        self._wanted = wanted
        seed = wanted.seed
        self._luck = random.Random(f"{seed} minutes")
        self.loop = VirtualLoop(random.Random(f"{seed} order"))
        self._trace = Trace(self.loop.time, out)
        self._clock = VirtualTiming(self.loop, wanted.begin)
        self._database = SharedMemory(self._clock)
        self._net = Net(self.loop, self._database, random.Random(f"{seed} net"), self._trace)
        lasts = wanted.minutes * MINUTE
        self._host = Host(
            self.loop, self._net, self._trace, random.Random(f"{seed} host"),
            lambda store: App(store, wanted.begin, lasts), wanted.roughness,
        )  # fmt: skip
        self._complaints: list[Finding] = []
        self._absent = 0

    async def go(self) -> Verdict:
        """Do it all."""
        self._host.call()  # which makes the schedules
        await self._until_minute(1)
        self._host.is_calm = False
        self._net.weather = WEATHER
        await self._call_each_minute()
        self._host.calm()
        first = self._wanted.minutes
        for minute in range(first, first + CALM):
            await self._until_minute(minute)
            self._host.call()
        until = self._clock.now()
        await asyncio.sleep(30)
        self._pause_all()
        await self._call_until_all_ended(first + CALM)
        return await self._judge(until)

    def end(self) -> None:
        """Let go of everything."""
        self._net.is_over = True
        self.loop.end()
        self._database.close()

    async def _call_each_minute(self) -> None:
        luck, silent_until, rough = self._luck, 0, self._wanted.roughness
        for minute in range(1, self._wanted.minutes):
            await self._until_minute(minute)
            if minute >= silent_until and luck.random() < 1 / self._wanted.gap_every:
                [(least, most)] = luck.choices(GAPS, GAP_WEIGHTS)
                silent_until = minute + luck.randint(least, most)
            if minute < silent_until:
                self._absent += 1
                continue
            for _ in range(1 + (luck.random() < rough * TWICE)):
                is_late = luck.random() < rough * LATE
                seconds = luck.uniform(20, 150) if is_late else luck.uniform(0, 3)
                self.loop.call_later(seconds, self._host.call)

    async def _until_minute(self, minute: int) -> None:
        await asyncio.sleep(60.0 * minute - self.loop.time())

    def _pause_all(self) -> None:
        self._schedules = self._do(lambda hands: [
            schedules.find(hands.core, self._clock.now(), name)
            for (name,) in hands.raw.execute("SELECT name FROM onbeat_schedules").fetchall()
        ])  # fmt: skip
        for each in self._schedules:
            self._do(partial(_pause, now=self._clock.now(), name=each.name))

    async def _call_until_all_ended(self, minute: int) -> None:
        for number in range(minute + 1, minute + 1 + ENDS_IN):
            await self._until_minute(number)
            self._host.call()
            await asyncio.sleep(50)
            if not self._left():
                break
        left, old = self._left(), self._sessions_of_long_ago()
        self._complaints += [Finding("nothing is left leased or stuck", each) for each in left]
        self._complaints += [Finding("what has ended is forgotten", each) for each in old]

    def _sessions_of_long_ago(self) -> list[str]:
        """Sessions that ended long before the last calls, and are still on record."""
        before = to_micros(self._clock.now() - FORGOTTEN_AFTER)
        return [
            f"session {session}"
            for (session,) in self._rows(
                f"SELECT id FROM onbeat_sessions WHERE ended_at < {before}"  # noqa: S608 - a number
            )
        ]

    def _left(self) -> list[str]:
        """Jobs that have not ended."""
        return [
            f"{job} in {place}"
            for place in PLACES
            for (job,) in self._rows(f"SELECT job FROM onbeat_{place}")  # noqa: S608 - from here
        ]

    def _rows(self, query: str) -> list[Any]:
        found: list[Any] = self._do(lambda hands: hands.raw.execute(query).fetchall())
        return found

    def _do(self, work: Callable[[Any], Any]) -> Any:
        return self._database.do(work)

    async def _judge(self, until: datetime) -> Verdict:
        history = History(effects=self._host.effects.all)
        self._do(lambda hands: read_record(hands.core, history))
        report = await verify(self._database.store())
        history.breaches = [f"{each.law.name} {each.subject} {each.detail}"
                            for each in report.breaches]  # fmt: skip
        record = Record(
            history, self._schedules, self._ledger(), self._host.calls, until, self._ends()
        )
        found = [*self._complaints, *check(record)]
        return Verdict(
            self._wanted.seed, self._trace.hash, found, list(self._trace.last),
            self._figures(history),
        )  # fmt: skip

    def _ledger(self) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {}
        query = select(occurrences).order_by(occurrences.c.due_at)
        for row in self._do(lambda hands: hands.core.execute(query).all()):
            through = row.through_at or row.due_at
            made = Row(row.due_at, through, row.outcome, row.job, row.reason)
            found.setdefault(row.schedule, []).append(made)
        return found

    def _ends(self) -> dict[str, datetime]:
        query = select(finished.c.job, finished.c.finished_at)
        return dict(self._do(lambda hands: [tuple(row) for row in hands.core.execute(query)]))

    def _figures(self, history: History) -> Counter[str]:
        figures = Counter(f"attempts {each.outcome}" for each in history.attempts)
        figures += Counter(f"moments {each.outcome}" for each in history.ledger)
        figures += Counter(f"jobs {each.outcome}" for each in history.ends)
        figures += self._host.count
        minutes = int(self.loop.time() // 60)
        return figures + Counter({"minutes": minutes, "minutes without a call": self._absent})


def _pause(hands: Any, *, now: datetime, name: str) -> None:
    schedules.pause(hands.core, now, name, "the judge")
