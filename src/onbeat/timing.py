"""The time and the randomness a process lives by: given to whoever needs them, never fetched.

A store, a service or a worker that is handed another `Timing` lives on another time: that is how
tests and simulations move it.
"""

from __future__ import annotations

import asyncio
import os
import random
import struct
import sys
import time
from datetime import UTC, datetime
from types import TracebackType
from typing import Protocol

from onbeat.domain.jobs import JobId


class Timing(Protocol):
    """A wall clock, a clock that only goes forward, and a way to wait."""

    @property
    def is_real(self) -> bool:
        """Whether this is the machine's own time, so that a database may use its own instead."""
        ...

    def now(self) -> datetime:
        """The moment it is, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since some fixed point; only differences mean something."""
        ...

    def boottime(self) -> float:
        """The same, and the time the machine slept counts too, where that is known."""
        ...

    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        """Wait until `event` is set, at most `seconds`; whether it was set."""
        ...


_BOOT_CLOCK: int | None = getattr(time, "CLOCK_BOOTTIME", None)


class SystemTiming:
    """The machine's own clocks."""

    is_real = True

    def now(self) -> datetime:
        """The system's wall clock."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """The system's monotonic clock: Linux' stands still while the machine sleeps."""
        return time.monotonic()

    def boottime(self) -> float:
        """Linux' CLOCK_BOOTTIME; elsewhere the monotonic clock."""
        return time.monotonic() if _BOOT_CLOCK is None else time.clock_gettime(_BOOT_CLOCK)

    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        """Wait on the running event loop."""
        if event.is_set():
            return True
        try:
            async with within(seconds):
                await event.wait()
        except TimeoutError:
            return False
        return True


class SoundTimeout(asyncio.Timeout):  # type: ignore[misc] # final, but wrong before 3.11.3
    """`asyncio.Timeout` that is over as such also in a task that is being cancelled.

    Before Python 3.11.3, which is Debian 12's, it ended there in CancelledError (gh-102780): what
    cleaned up after a cancel was cut off where it had only waited long enough.
    """

    async def __aenter__(self) -> SoundTimeout:
        """Note how often the task was asked to end before."""
        task = asyncio.current_task()
        self._asked_before = 0 if task is None else task.cancelling()
        await super().__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Raises TimeoutError when the time is over and nobody else has asked the task to end."""
        await super().__aexit__(kind, error, trace)
        task = asyncio.current_task()
        is_ours = task is not None and task.cancelling() <= self._asked_before
        if self.expired() and kind is asyncio.CancelledError and is_ours:
            raise TimeoutError from error


def within(seconds: float | None) -> asyncio.Timeout:
    """What `asyncio.timeout` gives: raises TimeoutError after so many seconds; None for never."""
    if sys.version_info >= (3, 11, 3):
        return asyncio.timeout(seconds)
    when = None if seconds is None else asyncio.get_running_loop().time() + seconds
    return SoundTimeout(when)


class Ids:
    """Makes UUIDv7 ids (RFC 9562 §5.7) that grow within one process, even in one millisecond.

    48 bits of milliseconds, 12 bits of a counter that starts anew each millisecond (§6.2,
    method 1), 62 random bits. A millisecond that uses up its counter borrows from the next.
    """

    COUNTER_BITS = 12

    def __init__(self, timing: Timing, source: random.Random | None = None) -> None:
        """Take the time from `timing`, the random bits from `source`, or the system's own."""
        self._timing = timing
        self._source = source
        self._last = 0

    def one(self) -> JobId:
        """Make one id."""
        return self.many(1)[0]

    def many(self, count: int) -> list[JobId]:
        """Make `count` ids, each greater than the one before."""
        milliseconds = int(self._timing.now().timestamp() * 1000)
        first = max(milliseconds << self.COUNTER_BITS, self._last + 1)
        self._last = first + count - 1
        noise = struct.unpack(f">{count}Q", self._noise(count))
        return [_uuid7(first + number, bits) for number, bits in enumerate(noise)]

    def _noise(self, count: int) -> bytes:
        return os.urandom(8 * count) if self._source is None else self._source.randbytes(8 * count)


def _uuid7(stamp: int, noise: int) -> JobId:
    # One number, formatted once: 0.6 us; in three parts 1.8.
    head = (stamp >> 12 << 16) | 0x7000 | (stamp & 0xFFF)
    tail = 0x8000000000000000 | (noise & 0x3FFFFFFFFFFFFFFF)
    return JobId(f"{head << 64 | tail:032x}")
