"""One run: start everything, let faults happen, let it calm down, and judge."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, func, select

from onbeat import cron, every
from onbeat.domain.errors import NotFound, StoreError
from onbeat.domain.jobs import HIGHEST_PRIORITY
from onbeat.domain.recurrence import Recurrence
from onbeat.domain.schedules import Overlap, Schedule
from onbeat.store import schedules
from onbeat.store.opening import open_store
from onbeat.store.schema import blocked, delayed, finished, leases, occurrences, ready
from onbeat.store.schema_state import migrate
from onbeat.store.store import Work
from onbeat.store.verify.walk import verify
from tests.chaos import processes
from tests.chaos.checker import SET_ASIDE, check
from tests.chaos.client import Wish
from tests.chaos.condition_judges import figures as condition_figures
from tests.chaos.effects import Word, read_effects
from tests.chaos.faults import Ground, strike
from tests.chaos.findings import Finding
from tests.chaos.fleet import LOOK_EVERY, Fleet
from tests.chaos.history import History, read_answers, read_diary, read_heard, read_record
from tests.factories import new_id
from tests.servers.postgres import PostgresServer

CALM_SECONDS = 180.0
"""How long everything may take to end after the last fault."""

LEFT_SECONDS = 5.0
"""How long processes may take to be gone after those that started them."""

SLOWEST = 6
"""How many times as long as without faults a run may take."""

CALM_SHARE = 0.9
"""Faults happen until so much of what was asked for has ended."""

BEATS: dict[str, tuple[Recurrence, int]] = {
    "each second": (every("1s"), 1_000_000),
    "each even second": (cron("*/2 * * * * *"), 2_000_000),
    "after its job": (every("1s", after_finish=True), 0),
}
"""Schedules, and how many microseconds lie between their moments."""


@dataclass(frozen=True)
class Plan:
    """How much is to happen."""

    jobs: int
    seed: int
    rate: float = 200.0
    """Jobs asked for in a second."""
    longest: float = 5.0
    """Seconds of the longest jobs: more than a lease."""
    poison_every: int = 1_000
    shapes: tuple[str, ...] = ("up", "worker", "worker", "scheduler", "scheduler")
    faults_every: float = 1.5
    """Seconds between faults, on average."""
    armed_share: float = 0.3
    outage: float = 14.0
    """Seconds for which the dependency is down, at most."""


@dataclass
class Verdict:
    """What came of a run."""

    findings: list[Finding] = field(default_factory=list)
    figures: dict[str, object] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)


Tell = Callable[[str], None]


class Run:
    """A run on one database."""

    def __init__(
        self, plan: Plan, url: str, folder: Path, server: PostgresServer | None, tell: Tell
    ) -> None:
        """Work in `folder`."""
        self._plan = plan
        self._url = url
        self._folder = folder
        self._tell = tell
        self._luck = random.Random(plan.seed)
        self._fleet = Fleet(url, folder, list(plan.shapes), random.Random(plan.seed + 1))
        self._server = server
        self._store = open_store(url)
        self._faults: Counter[str] = Counter()
        self._history = History()

    async def go(self) -> Verdict:
        """Do it all."""
        began = time.monotonic()
        try:
            await self._prepare()
            self._fleet.start()
            is_over = await self._have_faults()
            calm = time.monotonic()
            is_over = await self._calm_down() and is_over
            self._history.exits = await self._fleet.end()
            over = time.monotonic()
            self._history.left = await self._left()
            return await self._judge(calm - began, over - calm, is_over=is_over)
        finally:
            self._fleet.kill_all()
            await self._store.close()

    async def _prepare(self) -> None:
        await self._store.write(migrate)
        for name, (when, step) in BEATS.items():
            beat = Schedule(
                id=new_id(), name=name, task="beat", recurrence=when, priority=HIGHEST_PRIORITY,
                overlap=Overlap.ALLOW,
            )  # fmt: skip
            await self._store.write(partial(schedules.create, schedule=beat))
            self._history.steps[beat.id] = step
        plan = self._plan
        self._fleet.armed_share = plan.armed_share
        self._fleet.ask(Wish(plan.jobs, plan.rate, plan.seed, plan.longest, plan.poison_every))

    async def _have_faults(self) -> bool:
        """Until the client has asked for all, and most of that has ended; whether it has."""
        file = Path(self._url.removeprefix("sqlite:///")) if self._server is None else None
        ground = Ground(
            self._fleet, self._luck, self._server, self._url.rpartition("/")[2], file,
            self._folder / "dependency-is-down", self._plan.outage, self._history.outages,
        )  # fmt: skip
        next_fault = time.monotonic() + 2
        give_up = time.monotonic() + SLOWEST * self._plan.jobs / self._plan.rate + CALM_SECONDS
        while time.monotonic() < give_up:
            await asyncio.sleep(LOOK_EVERY)
            self._fleet.tend()
            if time.monotonic() < next_fault:
                continue
            next_fault = time.monotonic() + self._luck.uniform(0.3, 1.7) * self._plan.faults_every
            fault = strike(ground)
            self._faults[fault or "none fitted"] += 1
            ended = await self._count_ended()
            self._tell(f"{ended} ended, {sum(self._faults.values())} faults, last: {fault}")
            if self._fleet.has_asked_all and ended >= CALM_SHARE * self._plan.jobs:
                return True
        return False

    async def _calm_down(self) -> bool:
        """No more faults; end the schedules; wait until no job waits or runs."""
        self._fleet.armed_share = 0
        for member in list(self._fleet.members):
            if member.stopped:
                self._fleet.resume(member)
        give_up = time.monotonic() + CALM_SECONDS
        while await self._insist(count_silent) and time.monotonic() < give_up:  # noqa: ASYNC110
            await asyncio.sleep(4 * LOOK_EVERY)
        for name in BEATS:
            await self._insist(partial(_remove, name=name), write=True)
        give_up = time.monotonic() + CALM_SECONDS
        while time.monotonic() < give_up:
            self._fleet.tend()
            open_jobs = await self._insist(count_open)
            self._tell(f"calm: {open_jobs} to go")
            if open_jobs == 0:
                return True
            await asyncio.sleep(4 * LOOK_EVERY)
        return False

    async def _insist(self, work: Work[int], *, write: bool = False) -> int:
        """Ask the store until it answers."""
        while True:
            self._fleet.tend()
            with suppress(StoreError):
                return await (self._store.write(work) if write else self._store.read(work))
            await asyncio.sleep(LOOK_EVERY)

    async def _count_ended(self) -> int:
        with suppress(StoreError):
            return await self._store.read(
                lambda connection, _: (
                    connection.scalar(select(func.count()).select_from(finished)) or 0
                )
            )
        return 0

    async def _left(self) -> list[str]:
        """Processes of ours that do not go away."""
        give_up = time.monotonic() + LEFT_SECONDS
        alive = processes.marked(self._fleet.mark)
        while alive and time.monotonic() < give_up:
            await asyncio.sleep(LOOK_EVERY)
            alive = processes.marked(self._fleet.mark)
        return [f"{pid} {processes.command(pid)}" for pid in alive]

    async def _judge(self, chaos: float, calm: float, *, is_over: bool) -> Verdict:
        history = self._history
        history.effects = read_effects(self._folder)
        history.asked = read_answers(self._fleet.notes, history.effects)
        read_diary(self._folder / "diary", history)
        history.heard = read_heard(self._folder / "events")
        history.deaths, history.pauses = self._fleet.deaths, self._fleet.pauses
        await self._store.read(lambda connection, _: read_record(connection, history))
        report = await verify(self._store)
        history.breaches = [f"{each.law} {each.subject}: {each.detail}" for each in report.breaches]
        findings = check(history)
        if not is_over:
            findings.append(Finding("everything ends within a bound", f"seed {self._plan.seed}"))
        figures = {
            **_figures(history, self._folder),
            **condition_figures(history),
            "seconds with faults": round(chaos, 1),
            "seconds to calm down": round(calm, 1),
        }
        return Verdict(findings, figures, self._faults + self._fleet.counts)


def _remove(connection: Connection, now: datetime, name: str) -> int:
    """End a schedule; one whose end was committed, and not told of, is gone already."""
    with suppress(NotFound):
        schedules.remove(connection, now, name)
    return 0


def count_silent(connection: Connection, _: object) -> int:
    """Schedules of which no moment has come yet: schedulers may have been killed all the while."""
    heard = select(func.count(occurrences.c.schedule.distinct()))
    return len(BEATS) - (connection.scalar(heard) or 0)


def count_open(connection: Connection, _: object) -> int:
    """Jobs that wait or run: in one statement, for a job may move between two."""
    counts = [
        select(func.count()).select_from(table).scalar_subquery()
        for table in (ready, delayed, blocked, leases)
    ]
    return sum(connection.execute(select(*counts)).one())


def _figures(history: History, folder: Path) -> dict[str, object]:
    events = folder / "events"
    told = events.read_text().splitlines() if events.exists() else []
    set_aside = {end.job for end in history.ends if SET_ASIDE in (end.reason or "")}
    poison = {job.id for job in history.booked if job.task == "poison"}
    rescues = _rescues(history)
    return {
        "jobs": len(history.booked),
        "asked": dict(Counter(str(answer) for answer in history.asked.values())),
        "outcomes": dict(Counter(end.outcome for end in history.ends)),
        "attempts": dict(Counter(attempt.outcome for attempt in history.attempts)),
        "occurrences": dict(Counter(moment.outcome for moment in history.ledger)),
        "processes that died": len(history.deaths),
        "events": dict(Counter(line.partition(" ")[0] for line in told)),
        "poison set aside": len(set_aside & poison),
        "others set aside": _unlucky(history),
        "seconds from a death to the rescue": {
            "median": round(rescues[len(rescues) // 2], 2),
            "longest": round(rescues[-1], 2),
        } if rescues else {},
    }  # fmt: skip


def _rescues(history: History) -> list[float]:
    """How many seconds after its worker's death each lost attempt was ended, in order."""
    worker = {each.token: each.worker for each in history.effects}
    since = time.time() - time.monotonic()
    waits = [
        attempt.finished_at - since - history.deaths[worker[attempt.token]]
        for attempt in history.attempts
        if attempt.outcome == "lost" and worker.get(attempt.token) in history.deaths
    ]
    return sorted(max(wait, 0) for wait in waits)


def _unlucky(history: History) -> dict[str, int]:
    """Jobs that were set aside and kill nobody, by how many of their lost attempts had begun."""
    begun = {each.token for each in history.effects if each.word is Word.BEGIN}
    lost = Counter(
        each.job for each in history.attempts if each.outcome == "lost" and each.token in begun
    )
    poison = {job.id for job in history.booked if job.task == "poison"}
    set_aside = {end.job for end in history.ends if SET_ASIDE in (end.reason or "")} - poison
    return {
        f"{count} of 3 begun": sum(lost[job] == count for job in set_aside) for count in range(4)
    }
