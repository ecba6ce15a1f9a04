"""When a schedule should be due next, by its recurrence and what is on record, and what is wrong.

Every scheduler known to us has reports of schedules that stopped in silence, with a next time that
was lost, past or wrong. So what is expected is computed anew and compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from onbeat.domain.planning import INSTANT, next_moment
from onbeat.domain.recurrence import Boot, Unreadable
from onbeat.domain.schedules import Plannable, Schedule, within_end

OVERDUE = timedelta(seconds=60)
"""A schedule that is due for longer is planned by nobody, though somebody watches."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a schedule, and when it should be due."""

    what: str
    next_due_at: datetime | None
    moved_at: datetime | None = None
    """A moment that is the last one again, moved by a change of its zone's rules."""


def is_stale(schedule: Plannable, due: datetime) -> bool:
    """Whether `due` is none of the schedule's moments any longer: its zone's rules have changed, or
    somebody wrote into the database.
    """
    if schedule.recurrence.after_finish is not None or schedule.held_due_at is not None:
        return False
    return next_moment(schedule.recurrence, due - INSTANT) != due


def wrong_with(schedule: Schedule, *, decided_at: datetime, now: datetime) -> Wrong | None:
    """What is wrong with when `schedule` is due; None where nothing is.

    `decided_at` is when its times were last decided upon: when it was made or changed. What is
    paused, set aside, or waits for a job, is not expected to be due.
    """
    if schedule.paused_at or schedule.broken is not None or schedule.retired_at is not None:
        return None
    if schedule.clock is not None:  # its moments lie on another line than what is on record of it
        return None
    if isinstance(schedule.recurrence, Boot | Unreadable) or schedule.held_due_at is not None:
        return None
    if schedule.limit is not None and schedule.made >= schedule.limit:
        return None
    if schedule.recurrence.after_finish is not None:
        return _wrong_after_finish(schedule, now)
    return _wrong_on_grid(schedule, decided_at, now)


def _wrong_after_finish(schedule: Schedule, now: datetime) -> Wrong | None:
    """It is due, or waits for its job; what waits for a job that ended is found by the store."""
    due = within_end(schedule, now)
    if schedule.next_due_at is None and schedule.awaits_job is None and due is not None:
        return Wrong("its next time was lost", due)
    return None


def _wrong_on_grid(schedule: Schedule, decided_at: datetime, now: datetime) -> Wrong | None:
    known = _known_until(schedule, decided_at)
    moved = _moved(schedule) if known == schedule.last_due_at else None
    expected = within_end(schedule, schedule.recurrence.next(moved or known))
    due = schedule.next_due_at
    if due is None:
        return None if expected is None else Wrong("its next time was lost", expected, moved)
    if expected is not None and due > expected:
        return Wrong("its next time was too late", expected, moved)
    if schedule.recurrence.next(due - INSTANT) != due:
        return Wrong("its next time is none of its moments", expected, moved)
    return None


def _moved(schedule: Schedule) -> datetime | None:
    """The moment after the last one, where it is that one moved.

    A zone's rules may change: what was at 09:00 local time and has run is at 09:00 again, an hour
    later. Then the last moment is none any longer, and lies nearer to the next than to any before.
    """
    last, recurrence = schedule.last_due_at, schedule.recurrence
    if last is None or recurrence.next(last - INSTANT) == last:
        return None
    following = recurrence.next(last)
    if following is None:
        return None
    nearest = recurrence.next(last - (following - last))
    return following if nearest == following else None


def _known_until(schedule: Schedule, decided_at: datetime) -> datetime:
    """The moment up to which all moments are on record."""
    begin = max(decided_at, schedule.start_at) if schedule.start_at else decided_at
    if schedule.last_due_at is None:
        return begin - INSTANT
    return max(begin - INSTANT, schedule.last_due_at)
