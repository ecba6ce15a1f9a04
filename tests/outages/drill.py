"""One drill: a fleet at work, a fault, recovery; and whether all is as it should be.

Two workers, one with its heart in a thread and one as `onbeat worker` has it, and a scheduler. Each
worker has a long job of every kind that begins before the fault and ends after it.
"""

from __future__ import annotations

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from onbeat.domain.jobs import JobId, NewJob
from onbeat.domain.recurrence import every
from onbeat.domain.schedules import Overlap, Schedule
from onbeat.store import schedules
from onbeat.store.opening import open_store
from onbeat.store.schema_state import migrate
from onbeat.store.store import Store
from tests.conftest import opened
from tests.e2e.crews import Crew, tried
from tests.factories import new_id
from tests.forking import Running
from tests.outages.faults import Fault, Ground
from tests.outages.feeder import Feeder, Ledger
from tests.outages.record import Asked, Found, compare, count_open, of_stderr, standing
from tests.waiting import wait_for, wait_until

LONG = ("stay", "stay_in_thread", "stay_in_process")
QUEUES = ("one", "two")
SCHEDULES = 3
SLOTS = "6"
"""Three for long jobs, three for short ones: a rate that two cores can keep."""

SOON = 5.0
"""Seconds from recovery until every worker is to be at work again."""

DEADLINE = 60.0
FULL = 0.9
"""Share of the rate before the fault that counts as full speed."""

WINDOW = 1.0
STEP = 0.1
"""Seconds over which the rate is taken, and by which the window moves."""


BRISK = {"ONBEAT_HEARTBEAT": "500ms", "ONBEAT_RESCUE_AFTER": "3s"}
"""As short as a term can be here: the heart of `onbeat worker` is a process, and takes a second or
two to start on a machine that has much to do."""

IN_EARNEST = {"ONBEAT_HEARTBEAT": "5s", "ONBEAT_RESCUE_AFTER": "15s"}
"""The defaults."""


@dataclass(frozen=True)
class Pace:
    """How long the phases of a drill are, in seconds."""

    seconds: float
    """Of the fault."""
    before: float
    """Of work before it, from which the rate is taken."""
    after: float
    """Of work after it, in which full speed is looked for."""
    in_earnest: bool = False
    """Whether the fleet has the default terms."""

    def seconds_of(self, fault: Fault) -> float:
        """How long `fault` is to last; in the short form half as long where hearts can be heard."""
        if fault.is_brief:
            return 0.0
        return self.seconds if self.in_earnest or fault.stops_work else self.seconds / 2


SHORT = Pace(seconds=9.0, before=1.0, after=0.5)
"""Three terms of `BRISK`."""


@dataclass
class Report:
    """What came of a drill."""

    fault: str
    found: Found = field(default_factory=Found)
    first: float | None = None
    """Seconds from recovery until each worker had done something."""
    full: float | None = None
    """Seconds from recovery until a window of 1 s had 90 % of the rate before; None if none had."""
    rate: float = 0.0
    """Short jobs in a second before the fault."""

    @property
    def wrong(self) -> list[str]:
        """What must not be."""
        return self.found.wrong


class Drill:
    """A fleet on `ground`, and what happens to it."""

    def __init__(self, fault: Fault, ground: Ground, folder: Path, pace: Pace) -> None:
        """Prepare to let `fault` happen; notes go into `folder`."""
        self._fault = fault
        self._ground = ground
        self._pace = pace
        self._gate = folder / "gate"
        self._afar = ground.relay.url if ground.relay else ground.url
        near = ground.url if fault.parts_one else self._afar
        self._crew = Crew(near, folder)
        self._ledger = Ledger(self._crew.ledger)
        self._feeder = Feeder(near, self._crew.ledger)
        self._workers: list[Running] = []
        self._others: list[Running] = []
        self._long: list[JobId] = []
        self._schedules: list[str] = []
        self._recovered = 0.0

    def run(self) -> Report:
        """Do it all."""
        report = Report(self._fault.name)
        try:
            asyncio.run(self._prepare())
            self._start()
            self._feeder.start()
            report.rate = self._warm_up()
            worked_in_vain = self._have_fault()
            self._recover(report)
            report.found = self._finish()
            report.wrong.extend(worked_in_vain)
            self._judge(report)
        finally:
            self._crew.end()
            self._feeder.give_up()
        return report

    async def _prepare(self) -> None:
        """Make the tables, the schedules and the long jobs."""
        store = open_store(self._ground.url)
        try:
            await store.write(migrate)
            for number in range(SCHEDULES):
                beat = Schedule(
                    id=new_id(), name=f"beat-{number}", task="beat", recurrence=every("1s"),
                    overlap=Overlap.ALLOW,
                )  # fmt: skip
                await store.write(partial(schedules.create, schedule=beat))
                self._schedules.append(beat.id)
            args = json.dumps({"gate": str(self._gate)}).encode()
            queues = QUEUES[:1] if self._fault.parts_one else QUEUES
            jobs = [
                NewJob(id=new_id(), task=task, queue=queue, args=args)
                for queue in queues
                for task in LONG
            ]
            await store.enqueue(jobs)
            self._long = [job.id for job in jobs]
        finally:
            await store.close()

    def _start(self) -> None:
        """Start all; a worker that will be cut off first, so that the long jobs are with it."""
        cut_off = partial(
            self._crew.start_onbeat, "worker", env=self._env(QUEUES[0], ONBEAT_DB=self._afar)
        )
        rest = QUEUES if self._fault.parts_one else QUEUES[1:]
        other = partial(self._crew.start, "worker", env=self._env(*rest))
        scheduler = partial(self._crew.start, "scheduler", env=self._env())
        with ThreadPoolExecutor(3) as threads:
            first = threads.submit(cut_off)
            if self._fault.parts_one:
                first.result()
                self._await_long_jobs()
            started = [threads.submit(each) for each in (other, scheduler)]
        self._workers = [first.result(), started[0].result()]
        self._others = [started[1].result()]
        self._await_long_jobs()

    def _env(self, *queues: str, **more: str) -> dict[str, str]:
        names = ",".join(("default", *queues))
        told = {"ONBEAT_QUEUES": names, "ONBEAT_CONCURRENCY": SLOTS}
        terms = IN_EARNEST if self._pace.in_earnest else BRISK | self._fault.terms
        return {**told, **terms, **more}

    def _await_long_jobs(self) -> None:
        def have_begun() -> bool:
            begun = {each.job for each in self._ledger.read() if each.word == "begun"}
            return begun >= set(self._long)

        wait_until(have_begun, DEADLINE, "the begin of the long jobs")

    def _warm_up(self) -> float:
        """Wait until every worker works; the rate at which they then do."""
        self._await_work_since(time.time())
        began = time.time()
        time.sleep(self._pace.before)
        done = self._ledger.short(began, began + self._pace.before)
        return len(done) / self._pace.before

    def _have_fault(self) -> list[str]:
        """Begin, hold, end; whether it did what it was to do."""
        began = time.time()
        with self._fault.strike(self._ground):
            time.sleep(self._pace.seconds_of(self._fault))
            if self._fault.rescues:
                asyncio.run(self._await_rescue())
            ended = time.time()
        self._recovered = time.time()
        touched = {self._workers[0].pid} if self._fault.parts_one else self._pids
        late = ended - (ended - began) / 3
        at_work = [each for each in self._ledger.short(late, ended) if each.worker in touched]
        if at_work and self._fault.stops_work and not self._fault.is_brief:
            return [f"the fault did not strike: {len(at_work)} jobs were done in its last third"]
        return []

    async def _await_rescue(self) -> None:
        """Until the long jobs of the worker that is cut off have been taken from it."""
        async with opened(self._ground.url) as store:

            async def are_lost() -> bool:
                lost = {each.job for each in await tried(store) if each.outcome == "lost"}
                return lost >= set(self._long)

            await wait_for(are_lost, DEADLINE, "the rescue of the long jobs")

    def _recover(self, report: Report) -> None:
        """Wait until all work again and schedules have gone on, then look for full speed."""
        last = self._await_work_since(self._recovered)
        report.first = last - self._recovered
        time.sleep(max(0.0, self._recovered + self._pace.after - time.time()))
        asyncio.run(self._await_schedules())
        done = [each.at - self._recovered for each in self._ledger.short(self._recovered)]
        report.full = seconds_until_full(done, FULL * report.rate)

    async def _await_schedules(self) -> None:
        """Until each was due after recovery, beside the moments that were missed."""
        async with opened(self._ground.url) as store:

            async def have_gone_on() -> bool:
                return not await standing(store, self._schedules, self._recovered_at)

            await wait_for(have_gone_on, DEADLINE, "schedules to go on")

    def _await_work_since(self, moment: float) -> float:
        """When the last of the workers did its first short job after `moment`."""

        def firsts() -> dict[int, float]:
            found: dict[int, float] = {}
            for each in self._ledger.short(moment):
                found.setdefault(each.worker, each.at)
            return found

        wait_until(lambda: set(firsts()) >= self._pids, DEADLINE, "work of every worker")
        return max(firsts().values())

    def _finish(self) -> Found:
        """Let everything end in good order, and compare."""
        self._feeder.stop()
        self._gate.touch()
        gone = [each.pid for each in (*self._workers, *self._others) if each.poll() is not None]
        codes = self._stop(self._others)
        found = asyncio.run(self._compare())
        codes += self._stop(self._workers)
        if gone:
            found.wrong.append(f"{len(gone)} processes ended by themselves")
        if any(codes):
            found.wrong.append(f"processes ended with {codes}")
        found.wrong += of_stderr(self._crew.errors)
        return found

    async def _compare(self) -> Found:
        async with opened(self._ground.url) as store:
            await wait_for(partial(_none_open, store), DEADLINE, "the end of all jobs")
            asked = Asked(self._feeder.accepted, self._long, self._fault.rescues)
            return await compare(store, asked, self._ledger.read())

    def _judge(self, report: Report) -> None:
        if report.first is None or report.first > SOON:
            report.wrong.append(f"at work {report.first} s after recovery")

    def _stop(self, processes: list[Running]) -> list[int]:
        for each in processes:
            each.terminate()
        return [each.wait(DEADLINE) for each in processes]

    @property
    def _recovered_at(self) -> datetime:
        return datetime.fromtimestamp(self._recovered, UTC)

    @property
    def _pids(self) -> set[int]:
        return {each.pid for each in self._workers}


async def _none_open(store: Store) -> bool:
    return await count_open(store) == 0


def seconds_until_full(moments: list[float], wanted: float) -> float | None:
    """When the first window begins in which `wanted` short jobs a second were done."""
    after = sorted(each for each in moments if each > 0)
    steps = int((after[-1] - WINDOW) / STEP) + 1 if after else 0
    for step in range(max(0, steps)):
        begin = step * STEP
        if sum(begin < each <= begin + WINDOW for each in after) >= wanted * WINDOW:
            return begin
    return None
