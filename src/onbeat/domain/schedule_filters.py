"""Which schedules a list is of, and how many stand how."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

LATE_AFTER = timedelta(minutes=1)
"""How long after its moment a schedule that was not planned is late."""

LATELY = timedelta(days=7)
"""Of how long ends are told beside schedules of a list."""


class ScheduleStanding(StrEnum):
    """How a schedule stands."""

    ON = "on"
    PAUSED = "paused"
    BROKEN = "broken"
    """Set aside: it cannot be planned until somebody changes it."""
    LATE = "late"
    """It is on, was due a minute ago, and nobody has planned it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleFilter:
    """What they must be; what is None is not asked."""

    search: str | None = None
    """Within their names and those of their tasks, in any case."""
    standing: ScheduleStanding | None = None
    source: str | None = None
    """`code` for all that code declares, or one as it is told."""
    task: str | None = None
    queue: str | None = None
    tag: str | None = None
    clock: str | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    """What came of a schedule's jobs of late, and of its last one."""

    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    last_state: str | None = None
    """None where there is none on record."""
