"""What a background service can be in, and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


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

    @property
    def healthy(self) -> bool:
        """Whether it does its duty, or was told not to."""
        return self.status in (Status.RUNNING, Status.PAUSED)


FIRST_RESTART_DELAY = timedelta(milliseconds=500)
LONGEST_RESTART_DELAY = timedelta(seconds=30)


def restart_delay(failures_in_a_row: int) -> timedelta:
    """How long a failed service waits: 0.5 s, doubling, at most 30 s."""
    doublings = min(max(0, failures_in_a_row - 1), 16)
    doubled = FIRST_RESTART_DELAY * (1 << doublings)
    return min(doubled, LONGEST_RESTART_DELAY)
