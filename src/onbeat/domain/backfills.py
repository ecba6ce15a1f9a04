"""Backfills: moments of a schedule that are over, and whose jobs are wanted after all, or again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from onbeat.domain.errors import InvalidInput
from onbeat.domain.recurrence import Recurrence
from onbeat.domain.recurrence.recurrence import aware

MOST_MOMENTS = 100_000
"""In one backfill. Each is a row, so that what was shown by a dry run is what is done."""

MOST_AT_ONCE = 1_000

INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A backfill as it is asked for."""

    schedule: str
    begin: datetime
    end: datetime
    again: bool = False
    """Whether moments that have had a job are to have another."""
    at_once: int = 1
    """How many of its jobs may be open at one time."""
    priority: int | None = None
    by: str = "api"
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Gaps:
    """Which moments of a range a backfill makes a job for, and how many it leaves alone."""

    moments: Sequence[datetime]
    passed: int
    """Moments that have had a job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """One that was asked for, and how far it has come."""

    id: str
    schedule: str
    begin_at: datetime
    end_at: datetime
    at_once: int
    total: int
    """How many jobs it makes in all."""
    made: int
    open: int
    """How many of its jobs have not ended."""
    by: str
    why: str | None
    created_at: datetime
    ended_at: datetime | None
    stopped: str | None
    """Why it ended before all its jobs were made."""


def check_range(begin: datetime, end: datetime, now: datetime) -> None:
    """Refuse a range that is none, or not over yet; `now` is the time of the schedule's clock."""
    begin, end = aware(begin, "from"), aware(end, "to")
    if end < begin:
        raise InvalidInput("to", f"{end.isoformat()} is before from {begin.isoformat()}")
    if end > now:
        raise InvalidInput("to", f"{end.isoformat()} is yet to come; give {now.isoformat()} or "
                           "sooner: later moments are the schedule's own")  # fmt: skip


def check_at_once(at_once: int) -> int:
    """Return how many jobs of a backfill may be open at one time."""
    if not 1 <= at_once <= MOST_AT_ONCE:
        raise InvalidInput("at_once", f"{at_once} is out of range; give 1 to {MOST_AT_ONCE:,}")
    return at_once


def moments_between(recurrence: Recurrence, begin: datetime, end: datetime) -> list[datetime]:
    """All moments from `begin` to `end`, both included. Raises InvalidInput for too many."""
    if recurrence.after_finish is not None:
        raise InvalidInput("name", "it is due after its last job's end, and has no moments to fill")
    found: list[datetime] = []
    moment = recurrence.next(begin - INSTANT)
    while moment is not None and moment <= end:
        if len(found) == MOST_MOMENTS:
            raise InvalidInput("to", f"more than {MOST_MOMENTS:,} moments lie between; give one "
                               f"before {moment.isoformat()}, and the rest afterwards")  # fmt: skip
        found.append(moment)
        moment = recurrence.next(moment)
    return found
