"""Jobs that should have begun by now, cold: called off, whoever finds them first."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select

from onbeat.domain.jobs import JobId
from onbeat.domain.recurrence.recurrence import stamp
from onbeat.domain.ties import TieKind, keys_of
from onbeat.store import jobs
from onbeat.store.schema import deadlines

AT_ONCE = 500


def call_off(connection: Connection, now: datetime, limit: int = AT_ONCE) -> int:
    """Call off jobs that have not begun by their deadline, up to so many; how many were due."""
    due = (
        select(deadlines.c.job, deadlines.c.expires_at)
        .where(deadlines.c.expires_at <= now)
        .order_by(deadlines.c.expires_at, deadlines.c.job)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found = {row.job: row.expires_at for row in connection.execute(due)}
    if found:
        reasons = {job: f"expired: it had not begun by {stamp(at)}" for job, at in found.items()}
        jobs.call_off(connection, now, reasons)
        connection.execute(delete(deadlines).where(deadlines.c.job.in_(list(found))))
    return len(found)


def first(connection: Connection) -> datetime | None:
    """The first moment by which a job should have begun that has not."""
    found: datetime | None = connection.scalar(select(func.min(deadlines.c.expires_at)))
    return found


def set_for_schedule(connection: Connection, now: datetime, job: JobId, ties: str | None) -> None:
    """Keep the deadline of a pending job that its schedule's ties tell."""
    for micros in keys_of(ties, TieKind.EXPIRES):
        at = now + timedelta(microseconds=int(micros))
        connection.execute(insert(deadlines).values(job=job, expires_at=at))
