"""Jobs that wait for a moment, cold: whether anybody makes them pending when it comes."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from onbeat.domain.processes import SCHEDULER, at_rest
from onbeat.store import deadlines, duties, processes
from onbeat.store.schema import delayed

LEFT = timedelta(seconds=2)
"""How long a waiting job may be overdue while a scheduler is just about to make it pending."""


def are_left(connection: Connection, now: datetime) -> bool:
    """Whether jobs are overdue and no scheduler is at work."""
    overdue = select(delayed.c.job).where(delayed.c.due_at < now - LEFT).limit(1)
    if connection.execute(overdue).first() is None:
        return False
    return not _is_scheduled(connection, now)


def overdue_in(connection: Connection, now: datetime) -> timedelta | None:
    """How long until a job should have begun, where no scheduler is at work to call it off; None
    where none has a deadline, or a scheduler is at work.
    """
    first = deadlines.first(connection)
    if first is None or _is_scheduled(connection, now):
        return None
    return first - now


def _is_scheduled(connection: Connection, now: datetime) -> bool:
    """Whether a scheduler is there, and not all that are were told to rest.

    Who pauses schedulers wants no more moments; jobs that were made, and retries, are owed.
    """
    if not has_scheduler(connection, now):
        return False
    return not at_rest(processes.list_processes(connection, now), SCHEDULER)


def has_scheduler(connection: Connection, now: datetime) -> bool:
    """Whether a process with a scheduler has been heard of lately: one has the watchdog's duty."""
    return duties.is_held(connection, now, "watchdog")
