"""The worker service: a session, its slots, and the parts that feed and watch them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from onbeat.crash_points import CrashPoint, reach
from onbeat.domain.errors import InvalidSetting, StoreError
from onbeat.domain.events import AcksDropped, Emit, JobEnded, ServiceChanged, SessionLost, discard
from onbeat.domain.jobs import DEFAULT_QUEUE, ClaimedJob
from onbeat.domain.outcomes import Ack
from onbeat.domain.services import Status
from onbeat.domain.workers import (
    DEFAULT_HEARTBEAT,
    DEFAULT_RESCUE_AFTER,
    Pulse,
    Session,
    StopRequest,
)
from onbeat.runtime.capture import CaptureHandler
from onbeat.runtime.follower import Follower
from onbeat.runtime.machine import host_name, instance_name
from onbeat.runtime.service import Service
from onbeat.runtime.tasks import Registry
from onbeat.runtime.worker.abandoned import ack_of_abandoned
from onbeat.runtime.worker.acker import Acker
from onbeat.runtime.worker.breakers import BreakerWatch, is_under
from onbeat.runtime.worker.buffer import Buffer
from onbeat.runtime.worker.demand import Demand
from onbeat.runtime.worker.executor import Executor, not_begun, stopped_unbegun
from onbeat.runtime.worker.fetcher import Fetcher
from onbeat.runtime.worker.heartbeat import Heart, InlineHeart
from onbeat.runtime.worker.recorder import Recorder
from onbeat.runtime.worker.runners import Runners
from onbeat.runtime.worker.running import Ending, Running
from onbeat.runtime.worker.stops import StopWatch
from onbeat.runtime.worker.strays import Strays
from onbeat.store import tasks, workers
from onbeat.store.store import Store
from onbeat.store.tasks import KnownTask

WATCH_EVERY = 0.05
"""Seconds between looks at the deadlines of what runs."""

WATCH_IDLE_EVERY = 1.0
"""Seconds between looks while no job is here; the first that comes ends the rest."""

BREATHE_AFTER = 64
"""Jobs a slot runs in a row before it lets the loop turn: jobs that never wait would starve it."""

STUBBORN_AFTER = timedelta(seconds=8)
"""How long a cancelled job may clean up before it is left to itself; it is cancelled twice."""

STALE_AFTER = 1.0
"""Seconds a claimed job may wait for a slot before it is given back for others to take."""

STARTING, ENDED = CrashPoint.JOB_STARTING, CrashPoint.JOB_ENDED
"""Passed by every job: 0.03 us each by a name of ours, 0.09 through the enum."""

LAST_SECONDS = 1.0
"""How long a stopping worker waits for slots whose jobs it has already given up."""


@dataclass(frozen=True, kw_only=True)
class WorkerOptions:
    """What a worker process is told."""

    queues: Sequence[str] = (DEFAULT_QUEUE,)
    slots: int = 10
    instance: str = ""
    region: str | None = None
    version: str = ""
    grace: timedelta = timedelta(seconds=30)
    """How long a stopping worker lets its jobs run."""
    heartbeat: timedelta = DEFAULT_HEARTBEAT
    rescue_after: timedelta = DEFAULT_RESCUE_AFTER
    stubborn_after: timedelta = STUBBORN_AFTER
    settle: timedelta = timedelta(seconds=10)
    """How long a stopping worker tries at least to store its last acks; else its grace's rest."""
    heart: Heart | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Refuse what could not work."""
        if self.slots < 1:
            raise InvalidSetting("concurrency", f"{self.slots} is out of range; give 1 or more")
        if not self.queues:
            raise InvalidSetting("queues", "no queue is named; give at least one")
        if self.heartbeat <= timedelta():
            raise InvalidSetting("heartbeat", f"{self.heartbeat} is out of range; give more than 0")
        if self.rescue_after < 2 * self.heartbeat:
            raise InvalidSetting(
                "rescue_after", f"{self.rescue_after} is under two heartbeats of {self.heartbeat}; "
                "give at least that, or one late beat would be taken for a death",
            )  # fmt: skip

    def with_heart(self, heart: Heart | None) -> WorkerOptions:
        """The same, beating through `heart`."""
        return replace(self, heart=heart)


class Worker(Service):
    """Claims and runs jobs until it is stopped; then lets them end, or gives them back."""

    works_while_paused = True  # what runs has deadlines; nothing more is claimed

    def __init__(
        self,
        store: Store,
        registry: Registry,
        options: WorkerOptions | None = None,
        *,
        emit: Emit = discard,
    ) -> None:
        """Run tasks of `registry`."""
        super().__init__(id="worker", timing=store.timing, emit=emit)
        self.options = options or WorkerOptions()
        self._store = store
        self._registry = registry
        self._heart = self.options.heart or InlineHeart(
            store, self.options.heartbeat, self.options.rescue_after
        )
        self._handler = CaptureHandler()
        self._slots: list[asyncio.Task[None]] = []
        self._working: dict[asyncio.Task[None] | None, ClaimedJob] = {}
        self._heard_at = 0.0
        self._is_idle = False
        self.session: Session | None = None

    async def set_up(self) -> None:
        """Begin a session and start the parts."""
        self._buffer = Buffer(self.timing.monotonic)
        self._demand = Demand(self.options.slots)
        self._runners = Runners(self.timing)
        self._recorder = Recorder(self._store)
        self._breakers = BreakerWatch(self._store, self._give_back_under, emit=self.emit)
        self._executor = Executor(
            self._store, self._registry, self._runners, self._recorder.told, self.emit,
            self._breakers, lambda: self.draining,
        )  # fmt: skip
        self._acker = Acker(self._store, self.emit)
        self._fetcher = Fetcher(
            self._store, self._buffer, self._demand,
            Strays(self._store, self.held, self._acker.add), self.options.queues,
            unstored=lambda: self._acker.count, is_paused=lambda: self.is_paused,
        )  # fmt: skip
        self._acker.stored = self._fetcher.have_room
        self._follower = Follower(self._store, self._fetcher.hasten)
        self._stops = StopWatch(self._store, self._session_at_work, self._heed)
        self._ended = 0
        self._looked_at = self.timing.monotonic()
        await self._begin_session()
        logging.getLogger().addHandler(self._handler)
        self._acker.start()
        await self._recorder.start()
        await self._breakers.start()
        await self._stops.start()
        self._slots = [self._new_slot() for _ in range(self.options.slots)]
        await self._follower.start()
        await self._fetcher.start()

    async def step(self) -> float:
        """End what is overdue; learn how fast jobs go, hoard none; have a session that is heard."""
        now = self.timing.monotonic()
        for running in list(self._executor.running.values()):
            if running.is_overdue(now):
                running.end(Ending.TIMEOUT, "out of time")
            if running.is_stubborn(self.options.stubborn_after.total_seconds()):
                self._abandon(running)
        self._observe(now)
        self._give_back_stale()
        self._mind_silence(now)
        if self.session is None:
            await self._renew()
        self._is_idle = not (self._executor.running or self._working or self._buffer.jobs)
        return WATCH_IDLE_EVERY if self._is_idle else WATCH_EVERY

    async def clean_up(self) -> None:
        """Stop claiming, let jobs end, give back the rest, store all acks, end the session."""
        began = self.timing.monotonic()
        await self._fetcher.stop()
        if self.session is not None:
            await self._try(workers.drain)
        for job in self._buffer.close():
            self._acker.add(not_begun(job, "the worker shut down"))
        await self._let_end()
        await self._recorder.stop()
        await self._breakers.stop()
        await self._stops.stop()
        await self._settle(began)
        await self._follower.close()
        await self._runners.close()
        logging.getLogger().removeHandler(self._handler)
        await self._heart.stop()
        if self.session is not None:
            await self._try(workers.end)
            self.session = None

    async def _settle(self, began: float) -> None:
        """Have all outcomes stored in what is left of the grace period, and tell of those left."""
        passed = self.timing.monotonic() - began
        grace = self.options.grace.total_seconds()
        await self._acker.close(max(self.options.settle.total_seconds(), grace - passed))
        if left := len(self._acker.tokens):
            waited = timedelta(seconds=self.timing.monotonic() - began)
            self.emit(AcksDropped(left, waited))

    async def _begin_session(self) -> None:
        options = self.options
        session = Session(
            id=self._store.new_id(),
            instance=instance_name(options.instance),
            host=host_name(),
            pid=os.getpid(),
            version=options.version,
            queues=tuple(options.queues),
            slots=options.slots,
            region=options.region,
        )
        known = _known(self._registry)

        def begin(connection: Connection, now: datetime) -> None:
            workers.begin(connection, now, session, options.rescue_after)
            tasks.tell(connection, now, known)

        await self._store.write(begin)
        self.session = session
        self._fetcher.session = session.id
        self._heard_at = self.timing.monotonic()
        self._fetcher.is_held = False
        await self._heart.start(session.id, self._hear)

    def held(self) -> set[int]:
        """The tokens of all jobs that are somewhere in this worker."""
        working = {job.token for job in self._working.values()}
        return self.unbegun() | working | self._acker.tokens

    def unbegun(self) -> set[int]:
        """The tokens of jobs that wait for a slot."""
        return {job.token for job in self._buffer.jobs}

    @property
    def hindrance(self) -> str | None:
        """That it claims nothing, having no session or no pulse; None while it may claim."""
        if self.session is None:
            return "it claims nothing, having no session"
        return "it claims nothing while no pulse is heard" if self._fetcher.is_held else None

    @property
    def running(self) -> Collection[Running]:
        """What runs now."""
        return self._executor.running.values()

    @property
    def has_untold(self) -> bool:
        """Whether lines or progress of its jobs are yet to be stored."""
        return self._recorder.has_untold

    def _session_at_work(self) -> str | None:
        """The session, while it has jobs."""
        return self.session.id if self.session and (self._working or self._buffer.jobs) else None

    def _hear(self, pulse: Pulse) -> None:
        """Stop what is to be stopped; everything, when the session is lost."""
        if not pulse.alive:
            self._lose_session()
            return
        self._heard_at = self.timing.monotonic()
        self._heart.trouble = None
        if self._fetcher.is_held:
            self._fetcher.is_held = False
            self.emit(ServiceChanged("heart", Status.RUNNING))
            self._fetcher.wake()
        self._heed(pulse.stops)

    def _heed(self, stops: Sequence[StopRequest]) -> None:
        """Stop what is to be stopped, if it has not ended meanwhile."""
        for request in stops:
            running = self._executor.running.get(request.token)
            if running is not None:
                running.end(Ending.STOP, request.reason)
            elif (job := self._buffer.take_out(request.token)) is not None:
                self._acker.add(stopped_unbegun(job, request.reason))

    def _mind_silence(self, now: float) -> None:
        """Claim nothing while no pulse is heard: the jobs held may be others' by now."""
        term = self.options.rescue_after.total_seconds()
        if self.session is None or self._fetcher.is_held or now - self._heard_at <= term:
            return
        self._fetcher.is_held = True
        told = (
            f"no pulse was heard for {term:g} s; nothing is claimed until one is{self._trouble()}"
        )
        self.emit(ServiceChanged("heart", Status.ERROR, told))

    def _lose_session(self) -> None:
        """Others have been given our jobs: end them here, and begin anew under another name."""
        session, self.session = self.session, None
        self._fetcher.session = None
        if session is None:
            return
        silent = self.timing.monotonic() - self._heard_at
        reason = f"it was heard of {silent:.0f} s ago, and others have its jobs by now"
        self.emit(SessionLost(session.id, reason + self._trouble()))
        self._buffer.jobs.clear()
        for running in list(self._executor.running.values()):
            running.end(Ending.LOST, "the session was lost")
        self.wake()

    def _trouble(self) -> str:
        """What the heart last met with."""
        trouble = self._heart.trouble
        return f"; the last beat that failed: {trouble}" if trouble else ""

    async def _renew(self) -> None:
        await self._heart.stop()
        await self._begin_session()
        self._fetcher.wake()

    def _new_slot(self) -> asyncio.Task[None]:
        return asyncio.create_task(self._slot(), name="onbeat-slot")

    async def _slot(self) -> None:
        """Run one job after the other."""
        task = asyncio.current_task()
        in_a_row = 0
        while (job := self._buffer.next() or await self._buffer.take()) is not None:
            self._demand.busy += 1
            self._working[task] = job
            if self._is_idle:
                self._is_idle = False
                self.wake()
            reach(STARTING)
            try:
                untold = None if job.losses is None else await self._tell_begun(job)
                ack = untold or await self._executor.execute(job, task)
            finally:
                is_awaited = self._working.pop(task, None) is not None
                self._demand.busy -= is_awaited
            if not is_awaited:  # given up meanwhile: another slot has taken this one's place
                return
            reach(ENDED)
            self._acker.add(ack)
            self._ended += 1
            if not self._buffer.jobs:
                self._fetcher.have_room()
            in_a_row += 1
            if in_a_row >= BREATHE_AFTER:
                in_a_row = 0
                self._fetcher.have_room()
                await asyncio.sleep(0)

    async def _tell_begun(self, job: ClaimedJob) -> Ack | None:
        """Put on record that a job begins under which a worker has died; how it goes back if not.

        Should this worker die too, only those that had begun are under suspicion: with each worker
        that a job killed, up to 4,000 others that it had claimed were lost, and some set aside.
        """
        try:
            is_held = await self._store.write(
                lambda connection, now: workers.tell_begun(connection, now, job.token)
            )
        except StoreError:
            is_held = False
        return None if is_held else not_begun(job, "that could not be put on record")

    def _observe(self, now: float) -> None:
        is_full = bool(self._buffer.jobs) or self._demand.busy >= self.options.slots
        self._demand.observe(self._ended, now - self._looked_at, is_full=is_full)
        self._ended, self._looked_at = 0, now

    def _give_back_stale(self) -> None:
        """Let others have what has waited for long: the jobs here take longer than was thought."""
        if self._demand.busy < self.options.slots:
            return
        stale = self._buffer.take_stale(STALE_AFTER)
        if stale:
            self._demand.forget()
        for job in stale:
            self._acker.add(not_begun(job, "all slots were busy"))

    def _give_back_under(self, breaker: str) -> None:
        """Let go of what was claimed before a breaker opened: it would spend its attempts."""
        for job in self._buffer.take_those(partial(is_under, self._registry, breaker)):
            self._acker.add(not_begun(job, f"breaker {breaker} is open"))

    def _abandon(self, running: Running) -> None:
        """Decide the outcome of a job that swallows its cancels, and put another slot in place."""
        slot = running.task
        job = self._working.pop(slot, None)
        if job is None or slot is None:
            return
        running.is_given_up = True
        self._demand.busy -= 1
        ack = ack_of_abandoned(running, job, self._registry, self._store.randomness)
        self._acker.add(ack)
        self._executor.count(job, ack, running.age.total_seconds())
        self.emit(
            JobEnded(
                job.id, job.task, job.attempt, job.max_attempts, ack.outcome, ack.move,
                running.age, ack.reason, ack.delay,
                None if ack.failure is None else ack.failure.error_class,
            )
        )  # fmt: skip
        self._slots.remove(slot)
        if not self.draining:
            self._slots.append(self._new_slot())

    async def _let_end(self) -> None:
        """Wait for running jobs within the grace period, then interrupt what is left."""
        if not self._slots:
            return
        _, left = await asyncio.wait(self._slots, timeout=self.options.grace.total_seconds())
        for running in list(self._executor.running.values()):
            running.end(Ending.SHUTDOWN, "the worker is shutting down")
        if left:
            _, left = await asyncio.wait(left, timeout=self.options.stubborn_after.total_seconds())
        for slot in left:
            slot.cancel()
        if left:
            await asyncio.wait(left, timeout=LAST_SECONDS)
        for running in list(self._executor.running.values()):
            self._abandon(running)
        self._slots = []

    async def _try(self, change: object) -> None:
        session = self.session
        if session is None:
            return
        with contextlib.suppress(StoreError):  # a courtesy: the rescue does without it
            await self._store.write(
                lambda connection, now: change(connection, now, session.id)  # type: ignore[operator]
            )


def _known(registry: Registry) -> list[KnownTask]:
    """What is to be known of its tasks: names, former ones too, secrets and tags."""
    return [
        KnownTask(name, None if name == task.name else task.name, task.arguments.secrets, task.tags)
        for task in registry
        for name in (task.name, *task.aliases)
    ]
