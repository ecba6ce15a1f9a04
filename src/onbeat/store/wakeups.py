"""Wakeups: hints, which may be lost, that something may be worth doing now.

A waiter names topics and is woken by any of them. Losing a hint costs latency, never work: every
waiter also polls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

SCHEDULER = "\x01scheduler"
"""The topic of those who tick: a schedule or a waiting job may be due earlier than thought."""

ENDS = "\x01ends"
"""The topic of those who follow ends: jobs have ended that others wait for. Never sent to other
processes: each follows what it has stored itself."""

SERVICES = "\x01services"
"""The topic of processes: something is wished of a service."""

STOPS = "\x01stops"
"""The topic of workers: a running job was asked to stop."""


OPERATIONS = "\x01operations"
"""The topic of who carries operations on: one has begun."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """Whether hints of other processes come in; while they do not, who waits polls."""

    is_connected: bool
    took: float | None = None
    """Seconds that the server took for the last exchange; None where there is no server."""


class Wakeups:
    """Hints within one process; `outward`, when set, carries them to the others."""

    def __init__(self) -> None:
        """Start with nobody waiting."""
        self._waiters: dict[str, set[asyncio.Event]] = {}
        self.outward: Callable[[frozenset[str]], None] | None = None
        self.awaited: Callable[[], None] | None = None
        """Called, when set, with each new waiter: from now on somebody is here to be woken."""

    @property
    def has_waiters(self) -> bool:
        """Whether somebody is here to be woken."""
        return any(self._waiters.values())

    def send(self, topics: Iterable[str]) -> None:
        """Wake whoever waits for one of `topics`, here and in other processes."""
        sent = frozenset(topics)
        if not sent:
            return
        self.deliver(sent)
        if self.outward is not None:
            self.outward(sent)

    def deliver(self, topics: Iterable[str]) -> None:
        """Wake those who wait in this process."""
        for topic in topics:
            for event in self._waiters.get(topic, ()):
                event.set()

    def deliver_all(self) -> None:
        """Wake everybody here: hints may have been lost."""
        self.deliver(tuple(self._waiters))

    def subscribe(self, event: asyncio.Event, topics: Iterable[str]) -> None:
        """Set `event` at every hint for one of `topics`, until it is unsubscribed."""
        for topic in topics:
            self._waiters.setdefault(topic, set()).add(event)
        if self.awaited is not None:
            self.awaited()

    def unsubscribe(self, event: asyncio.Event) -> None:
        """Leave `event` alone from now on."""
        for waiters in self._waiters.values():
            waiters.discard(event)


class Allowance:
    """How often a process may send hints to others: each may set a whole fleet to work.

    Ten in a row go out at once, 2 ms apart, which is what idle queues live on; who sends more,
    sends 20 a second, however the hints are spaced. It works like a bucket that holds ten.
    """

    APART = 0.002
    EVERY = 0.05
    """Seconds between two hints in the long run. A NOTIFY's commit takes a lock of the cluster."""
    IN_A_ROW = 10

    def __init__(self) -> None:
        """Start with the bucket full."""
        self._full_at = float("-inf")

    def spend(self, now: float) -> float:
        """Count one that goes out at `now` (seconds); how long to rest before the next may."""
        self._full_at = max(self._full_at, now) + self.EVERY
        return max(self.APART, self._full_at - now - self.IN_A_ROW * self.EVERY)
