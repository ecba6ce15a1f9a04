"""A schedule: a recurrence plus the policies that say what to do with each of its moments."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Protocol

import msgspec

from onbeat.domain.durations import format_duration, parse_duration
from onbeat.domain.errors import InvalidInput
from onbeat.domain.jobs import DEFAULT_MAX_ATTEMPTS, DEFAULT_PRIORITY, DEFAULT_QUEUE, JobId
from onbeat.domain.recurrence import Recurrence


class CatchUpMode(StrEnum):
    """Which of the moments missed while nobody ticked still make a job."""

    ALL = "all"
    LATEST = "latest"
    FIRST = "first"
    NONE = "none"


class Overlap(StrEnum):
    """What to do when a moment comes and the schedule's last job has not ended."""

    SKIP = "skip"
    ALLOW = "allow"


MAX_CATCH_UP = 1_000
"""How many missed moments `all` turns into jobs at once; what is over it is on record as missed."""


@dataclass(frozen=True, slots=True)
class CatchUp:
    """Which missed moments still count, and how far back."""

    mode: CatchUpMode = CatchUpMode.LATEST
    window: timedelta = timedelta(days=1)

    def __str__(self) -> str:
        if self.mode is CatchUpMode.NONE:
            return "none"
        return f"{self.mode} within {format_duration(self.window)}"


def parse_catch_up(text: str) -> CatchUp:
    """Read "latest", "latest within 6h", "all within 1d", "first" or "none"."""
    mode, _, window = text.strip().lower().partition(" within ")
    if mode not in set(CatchUpMode):
        allowed = ", ".join(CatchUpMode)
        raise InvalidInput("catch_up", f"{text!r} is not known; give one of {allowed}, "
                           "and how far back as in 'latest within 6h'")  # fmt: skip
    if not window:
        return CatchUp(CatchUpMode(mode))
    return CatchUp(CatchUpMode(mode), parse_duration(window, "catch_up"))


def parse_overlap(text: str) -> Overlap:
    """Read "skip" or "allow"."""
    if text not in set(Overlap):
        raise InvalidInput("overlap", f"{text!r} is not known; give one of {', '.join(Overlap)}")
    return Overlap(text)


class OccurrenceOutcome(StrEnum):
    """The one recorded end of each moment a schedule was due."""

    RAN = "ran"
    LATE = "late"
    COALESCED = "coalesced"
    SKIPPED = "skipped"
    MISSED = "missed"

    @property
    def makes_job(self) -> bool:
        """Whether this outcome has a job of its own."""
        return self in (OccurrenceOutcome.RAN, OccurrenceOutcome.LATE)


class Occurrence(msgspec.Struct, frozen=True):
    """One moment a schedule was due, or one unbroken range of them that shares an outcome."""

    due_at: datetime
    outcome: OccurrenceOutcome
    through_at: datetime | None = None
    """The last moment of a range; None for a single one."""
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When to make which job, and what was last done about it."""

    id: str
    name: str
    task: str
    recurrence: Recurrence
    args: str = "{}"
    queue: str = DEFAULT_QUEUE
    priority: int = DEFAULT_PRIORITY
    max_attempts: int = DEFAULT_MAX_ATTEMPTS
    options: str | None = None
    """JSON of what its jobs override of their task: timeout, retry."""
    catch_up: CatchUp = field(default_factory=CatchUp)
    overlap: Overlap = Overlap.SKIP
    start_at: datetime | None = None
    end_at: datetime | None = None
    limit: int | None = None
    """How many jobs it may make in all; None for no limit."""
    made: int = 0
    """How many jobs it has made."""
    source: str = "api"
    """`code:<application>` when declared in code, `api` when made at run time."""
    version: int = 1
    created_at: datetime | None = None
    next_due_at: datetime | None = None
    last_due_at: datetime | None = None
    last_job: JobId | None = None
    paused_at: datetime | None = None
    paused_by: str | None = None
    broken: str | None = None
    """Why it was set aside: it could not be planned. Editing it puts it back."""


class Plannable(Protocol):
    """What planning must know: a Schedule has it, and so do the few columns that a tick reads."""

    @property
    def recurrence(self) -> Recurrence:
        """When it is due."""
        ...

    @property
    def catch_up(self) -> CatchUp:
        """Which missed moments still count."""
        ...

    @property
    def overlap(self) -> str:
        """What to do while its last job has not ended."""
        ...

    @property
    def end_at(self) -> datetime | None:
        """The last moment it may be due."""
        ...

    @property
    def limit(self) -> int | None:
        """How many jobs it may make in all."""
        ...

    @property
    def made(self) -> int:
        """How many it has made."""
        ...

    @property
    def next_due_at(self) -> datetime | None:
        """When it is due next."""
        ...


def check_window(start_at: datetime | None, end_at: datetime | None, limit: int | None) -> None:
    """Refuse a schedule that could never make a job for reasons other than its recurrence."""
    for name, moment in (("start", start_at), ("end", end_at)):
        if moment is not None and moment.tzinfo is None:
            raise InvalidInput(name, f"{moment.isoformat()} has no zone; add one, such as +00:00")
    if start_at is not None and end_at is not None and end_at < start_at:
        raise InvalidInput("end", f"{end_at.isoformat()} is before start {start_at.isoformat()}")
    if limit is not None and limit < 1:
        raise InvalidInput("limit", f"{limit} is out of range; give 1 or more, or leave it out")


def first_due(schedule: Schedule, now: datetime) -> datetime | None:
    """The first moment at or after both `now` and the schedule's start; None if none remains."""
    begin = max(now, schedule.start_at) if schedule.start_at else now
    wait = schedule.recurrence.after_finish
    if wait is not None:
        return within_end(schedule, begin)
    return within_end(schedule, schedule.recurrence.next(begin - timedelta(microseconds=1)))


def within_end(schedule: Plannable, moment: datetime | None) -> datetime | None:
    """`moment`, or None when it lies past the schedule's end, which is inclusive."""
    if moment is None or (schedule.end_at is not None and moment > schedule.end_at):
        return None
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)
