"""The base of everything that runs in the background, and of users' own services.

    STOPPED ─ start ─▶ STARTING ─ set up ─▶ RUNNING ⇄ PAUSED
       ▲                  ▲                    │ a step fails
       └── stop (drain)   └── after a delay ── ERROR

A store that cannot be used is no reason to start anew: the step is tried again, at most a second
apart, and the service stays in ERROR, said once, until a step succeeds.

A service says what one step of its work is, and how long it may rest after it. Waiting, waking,
pausing, timing, counting, backing off and ending are done here, once, for all of them.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from onbeat.domain.errors import SourceUnavailable, StoreReadOnly, StoreUnavailable
from onbeat.domain.events import Emit, ServiceChanged, discard
from onbeat.domain.recurrence import Recurrence
from onbeat.domain.services import Snapshot, Status, restart_delay, retry_delay
from onbeat.outbound.tally import Tally
from onbeat.timing import SystemTiming, Timing, within

FOREVER = 3600.0
"""Longest rest in seconds: nothing is left to a wakeup alone for longer."""

OUTAGES = (StoreUnavailable, StoreReadOnly, SourceUnavailable)
"""What ends by itself, or when somebody mends the store: a failover is read-only for a while."""


class Service(ABC):
    """A supervised background loop: write `step`, and `set_up` and `clean_up` if needed."""

    can_rest = True
    """Whether it can be paused or stopped, and started again, while its process goes on."""
    works_while_paused = False
    """Whether it takes steps all the same, and looks itself at whether it is paused."""

    def __init__(
        self,
        *,
        id: str,  # noqa: A002 - the users' own word for it
        name: str | None = None,
        critical: bool = True,
        auto_start: bool = True,
        timeout: timedelta | None = None,
        timing: Timing | None = None,
        emit: Emit = discard,
    ) -> None:
        """Name it. `critical` ones are restarted after a failure; `timeout` bounds one step."""
        self.id = id
        self.name = name or id
        self.critical = critical
        self.auto_start = auto_start
        self.timeout = timeout
        self.timing = timing or SystemTiming()
        self.emit = emit
        self.told_change: Callable[[], None] = _nobody
        """Who is told that its status has changed."""
        self.tally: Tally | None = None
        """What counts its requests to the outside; most make none."""
        self.status = Status.STOPPED
        self.draining = False
        self._woken = asyncio.Event()
        self._resumed = asyncio.Event()
        self._ready = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_set_up = False
        self._in_outage = False
        self._failures_in_a_row = 0
        self._runs = self._failures = 0
        self._time_spent = timedelta()
        self._last_duration: timedelta | None = None
        self._last_success_at: datetime | None = None
        self._last_error: str | None = None
        self._resumed.set()

    @abstractmethod
    async def step(self) -> float:
        """Do one unit of work; return how many seconds to rest, 0 for none."""

    async def set_up(self) -> None:  # noqa: B027 - most have nothing to do
        """Prepare; called before the first step, and again after a failed one."""

    async def clean_up(self) -> None:  # noqa: B027 - as above
        """Let go of what `set_up` took; called after the last step, and after a failed one."""

    async def start(self) -> None:
        """Start, and return when it is set up or has failed to be. Starting twice does nothing."""
        if self._task is not None and not self._task.done():
            return
        self.draining = False
        self._ready.clear()
        self._task = asyncio.create_task(self._supervise(), name=f"onbeat-{self.id}")
        await self._ready.wait()

    async def stop(self) -> None:
        """Let the step under way end, clean up, stop. Stopping twice does nothing."""
        self.draining = True
        self.wake()
        self._resumed.set()
        if self._task is not None:
            # `wait` and not `await`: whoever is cancelled here must not cut the clean-up short.
            await asyncio.wait([self._task])
            task, self._task = self._task, None
            if task is not None and not task.cancelled():
                task.result()

    def pause(self) -> None:
        """Take no more steps until resumed."""
        if self.status is Status.RUNNING:
            self._resumed.clear()
            self._enter(Status.PAUSED)
            self.wake()

    def resume(self) -> None:
        """Go on."""
        if self.status is Status.PAUSED:
            self._enter(Status.RUNNING)
            self._resumed.set()

    @property
    def hindrance(self) -> str | None:
        """Why it does not do its duty though it runs; None while it does. What users write may say
        so too: readiness is told of it.
        """
        return None

    @property
    def is_paused(self) -> bool:
        """Whether it was paused, and not resumed since."""
        return not self._resumed.is_set()

    def wake(self) -> None:
        """End the rest under way."""
        self._woken.set()

    def snapshot(self) -> Snapshot:
        """How it stands now."""
        return Snapshot(
            id=self.id,
            name=self.name,
            status=self.status,
            critical=self.critical,
            draining=self.draining and self.status is not Status.STOPPED,
            runs=self._runs,
            successes=self._runs - self._failures,
            failures=self._failures,
            last_success_at=self._last_success_at,
            last_error=self._last_error,
            last_duration=self._last_duration,
            mean_duration=self._time_spent / self._runs if self._runs else None,
            requests=() if self.tally is None else self.tally.counted(),
        )

    async def _supervise(self) -> None:
        try:
            while not self.draining:
                try:
                    await self._begin()
                    await self._loop()
                except Exception as error:
                    await self._fail(error)
                    if not self.critical and not self._in_outage:
                        return
        finally:
            await self._end()
            self._ready.set()

    async def _begin(self) -> None:
        if not self._in_outage:
            self._enter(Status.STARTING)
        if not self._is_set_up:
            await self.set_up()
            self._is_set_up = True
            self._in_outage = False
        if not self._in_outage or self.is_paused:
            self._enter_loop()
        self._ready.set()

    async def _loop(self) -> None:
        while not self.draining:
            if self.is_paused and not self.works_while_paused:
                await self._resumed.wait()
                continue
            self._woken.clear()
            rest = await self._measured_step()
            if rest > 0 and not self.draining:
                await self.timing.wait(self._woken, min(rest, FOREVER))

    async def _measured_step(self) -> float:
        began = self.timing.monotonic()
        self._runs += 1
        try:
            async with within(self._timeout_seconds):
                rest = await self.step()
        except BaseException:
            self._failures += 1
            raise
        finally:
            self._last_duration = timedelta(seconds=self.timing.monotonic() - began)
            self._time_spent += self._last_duration
        self._last_success_at = self.timing.now()
        self._failures_in_a_row = 0
        if self._in_outage:
            self._enter_loop()
        return rest

    @property
    def woken(self) -> asyncio.Event:
        """The event that ends a rest; wakeups of the store set it."""
        return self._woken

    @property
    def _timeout_seconds(self) -> float | None:
        return None if self.timeout is None else self.timeout.total_seconds()

    async def _fail(self, error: Exception) -> None:
        """Say so, clean up unless the store is merely out of reach, wait before the next try."""
        self._failures_in_a_row += 1
        self._last_error = f"{type(error).__name__}: {error}"
        self._enter(Status.ERROR, self._last_error)
        self._in_outage = isinstance(error, OUTAGES)
        if not self._in_outage:
            await self._clean_up_once()
        self._ready.set()
        self._woken.clear()
        if (self.critical or self._in_outage) and not self.draining:
            delay = retry_delay if self._in_outage else restart_delay
            seconds = delay(self._failures_in_a_row).total_seconds()
            await self.timing.wait(self._woken, seconds)

    async def _end(self) -> None:
        await self._clean_up_once()
        if self.status is not Status.ERROR or self.draining:
            self._enter(Status.STOPPED)

    async def _clean_up_once(self) -> None:
        if self._is_set_up:
            self._is_set_up = False
            try:
                await self.clean_up()
            except Exception as error:
                self._last_error = f"{type(error).__name__}: {error}"

    def _enter_loop(self) -> None:
        self._in_outage = False
        self._enter(Status.PAUSED if self.is_paused else Status.RUNNING)

    def _enter(self, status: Status, error: str | None = None) -> None:
        if status is not self.status:
            self.status = status
            self.told_change()
            self.emit(ServiceChanged(self.id, status, error))


def _nobody() -> None:
    """Hear nothing."""


class Beat:
    """The moments of a recurrence, each of which comes once; those that nobody awaited are past."""

    def __init__(self, when: Recurrence) -> None:
        """Begin with the first after it is first asked."""
        self.when = when
        self._next_at: datetime | None = None

    def has_come(self, now: datetime) -> bool:
        """Whether a moment has come since this was last asked."""
        if self._next_at is None:
            self._next_at = self.when.next(now)
        if self._next_at is None or now < self._next_at:
            return False
        self._next_at = self.when.next(now)
        return True

    def rest(self, now: datetime) -> float:
        """Seconds until the next."""
        if self._next_at is None:
            return FOREVER
        return max(0.001, (self._next_at - now).total_seconds())


async def tried(run: Callable[[], Awaitable[None]], retries: int) -> None:
    """Run it, and again at once where it fails, so many times. Raises what it raised last."""
    for left in range(retries, -1, -1):
        try:
            await run()
        except Exception:
            if left == 0:
                raise
        else:
            return


class PeriodicService(Service):
    """A service that works at the moments of a recurrence: `run_once` is what to write."""

    def __init__(self, *, when: Recurrence, retries: int = 0, **options: object) -> None:
        """Work at each moment of `when`; try a failed run again up to `retries` times at once."""
        super().__init__(**options)  # type: ignore[arg-type] # the base's own keywords
        self.retries = retries
        self._beat = Beat(when)

    @property
    def when(self) -> Recurrence:
        """When it works."""
        return self._beat.when

    def work_at(self, when: Recurrence) -> None:
        """Work at the moments of `when` instead, from the next one on."""
        self._beat = Beat(when)

    @abstractmethod
    async def run_once(self) -> None:
        """Do the work of one moment."""

    async def step(self) -> float:
        """Work if the moment has come; rest until the next."""
        if self._beat.has_come(self.timing.now()):
            await tried(self.run_once, self.retries)
        return self._beat.rest(self.timing.now())
