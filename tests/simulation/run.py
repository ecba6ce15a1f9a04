"""One run: nodes, jobs, schedules and faults from a seed; then calm; then the judges."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TextIO

from sqlalchemy import select

from onbeat.domain.jobs import JobId
from onbeat.store import schedules
from onbeat.store.column_types import from_micros, to_micros
from onbeat.store.schema import attempts, occurrences, workflows
from onbeat.store.store import Work
from onbeat.store.verify.walk import verify
from onbeat.testing.shared_memory import SharedMemory
from onbeat.testing.virtual_time import VirtualLoop, VirtualTiming
from tests.chaos.effects import Word
from tests.chaos.findings import Finding
from tests.chaos.history import Answer, History, read_record
from tests.simulation import bonds
from tests.simulation.bond_judges import BondRecord, Lease, Opening, Totals
from tests.simulation.bonds import Bonds
from tests.simulation.book import Asked
from tests.simulation.desk import (
    CLOCK,
    Client,
    Operator,
    first_schedules,
    note_skips,
    resume,
    set_up,
)
from tests.simulation.faults import Faults
from tests.simulation.judges import Record, Settled, check
from tests.simulation.ledger_oracle import Entry
from tests.simulation.net import LONGEST_PATIENCE, Net, Wire
from tests.simulation.node import Ground, Node, Terms
from tests.simulation.tasks import BANK, Effects
from tests.simulation.trace import Trace
from tests.simulation.wired import WiredStore

TERMS, TERM_WEIGHTS = ((1, 3), (2, 6), (5, 15)), (12, 3, 1)
"""Seconds between heartbeats, and of silence until a worker is taken for dead; how often which."""

FAULTS_LAST = (6.0, 16.0)
FAULT_EVERY, DEED_EVERY, BATCH_EVERY, BIND_EVERY = 1.2, 2.0, 1.6, 1.1
"""Virtual seconds, on average."""

CATCHES_UP_IN = 240.0
"""Virtual seconds in which schedules must be back on time when all is well."""

ENDS_IN = 240.0
"""And in which then every job must end."""

RESUMES_IN = 90.0
"""And in which a schedule goes on whose pause is over: a clock that leapt is doubted for 60 s."""

HEARS_IN = 5.0
"""And in which a worker whose session has ended must have another."""

ON_TIME = timedelta(seconds=3)
"""How late the next moment of a schedule may be that is on time."""

LOOK_EVERY = 0.5

ANSWERS = {Word.ASKED: Answer.ACCEPTED, Word.UNSURE: Answer.UNKNOWN}


@dataclass
class Verdict:
    """What came of a run."""

    seed: int
    hash: str
    findings: list[Finding]
    last: list[str]
    """The last lines of the trace."""
    figures: Counter[str] = field(default_factory=Counter)


def simulate(seed: int, out: TextIO | None = None) -> Verdict:
    """Run everything that follows from `seed`; write the trace to `out`."""
    with handlers_kept(), _uncollected():
        run = Run(seed, out)
        try:
            return run.loop.run_until_complete(run.go())
        finally:
            run.end()


@contextmanager
def handlers_kept() -> Iterator[None]:
    """Workers that crashed leave theirs on the root logger."""
    root = logging.getLogger()
    before = list(root.handlers)
    try:
        yield
    finally:
        root.handlers[:] = before


@contextmanager
def _uncollected() -> Iterator[None]:
    """Collect no garbage meanwhile: a tenth of the time, for a few megabytes."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.collect(0)


class Run:
    """The run of one seed."""

    def __init__(self, seed: int, out: TextIO | None) -> None:
        """Prepare everything; nothing happens yet."""
        self._luck = luck = random.Random(f"{seed} run")
        self.loop = VirtualLoop(random.Random(f"{seed} order"))
        self._trace = Trace(self.loop.time, out)
        self._clock = VirtualTiming(self.loop)
        self._database = SharedMemory(self._clock)
        self._net = Net(self.loop, self._database, random.Random(f"{seed} net"), self._trace)
        self._effects = Effects(self.loop, self._trace)
        [(beat, silence)] = luck.choices(TERMS, TERM_WEIGHTS)
        terms = Terms(timedelta(seconds=beat), timedelta(seconds=silence))
        self._ground = Ground(self.loop, self._net, self._trace, self._effects, terms, seed)
        self._asked = Asked()
        self._bonds = Bonds()
        self._faults = Faults(self._ground, random.Random(f"{seed} faults"), self._asked)
        self._seed = seed
        self._silence = silence
        self._complaints: list[Finding] = []
        self._settled = Settled(0.0, 0.0)
        self._tide: datetime | None = None

    async def go(self) -> Verdict:
        """Do it all."""
        self._prepare()
        asking = [
            asyncio.ensure_future(self._client.ask_on(BATCH_EVERY)),
            *(asyncio.ensure_future(operator.work_on(DEED_EVERY)) for operator in self._operators),
            asyncio.ensure_future(self._watch_tide()),
            asyncio.ensure_future(self._client.bind_on(BIND_EVERY)),
            asyncio.ensure_future(self._trouble_the_bank()),
        ]
        striking = asyncio.ensure_future(self._faults.strike_on(FAULT_EVERY))
        await asyncio.sleep(self._luck.uniform(*FAULTS_LAST))
        for each in (*asking, striking):
            each.cancel()
        await asyncio.wait([*asking, striking])
        self._faults.end()
        await self._calm_down()
        return await self._judge()

    def end(self) -> None:
        """Let go of everything."""
        self._net.is_over = True
        self.loop.end()
        self._database.close()

    def _prepare(self) -> None:
        luck, ground = self._luck, self._ground
        desk = self._desk_store("client")
        self._do(bonds.set_up)
        set_up(self._database, self._asked, first_schedules(desk, luck), luck)
        self._client = Client(desk, luck, self._asked, self._bonds, 1.8 * self._silence)
        self._operators = [
            Operator(
                self._desk_store(name),
                random.Random(f"{self._seed} at {name}"),
                self._asked,
                self._bonds,
            )
            for name in ("operator 1", "operator 2")
        ]
        skew = luck.choice([0.0, 0.5, 600.0])
        for number in range(luck.choice([2, 2, 3])):
            roles = [(True, True), (True, False), (False, True)]
            worker, scheduler = (True, True) if number == 0 else luck.choice(roles)
            ahead = timedelta(seconds=skew * luck.uniform(-1, 1))
            node = Node(ground, f"node {number}", worker=worker, scheduler=scheduler, ahead=ahead)
            ground.nodes.append(node)
            node.start()

    def _desk_store(self, name: str) -> WiredStore:
        luck = random.Random(f"{self._seed} {name}")
        wire = Wire(self._net, name)
        store = WiredStore(wire, VirtualTiming(self.loop), luck)
        store.wakeups.outward = self._hint
        return store

    def _hint(self, topics: frozenset[str]) -> None:
        for node in self._ground.nodes:
            if not self._net.drop():
                self.loop.call_later(self._net.delay(), node.hear, topics)

    async def _trouble_the_bank(self) -> None:
        """Let what some jobs depend on fail, and work again."""
        luck = random.Random(f"{self._seed} bank")
        while True:
            await asyncio.sleep(luck.uniform(0.5, 4.0))
            self._effects.bank_is_down = not self._effects.bank_is_down
            self._note("the bank is " + ("down" if self._effects.bank_is_down else "up"))

    async def _watch_tide(self) -> None:
        """The virtual clock never goes back, whoever moves it and whatever is lost."""
        while True:
            await asyncio.sleep(1.1)
            now = self._tide_now()
            if self._tide is not None and now < self._tide:
                found = Finding("a virtual clock never goes back", CLOCK, f"{self._tide} to {now}")
                self._complaints.append(found)
            self._tide = now

    def _tide_now(self) -> datetime:
        [(at,)] = self._rows("SELECT now_at FROM onbeat_clocks")
        return from_micros(at)

    async def _calm_down(self) -> None:
        """All is well: jobs go on, schedules catch up; then they are paused, and all jobs end."""
        self._note("all is well from now on")
        self._effects.bank_is_down = False
        await asyncio.sleep(max(LONGEST_PATIENCE + 0.5, 2 * self._silence + 2))
        await self._until(self._are_paused_for_too_long, RESUMES_IN, "a pause ends when it is over")
        self._resume_all()  # now that nothing is under way that would pause one
        self._settled = Settled(self._clock.now().timestamp(), self.loop.time())
        await self._client.ask([self._client.linger(1.5 * self._silence) for _ in range(2)])
        await asyncio.sleep(self._silence)
        await self._until(self._are_on_time, CATCHES_UP_IN, "schedules are back on time")
        self._pause_all()
        await self._until(self._all_have_ended, ENDS_IN, "every job ends in time")
        for job in await self._client.ask_for_keys():
            self._complaints.append(Finding("a key is free when its job has ended", job))
        await self._until(self._all_have_ended, ENDS_IN, "every job ends in time")
        await self._until(self._have_no_session, HEARS_IN, "a worker has a session that lives")

    async def _until(self, is_so: Callable[[], list[str]], seconds: float, promise: str) -> None:
        """Wait until nothing is left of what `is_so` names; complain when that takes too long."""
        give_up = self.loop.time() + seconds
        while left := is_so():
            if self.loop.time() > give_up:
                self._complaints += [Finding(promise, each) for each in left]
                return
            await asyncio.sleep(LOOK_EVERY)

    def _are_on_time(self) -> list[str]:
        """The schedules that are not: nothing is due, nor held, for long.

        Those that are over, or have paused themselves, have nothing to be on time for.
        """
        latest = to_micros(self._clock.now() - ON_TIME)
        return [
            f"{name}: {due}"
            for name, due in self._rows(
                "SELECT name, coalesce(next_due_at, held_due_at) FROM onbeat_schedules "
                "WHERE clock IS NULL AND (next_due_at IS NOT NULL OR after_finish IS NULL) "
                "AND (pause_after IS NULL OR paused_at IS NULL) "
                "AND (next_due_at IS NOT NULL OR held_due_at IS NOT NULL "
                'OR end_at IS NULL AND ("limit" IS NULL OR made < "limit"))'
            )
            if due is None or due < latest
        ]

    def _are_paused_for_too_long(self) -> list[str]:
        """The schedules whose pause is over, and that do not go on."""
        latest = to_micros(self._clock.now() - ON_TIME)
        query = f"SELECT name FROM onbeat_schedules WHERE paused_until < {latest}"  # noqa: S608 - a number
        return [name for (name,) in self._rows(query)]

    def _all_have_ended(self) -> list[str]:
        """The jobs that have not."""
        return [
            f"{job} in {place}"
            for place in ("delayed", "ready", "blocked", "leases")
            for (job,) in self._rows(f"SELECT job FROM onbeat_{place}")  # noqa: S608 - from here
        ]

    def _have_no_session(self) -> list[str]:
        """The nodes whose worker may claim nothing, and does not know it."""
        rows = self._rows("SELECT id FROM onbeat_sessions WHERE ended_at IS NULL")
        alive = {None, *(session for (session,) in rows)}
        return [node.name for node in self._ground.nodes if node.session not in alive]

    def _rows(self, query: str) -> list[Any]:
        return self._database.do(lambda hands: hands.raw.execute(query).fetchall())

    def _resume_all(self) -> None:
        for schedule in self._asked.schedules.values():
            self._do(partial(resume, schedule=schedule, asked=self._asked))

    def _pause_all(self) -> None:
        """Pause what goes on; what has paused itself puts on record what was due meanwhile."""
        self._paused = self._clock.now()
        for schedule in self._asked.self_pausing:
            self._do(partial(resume, schedule=schedule, asked=self._asked))
        for schedule in self._asked.schedules.values():
            self._do(partial(schedules.pause, name=schedule.name, by="the judge"))

    def _do(self, work: Work[object]) -> None:
        self._database.do(lambda hands: work(hands.core, self._clock.now()))

    async def _judge(self) -> Verdict:
        history = History(asked=dict(self._asked.answers), effects=self._effects.all)
        for effect in self._effects.all:
            if effect.other is not None:
                self._asked.heard(JobId(effect.other), ANSWERS[effect.word])
        history.asked = dict(self._asked.answers)
        self._database.do(lambda hands: read_record(hands.core, history))
        order = self._order()
        history.booked.sort(key=lambda job: order[job.id])
        history.heard = self._ground.heard
        for schedule in map(self._asked.schedules.__getitem__, self._asked.skips):
            self._do(partial(note_skips, schedule=schedule, count=0, asked=self._asked))
        report = await verify(self._database.store())
        history.breaches = [
            f"{each.law.name} {each.subject} {each.detail}" for each in report.breaches
        ]
        record = Record(
            history,
            self._asked,
            self._ledger(),
            self._times(),
            ON_TIME,
            self._settled,
            self._faults.nobody_dies,
            self._bond_record(),
            self._complaints,
        )
        findings = check(record)
        self._note(f"ledger {sorted(self._ledger().items())}")
        self._note(f"ends {sorted((end.job, end.outcome) for end in history.ends)}")
        return Verdict(
            self._seed, self._trace.hash, findings, list(self._trace.last), self._figures(history)
        )

    def _bond_record(self) -> BondRecord:
        found = self._database.do(lambda hands: hands.core.execute(select(attempts)).all())
        flows = self._database.do(lambda hands: hands.core.execute(select(workflows)).all())
        rule_time = BANK.rule.open_for.total_seconds()
        untils = [each.until.timestamp() for each in self._ground.openings if each.until]
        now = self._clock.now().timestamp() - self.loop.time()
        return BondRecord(
            self._bonds,
            [
                Lease(row.job, row.token, row.started_at.timestamp(), row.finished_at.timestamp())
                for row in found
            ],
            set(self._asked.run_again),
            set(self._asked.called_off),
            self._asked.set_back,
            None if self._faults.has_set_the_clock else now,
            [Opening(until - rule_time, until) for until in untils],
            {
                row.id: Totals(
                    row.total, row.ended, row.failed, row.cancelled, row.ended_at is not None
                )
                for row in flows
            },
        )

    def _order(self) -> dict[str, int]:
        """In which order jobs were booked."""
        return dict(self._rows("SELECT id, rowid FROM onbeat_jobs"))

    def _ledger(self) -> dict[str, list[Entry]]:
        found: dict[str, list[Entry]] = {}
        for row in self._database.do(lambda hands: hands.core.execute(select(occurrences)).all()):
            entry = Entry(row.due_at, row.through_at or row.due_at, row.outcome)
            found.setdefault(row.schedule, []).append(entry)
        return found

    def _times(self) -> dict[str, datetime]:
        return {
            schedule.id: self._paused if schedule.clock is None else self._tide_now()
            for schedule in self._asked.schedules.values()
        }

    def _figures(self, history: History) -> Counter[str]:
        outcomes = Counter(f"attempts {each.outcome}" for each in history.attempts)
        kinds = Counter(f"fault {name}" for name in self._faults.count.elements())
        return outcomes + kinds + Counter({
            "virtual seconds": int(self.loop.time()), "jobs": len(history.booked),
            "occurrences": len(history.ledger), "lives": self._ground.lives,
            "workflows": len(self._bonds.flows), "breakers opened": len(self._ground.openings),
            "keys refused": len(self._bonds.refused),
            "expired": sum((end.reason or "").startswith("expired") for end in history.ends),
            "trace lines": self._trace.lines,
        })  # fmt: skip

    def _note(self, what: str) -> None:
        self._trace.add("run", what)
