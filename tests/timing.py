"""Time that moves when a test says so."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

START = datetime(2030, 6, 15, 12, tzinfo=UTC)
"""When tests begin: a quiet noon, far from midnight, month's end and clock changes."""


class ManualTiming:
    """A `Timing` whose clocks stand still until they are moved."""

    is_real = False

    def __init__(self, start: datetime = START) -> None:
        """Stand at `start`."""
        self._now = start
        self._elapsed = self._slept_for = timedelta()
        self._moved = asyncio.Event()
        self._sleepers: set[object] = set()
        self._slept = asyncio.Event()

    def now(self) -> datetime:
        """The wall clock."""
        return self._now

    def monotonic(self) -> float:
        """Seconds it was advanced, whatever the wall clock was set to."""
        return self._elapsed.total_seconds()

    def boottime(self) -> float:
        """The same, and how long the machine slept."""
        return (self._elapsed + self._slept_for).total_seconds()

    def suspend(self, by: timedelta) -> None:
        """Suspend the machine for so long: the monotonic clock and all waits stand still."""
        self._now += by
        self._slept_for += by

    def set(self, moment: datetime) -> None:
        """Set the wall clock, back too, as an operator might; monotonic time stays."""
        self._now = moment

    def advance(self, *, by: timedelta | None = None, seconds: float = 0) -> datetime:
        """Let time pass, and wake those whose wait is over; the moment it is then."""
        step = (by or timedelta()) + timedelta(seconds=seconds)
        self._now += step
        self._elapsed += step
        self._sleepers.clear()
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()
        return self._now

    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        """Wait until `event` is set or time was advanced by `seconds`; whether it was set."""
        give_up = self._elapsed + timedelta(seconds=seconds)
        while not event.is_set() and self._elapsed < give_up:
            sleeper = object()
            self._sleepers.add(sleeper)
            self._slept.set()
            try:
                await _first_of(event, self._moved)
            finally:
                self._sleepers.discard(sleeper)
        return event.is_set()

    async def asleep(self) -> None:
        """Wait until somebody waits for the time to pass."""
        while not self._sleepers:
            self._slept.clear()
            await self._slept.wait()


async def _first_of(*events: asyncio.Event) -> None:
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
