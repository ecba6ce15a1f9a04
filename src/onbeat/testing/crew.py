"""The kit's worker: the real one, which beats and claims when the kit says so."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from contextvars import copy_context
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from random import Random

from sqlalchemy import Connection, select

from onbeat.crash_points import CrashPoint
from onbeat.domain.events import JobEnded, JobStarted
from onbeat.domain.jobs import JobId
from onbeat.domain.workers import DEFAULT_HEARTBEAT, DEFAULT_RESCUE_AFTER, Pulse
from onbeat.runtime.tasks import Registry
from onbeat.runtime.worker.heartbeat import Hear, Heart
from onbeat.runtime.worker.worker import Worker, WorkerOptions
from onbeat.store import ends
from onbeat.store.opening import open_store
from onbeat.store.schema import queues as queued
from onbeat.store.schema import ready
from onbeat.testing import crashes
from onbeat.testing.clock import VirtualClock
from onbeat.testing.errors import JobHangs, KitError
from onbeat.testing.lifeline import Lifeline
from onbeat.testing.rehearsal import Rehearsal
from onbeat.timing import within

MOST_ATTEMPTS = 100_000
"""Attempts at one moment; a job that always asks for another would go on for ever."""


NO_TIME = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """What the kit's worker does."""

    queues: Sequence[str]
    slots: int
    patience: timedelta
    """How long, in real time, the kit waits while no job begins or ends."""
    seed: str
    """What jitter and ids are drawn from."""


class KitHeart(Heart):
    """Beats when the kit moves the clock: a jump of hours must not look like silence."""

    def __init__(self, store: Lifeline) -> None:
        """Beat through the worker's store."""
        super().__init__(DEFAULT_HEARTBEAT, DEFAULT_RESCUE_AFTER)
        self._store = store
        self._session: str | None = None
        self._hear: Hear = lambda _: None
        self._beaten_at = store.timing.now()

    async def start(self, session: str, hear: Hear) -> None:
        """Remember for whom to beat."""
        self._session, self._hear = session, hear

    async def stop(self) -> None:
        """Beat no more."""
        self._session = None

    async def beat(self) -> None:
        """Say that the session lives, and hear what is to stop."""
        if self._session is not None:
            self._beaten_at = self._store.timing.now()
            self._hear(await self._store.heartbeat(self._session, self.expires_in))

    @property
    def is_due(self) -> bool:
        """Whether the last beat is so long ago that in life another would have followed."""
        return self._store.timing.now() - self._beaten_at >= self.every

    def lose(self) -> None:
        """Let the worker hear that it is dead: it begins nothing more, and ends what runs."""
        self._session = None
        self._hear(Pulse(alive=False))


class Crew:
    """One worker, by the kit's clock."""

    def __init__(self, url: str, clock: VirtualClock, tasks: Registry, trade: Trade) -> None:
        """Run `tasks` as `trade` says."""
        self.tasks = Rehearsal(tasks, clock, self._tell)
        self.crashed: list[CrashPoint] = []
        """Where workers have died."""
        self._url = url
        self._clock = clock
        self._trade = trade
        self._changed = asyncio.Event()
        self._running: dict[JobId, tuple[JobStarted, datetime]] = {}
        self._last_progress = 0.0
        self._attempts = 0
        self._sessions = 0
        self._crash: CrashPoint | None = None
        self.is_away = False
        """Whether no worker runs."""

    async def start(self) -> None:
        """Begin a session, under a context that tells the worker's code from all other."""
        self._loop = asyncio.get_running_loop()
        self._running.clear()
        self._crash = None
        context = copy_context()
        context.run(crashes.process.set, self)
        await self._loop.create_task(self._start(), context=context)

    async def _start(self) -> None:
        self._sessions += 1
        randomness = Random(f"{self._trade.seed} {self._sessions}")  # noqa: S311 - to come again
        self._inner = open_store(self._url, timing=self._clock, randomness=randomness)
        self._store = Lifeline(self._inner, self._tell)
        await self._store.open()
        self._heart = KitHeart(self._store)
        options = WorkerOptions(
            queues=self._trade.queues, slots=self._trade.slots, instance="kit", grace=NO_TIME,
            stubborn_after=timedelta(seconds=1), settle=timedelta(seconds=0.2), heart=self._heart,
        )  # fmt: skip
        self._worker = Worker(self._store, self.tasks, options, emit=self._hear)
        await self._worker.start()
        if self._worker.session is None:
            told = self._worker.snapshot().last_error
            await self.stop()
            raise KitError(f"the worker does not start: {told}")

    async def stop(self) -> None:
        """End the session as a worker that is told to stop; what runs is interrupted at once."""
        if not self.is_away:
            self.tasks.wake_all()
            await self._worker.stop()
            await self._store.close()

    async def leave(self) -> None:
        """Stop, and do nothing until it comes back."""
        await self.stop()
        self.is_away = True

    async def come_back(self) -> None:
        """Start anew, if it was away."""
        if self.is_away:
            await self.start()
            self.is_away = False

    @property
    def session(self) -> str | None:
        """The worker's session; None while it has none."""
        session = self._worker.session
        return None if session is None else session.id

    def is_here(self) -> bool:
        """Whether the worker's code runs now."""
        return crashes.process.get() is self

    def die(self, point: CrashPoint) -> None:
        """Die here and now: called at a crash point, by the worker's own code. Raises what ends the
        task that came there; nothing it does from here on reaches the store.
        """
        self._crash = point
        self._store.cut()
        self._heart.lose()
        self._tell()
        raise asyncio.CancelledError(point)

    async def beat(self) -> None:
        """Say that the worker lives if it is time to, or hear which of its jobs are to stop."""
        if self._heart.is_due or self._asleep():
            await self._heart.beat()

    def next_moment(self) -> datetime | None:
        """When the first job that takes its time ends, or is out of time."""
        ends = [self.tasks.wakes_at()]
        for running in self._worker.running:
            began = self._running.get(running.run.job)
            if running.timeout is not None and began is not None and running.ending is None:
                ends.append(began[1] + running.timeout)
        return min((at for at in ends if at is not None), default=None)

    async def settle(self, *, told: bool = False) -> bool:
        """Run what is pending until all that is left waits for the clock; whether a worker died.

        With `told` also until all that jobs have told is stored. Raises JobHangs, KitError.
        """
        if self.is_away:
            return False
        self._last_progress = time.monotonic()
        self._attempts = 0
        self._store.gives_jobs = True
        has_died = False
        try:
            while True:
                self._changed.clear()
                if self._crash is not None:
                    has_died = True
                    await self._replace()
                if await self._is_still(told=told):
                    return has_died
                await self._wait_for_change()
        finally:
            self._store.gives_jobs = False

    async def _is_still(self, *, told: bool) -> bool:
        if self._is_busy() or (told and self._worker.has_untold):
            return False
        if len(self._asleep()) >= self._trade.slots:
            return True
        if await self._inner.read(partial(is_left, queues=self._trade.queues)):
            self._store.wakeups.deliver_all()
            return False
        return not (self._changed.is_set() or self._is_busy())

    def _is_busy(self) -> bool:
        """Whether anything is under way that is not waiting for the clock."""
        worker, now = self._worker, self._clock.monotonic()
        if any(each.is_overdue(now) for each in worker.running):
            worker.wake()
            return True
        if self._store.in_flight or any(each.ending is not None for each in worker.running):
            return True
        asleep = self._asleep()
        waiting = worker.unbegun() if len(asleep) >= self._trade.slots else set()
        return worker.held() - waiting != asleep

    def _asleep(self) -> set[int]:
        """What runs and waits for the clock; not a thread that was given up on."""
        return {each.run.token for each in self._worker.running} & self.tasks.asleep

    async def _wait_for_change(self) -> None:
        if self._attempts > MOST_ATTEMPTS:
            raise KitError(
                f"{MOST_ATTEMPTS} attempts ended at {self._clock.now().isoformat()}, and there are "
                "more: a job that always asks for another? Give those a delay"
            )
        left = self._last_progress + self._trade.patience.total_seconds() - time.monotonic()
        try:
            async with within(max(0.0, left)):
                await self._changed.wait()
        except TimeoutError:
            raise self._hangs() from None

    def _hangs(self) -> KitError:
        patience = f"{self._trade.patience.total_seconds():g} s"
        names = [
            f"job {started.job} of task {started.task!r}, attempt {started.attempt}"
            for running in self._worker.running
            for started, _ in [self._running[running.run.job]]
            if running.run.token not in self.tasks.asleep
        ]
        if not names:
            return KitError(f"the worker has not come to rest within {patience}")
        return JobHangs(
            f"not ended within {patience} of real time: {'; '.join(names)}. The kit's clock moves "
            "no sleep of a job's own code: make that shorter in tests, let kit.takes(task, …) "
            "stand for the time it takes, or give the kit more patience=…"
        )

    async def _replace(self) -> None:
        """Bury the worker, and start another as whoever watches over it would."""
        assert self._crash is not None  # noqa: S101 - that is why
        self.crashed.append(self._crash)
        self.tasks.wake_all()
        await self._worker.stop()
        await self._store.close()
        await self.start()
        self._store.gives_jobs = True

    def _hear(self, event: object) -> None:
        if isinstance(event, JobStarted):
            self._running[event.job] = (event, self._clock.now())
            self._last_progress = time.monotonic()
        elif isinstance(event, JobEnded):
            self._attempts += 1
            self._last_progress = time.monotonic()

    def _tell(self) -> None:
        """Hear, from any thread, that something has happened which may have ended all work."""
        with contextlib.suppress(RuntimeError):  # the loop has closed: a thread was late
            self._loop.call_soon_threadsafe(self._changed.set)


def is_left(connection: Connection, now: datetime, *, queues: Sequence[str]) -> bool:
    """Whether there is something to run, or an end to follow that lets others run."""
    return claimable(connection, now, queues=queues) or ends.are_left(connection, now)


def claimable(connection: Connection, now: datetime, *, queues: Sequence[str]) -> bool:
    """Whether a job is pending in one of `queues` that is not paused."""
    paused = select(queued.c.name).where(queued.c.paused_at.is_not(None))
    wanted = ready.c.queue.in_(queues) & ready.c.queue.not_in(paused)
    return connection.scalar(select(ready.c.job).where(wanted).limit(1)) is not None
