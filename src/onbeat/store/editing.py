"""Edits of schedules: whether one was changed since it was read, whether it says anything new."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from onbeat.domain.errors import Conflict
from onbeat.domain.schedules import Schedule
from onbeat.store import kept_calendars, schedules
from onbeat.store.schedule_rows import differ


def says_other(connection: Connection, schedule: Schedule) -> bool:
    """Whether `schedule` says something else than what is stored, which is locked here: an edit
    that says the same is none. Any edit puts back one that was set aside. Raises NotFound.
    """
    [schedule] = kept_calendars.kept_to(connection, [schedule])
    before = schedules.locked(connection, schedule.name)
    if before.broken is not None or before.retired_at is not None:
        return True
    return before.clock != schedule.clock or differ(before, schedule)


def refuse_changed(connection: Connection, now: datetime, seen: Schedule) -> None:
    """Raise Conflict where the schedule, which is locked here, is not what was `seen` any more."""
    there = schedules.locked(connection, seen.name)
    if (there.id, there.version) != (seen.id, seen.version):
        raise Conflict(f"{seen.name!r} was changed meanwhile; read it again, and change that")
