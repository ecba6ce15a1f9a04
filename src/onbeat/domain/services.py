"""What a background service can be in, and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from onbeat.domain.requests import Requests
from onbeat.domain.sources.listening import Listening


class Status(StrEnum):
    """STOPPED → STARTING → RUNNING ⇄ PAUSED; ERROR after a failed step, then STARTING again."""

    STOPPED = "STOPPED"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A service as it stands: what health, the CLI and metrics read."""

    id: str
    name: str
    status: Status
    critical: bool
    draining: bool = False
    runs: int = 0
    """Steps taken; successes and failures add up to it."""
    successes: int = 0
    failures: int = 0
    last_success_at: datetime | None = None
    last_error: str | None = None
    last_duration: timedelta | None = None
    mean_duration: timedelta | None = None
    requests: tuple[Requests, ...] = ()
    """What it has asked the outside, by kind."""
    listening: Listening | None = None
    """How it stands with what it listens to, where it is a source, and this process listens."""

    @property
    def healthy(self) -> bool:
        """Whether it does its duty, or was told not to."""
        return self.status in (Status.RUNNING, Status.PAUSED)


FIRST_RESTART_DELAY = timedelta(milliseconds=500)
LONGEST_RESTART_DELAY = timedelta(seconds=30)
FIRST_RETRY_DELAY = timedelta(milliseconds=100)
LONGEST_RETRY_DELAY = timedelta(seconds=1)
"""An outage costs at most this much more than it lasts, so that a fleet is soon at work again."""


def restart_delay(failures_in_a_row: int) -> timedelta:
    """How long a failed service waits: 0.5 s, doubling, at most 30 s."""
    return _doubled(FIRST_RESTART_DELAY, failures_in_a_row, LONGEST_RESTART_DELAY)


def retry_delay(failures_in_a_row: int) -> timedelta:
    """How long to wait before the store is tried again: 0.1 s, doubling, at most 1 s."""
    return _doubled(FIRST_RETRY_DELAY, failures_in_a_row, LONGEST_RETRY_DELAY)


def _doubled(first: timedelta, failures_in_a_row: int, longest: timedelta) -> timedelta:
    doublings = min(max(0, failures_in_a_row - 1), 16)
    return min(first * (1 << doublings), longest)
