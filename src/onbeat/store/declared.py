"""Schedules declared in code: brought into the store, put to rest when they are gone from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from onbeat.domain.jobs import JobId
from onbeat.domain.recurrence import Unreadable
from onbeat.domain.schedules import OccurrenceOutcome, Schedule, first_due
from onbeat.store import clocks, schedules
from onbeat.store.schedule_rows import differ, set_values


def reconcile(
    connection: Connection,
    now: datetime,
    source: str,
    declared: Sequence[Schedule],
    new_id: Callable[[], JobId],
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Bring the schedules of `source` to what is declared: names added, changed, retired.

    One whose name somebody made at run time is left alone: what an operator made wins.
    """
    stored = {
        schedule.name: schedule for schedule in schedules.from_source(connection, now, source)
    }
    added, changed = [], []
    for schedule in declared:
        before = stored.pop(schedule.name, None)
        if before is None:
            if schedules.is_free(connection, schedule.name):
                schedules.create(connection, now, replace(schedule, id=new_id()))
                added.append(schedule.name)
        elif before.clock != schedule.clock:
            schedules.remove(connection, now, schedule.name)
            schedules.create(connection, now, replace(schedule, id=new_id()))
            changed.append(schedule.name)
        elif before.retired_at is not None:
            _bring_back(connection, now, before, schedule)
            added.append(schedule.name)
        elif differ(before, schedule):
            schedules.change(connection, now, schedule)
            changed.append(schedule.name)
    gone = [schedule for schedule in stored.values() if schedule.retired_at is None]
    for schedule in gone:
        _retire(connection, now, schedule)
    return tuple(added), tuple(changed), tuple(schedule.name for schedule in gone)


GONE = "it was gone from the code"


def _retire(connection: Connection, now: datetime, schedule: Schedule) -> None:
    """Let a schedule rest that is gone from the code: its record and its pause stay, for a deploy
    may be a mistake.
    """
    time = clocks.now_of(connection, now, schedule.clock)
    schedules.record_undecided(connection, now, time, schedule, OccurrenceOutcome.SKIPPED, GONE)
    set_values(connection, schedule.id, retired_at=now, next_due_at=None, **schedules.NOT_HELD)


def _bring_back(
    connection: Connection, now: datetime, before: Schedule, schedule: Schedule
) -> None:
    """Let a schedule go on that is in the code again; what was due meanwhile is one entry."""
    assert before.retired_at is not None  # noqa: S101 - the caller has looked
    time = clocks.now_of(connection, now, before.clock)
    if before.clock is None and not isinstance(before.recurrence, Unreadable):
        due = first_due(before, schedules.undecided_from(before, before.retired_at))
        missed = replace(before, next_due_at=due)
        schedules.record_undecided(connection, now, time, missed, OccurrenceOutcome.SKIPPED, GONE)
    set_values(connection, before.id, retired_at=None)
    again = schedules.change(connection, now, schedule)
    set_values(connection, again.id, **schedules.when_due(connection, again, again, time))
