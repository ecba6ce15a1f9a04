"""The kit's time: a wall clock that stands until the test moves it.

`now` is virtual alone: all that is done between two moves has the same moment. `monotonic` also
counts real seconds, for real is what a job's code takes: its timeout holds where it hangs. A wait
up to `SHORT` is real (the gathering of acks and log lines, looks at deadlines of what runs); a
longer one ends when the clock is moved.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from onbeat.testing.errors import KitError
from onbeat.timing import SystemTiming

SHORT = 0.2
"""Seconds. The engine's waits of less are for what happens inside a process in real time."""


class VirtualClock:
    """The `Timing` of the kit's engine; from any thread and loop."""

    is_real = False

    def __init__(self, start: datetime) -> None:
        """Stand at `start`."""
        self._now = start
        self._passed = timedelta()
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._sleeps: dict[object, tuple[timedelta, Callable[[], None]]] = {}

    def now(self) -> datetime:
        """Where the test has moved it."""
        return self._now

    def monotonic(self) -> float:
        """Seconds it was moved, and real ones."""
        return self._passed.total_seconds() + time.monotonic() - self._began

    def boottime(self) -> float:
        """The same: this machine does not sleep."""
        return self.monotonic()

    def move(self, moment: datetime) -> None:
        """Move on to `moment`, and wake those whose waits are over."""
        self._passed += moment - self._now
        self._now = moment
        with self._lock:
            over = [key for key, (until, _) in self._sleeps.items() if until <= self._passed]
            calls = [self._sleeps.pop(key)[1] for key in over]
        for call in calls:
            call()

    def begin_sleep(self, key: object, seconds: float, wake: Callable[[], None]) -> None:
        """Call `wake`, from whichever thread moves the clock, once it was moved by `seconds`."""
        with self._lock:
            self._sleeps[key] = (self._passed + timedelta(seconds=seconds), wake)

    def end_sleep(self, key: object) -> None:
        """Do not call."""
        with self._lock:
            self._sleeps.pop(key, None)

    def ends_at(self, key: object) -> datetime | None:
        """When that sleep is over; None when it is."""
        with self._lock:
            sleep = self._sleeps.get(key)
        return None if sleep is None else self._now + (sleep[0] - self._passed)

    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        """Wait until `event` is set or the clock was moved by `seconds`; whether it was set."""
        if seconds <= SHORT:
            return await SystemTiming().wait(event, seconds)
        return await self.wait_for_move(object(), event, seconds)

    async def wait_for_move(
        self,
        key: object,
        event: asyncio.Event,
        seconds: float,
        begun: Callable[[], None] = lambda: None,
    ) -> bool:
        """The same, however short it is; `begun` is called once `ends_at` knows of `key`."""
        if event.is_set():
            return True
        loop = asyncio.get_running_loop()
        moved = loop.create_future()
        self.begin_sleep(key, seconds, lambda: _settle_soon(loop, moved))
        begun()
        told = loop.create_task(event.wait())
        try:
            await asyncio.wait((moved, told), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.end_sleep(key)
            told.cancel()
        return event.is_set()


class BystandersTiming:
    """The same time for the test's and the application's own calls, which run no engine."""

    is_real = False

    def __init__(self, clock: VirtualClock, is_running: Callable[[], bool]) -> None:
        """Live by `clock`; `is_running` says whether the engine runs just now."""
        self._clock = clock
        self._is_running = is_running
        self.now = clock.now
        self.monotonic = clock.monotonic
        self.boottime = clock.boottime

    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        """Wait in real time while the engine runs. Raises KitError when nothing will ever come."""
        if not self._is_running() and not event.is_set():
            raise KitError(
                "what is waited for has not happened, and nothing runs while the test itself does; "
                "let it happen first: kit.drain() or kit.advance(…)"
            )
        return await SystemTiming().wait(event, seconds)


def _settle_soon(loop: asyncio.AbstractEventLoop, future: asyncio.Future[None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(settle, future)


def settle(future: asyncio.Future[None]) -> None:
    """End the wait for `future`, unless it has ended."""
    if not future.done():
        future.set_result(None)
