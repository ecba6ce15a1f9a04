"""Which schedules a list is of, and how many stand how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

LATE_AFTER = timedelta(minutes=1)
"""How long after its moment a schedule that was not planned is late."""

LATELY = timedelta(days=7)
"""Of how long ends are told beside schedules of a list."""

LAST_MOMENTS = 20
"""Moments, or ranges of them, that are told beside a schedule of a list: the last ones."""


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
class Came:
    """What came of a moment a schedule was due, or of an unbroken range of them."""

    due_at: datetime
    through_at: datetime | None
    """The last moment of a range; None for a single one."""
    came: str
    """The state of its job; else the outcome on record, also where its job is no longer there."""
    job: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    """What came of a schedule's jobs of late, and of its last one."""

    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    last_state: str | None = None
    """None where there is none on record."""
    moments: Sequence[Came] = ()
    """The last ones, the newest first."""
