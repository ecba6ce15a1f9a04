"""What every Python driver shares: it is given one order, and says what it saw in JSON lines.

A driver is `driver.py ORDER` in the environment of its peer; ORDER is one JSON object with a `verb`
(`set_up`, `enqueue_many`, `enqueue_each`, `pace`, `work`, `add_schedules`, `dispatch`) and what the
verb needs. It says `ready` when a worker waits for jobs, and `done` with its figures; its standard
input closes when it is to end. Standard library only: it runs in every peer's environment.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

BATCH = 1_000
PACE_EVERY = 0.02
LOOK_EVERY = 0.002
"""Seconds between looks at whether the store holds the last completion."""

NAP = 0.001


@dataclass(frozen=True)
class Order:
    """What a driver is asked to do."""

    verb: str
    url: str
    count: int = 0
    task: str = "noop"
    rate: float = 0.0
    """Jobs a second, for `pace`."""


def read_order() -> Order:
    """The order this process was started with."""
    return Order(**json.loads(sys.argv[1]))


def say(event: str, **figures: object) -> None:
    """One line for the harness."""
    print(json.dumps({"event": event, **figures}), flush=True)


def await_end() -> None:
    """Until standard input closes."""
    while sys.stdin.readline():
        pass


class Tally:
    """Counts the jobs that run, in the process that runs them; safe to use from threads."""

    def __init__(self, expected: int) -> None:
        self.waits: list[float] = []
        self._expected = expected
        self._starts, self._ends = itertools.count(1), itertools.count(1)
        self._begun_at = self._first_start = self._last_start = self._last_end = 0.0
        self._all_ended = threading.Event()
        self.begin()

    def begin(self) -> None:
        """The scheduler is let go from now on."""
        self._begun_at = time.perf_counter()

    def start(self, sent_at: float = 0.0) -> None:
        """A job's body begins; `sent_at` is the wall clock when it was enqueued, in seconds."""
        if sent_at:
            self.waits.append((time.time() - sent_at) * 1000)

        number = next(self._starts)
        if number == 1:
            self._first_start = time.perf_counter()
        if number == self._expected:
            self._last_start = time.perf_counter()

    def end(self) -> None:
        """A job's body ends."""
        if next(self._ends) == self._expected:
            self._last_end = time.perf_counter()
            self._all_ended.set()

    def report(self, stored_at: float | None = None) -> dict[str, object]:
        """Seconds to the last end, to the last stored completion, and to the last start."""
        return {
            "ended_s": self._last_end - self._first_start,
            "stored_s": (stored_at or self._last_end) - self._first_start,
            "fired_s": self._last_start - self._begun_at,
            "waits_ms": self.waits,
        }

    async def until_ended(self) -> None:
        """Wait for the last end; the waiting costs the event loop nothing."""
        await asyncio.to_thread(self._all_ended.wait)

    async def until_stored(self, is_stored: Callable[[], Awaitable[bool]]) -> None:
        """Wait for the last end, then for the store to hold it, and say `done`."""
        await self.until_ended()
        while not await is_stored():  # noqa: ASYNC110 - a store is asked, it tells nobody
            await asyncio.sleep(LOOK_EVERY)

        say("done", **self.report(time.perf_counter()))

    def until_stored_blocking(self, is_stored: Callable[[], bool]) -> None:
        """The same for drivers that run jobs on threads."""
        self._all_ended.wait()
        while not is_stored():
            time.sleep(LOOK_EVERY)

        say("done", **self.report(time.perf_counter()))


def batches(count: int, size: int = BATCH) -> list[range]:
    """Cut `count` numbers into ranges of at most `size`."""
    return [range(start, min(start + size, count)) for start in range(0, count, size)]


class Pace:
    """How many jobs are due now, when `rate` a second are wanted and `count` in all."""

    def __init__(self, rate: float, count: int) -> None:
        self._rate, self._left = rate, count
        self._began_at = time.perf_counter()
        self._sent = 0

    @property
    def is_over(self) -> bool:
        """Whether all were sent."""
        return self._left <= 0

    def due(self) -> int:
        """How many to send now."""
        due = int((time.perf_counter() - self._began_at) * self._rate) + 1 - self._sent
        due = min(due, self._left, BATCH)
        self._sent += due
        self._left -= due
        return due


async def send_at_pace(order: Order, send: Callable[[int, float], Awaitable[object]]) -> None:
    """Call `send(jobs, now)` every 20 ms with what is due; `done` when all were sent."""
    pace, began_at = Pace(order.rate, order.count), time.perf_counter()
    while not pace.is_over:
        if due := pace.due():
            await send(due, time.time())

        await asyncio.sleep(min(PACE_EVERY, 1 / order.rate))

    say("done", seconds=time.perf_counter() - began_at)


def send_at_pace_blocking(order: Order, send: Callable[[int, float], object]) -> None:
    """The same for clients without an event loop."""
    pace, began_at = Pace(order.rate, order.count), time.perf_counter()
    while not pace.is_over:
        if due := pace.due():
            send(due, time.time())

        time.sleep(min(PACE_EVERY, 1 / order.rate))

    say("done", seconds=time.perf_counter() - began_at)


class Stopwatch:
    """`with Stopwatch(): …` says `done` with the seconds the block took."""

    def __enter__(self) -> None:
        self._began_at = time.perf_counter()

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            say("done", seconds=time.perf_counter() - self._began_at)
