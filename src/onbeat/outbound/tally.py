"""Counts the requests to the outside that one part of a process makes, from any thread."""

from __future__ import annotations

import threading

from onbeat.domain.requests import RequestOutcome, Requests


class Tally:
    """Requests so far."""

    def __init__(self) -> None:
        """None yet."""
        self._lock = threading.Lock()
        self._kinds: dict[str, Requests] = {}

    def count(self, kind: str, outcome: RequestOutcome, seconds: float) -> None:
        """Count one that took so long."""
        with self._lock:
            before = self._kinds.get(kind) or Requests(kind=kind)
            self._kinds[kind] = before.with_one(outcome, seconds)

    def counted(self) -> tuple[Requests, ...]:
        """What came of them, by kind."""
        with self._lock:
            return tuple(self._kinds.values())
