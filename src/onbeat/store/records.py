"""What the history tells of some jobs besides where they stand: a few statements for a page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from onbeat.domain.job_filters import JobPage, Wanted
from onbeat.domain.jobs import Job, JobId
from onbeat.domain.records import Record
from onbeat.domain.states import State
from onbeat.store import listing
from onbeat.store.among import among
from onbeat.store.schema import attempts, leases, schedules, sessions


def page(connection: Connection, now: datetime, wanted: Wanted) -> tuple[JobPage, list[Record]]:
    """A page of the history, as records too."""
    found = listing.page(connection, now, wanted)
    return found, completed(connection, now, found.jobs)


def completed(connection: Connection, now: datetime, jobs: Sequence[Job]) -> list[Record]:
    """The same jobs with what else is known of them."""
    begun, ended = _attempts(connection, jobs)
    heard = _heard(connection, [job.id for job in jobs if job.state is State.RUNNING])
    names = {job.schedule for job in jobs if job.schedule is not None}
    due = _due(connection, names) if names else {}
    return [
        Record(
            job=job,
            began_at=job.started_at or begun.get(job.id),
            ended_at=ended.get(job.id),
            heartbeat_at=heard.get(job.id),
            next_at=job.due_at or due.get(job.schedule),
        )
        for job in jobs
    ]


Moments = dict[JobId, datetime]


def _attempts(connection: Connection, jobs: Sequence[Job]) -> tuple[Moments, Moments]:
    """When the last ended attempt of each began, and when it ended.

    The bounds let PostgreSQL look into few days' partitions. A job that was called off, or expired,
    ended later than its last attempt: from when it was made on, that may have been at any moment.
    """
    begun = [job for job in jobs if job.attempt]
    if not begun:
        return {}, {}
    bounds = [attempts.c.finished_at >= min(job.created_at for job in begun)]
    ends = [job.finished_at for job in begun if job.finished_at is not None]
    if len(ends) == len(begun):
        bounds.append(attempts.c.finished_at <= max(ends))
    rows = connection.execute(
        select(
            attempts.c.job,
            func.max(attempts.c.started_at).label("started_at"),
            func.max(attempts.c.finished_at).label("finished_at"),
        )
        .where(among(connection, attempts.c.job, [job.id for job in begun]), *bounds)
        .group_by(attempts.c.job)
    ).all()
    return (
        {JobId(row.job): row.started_at for row in rows},
        {JobId(row.job): row.finished_at for row in rows},
    )


def _heard(connection: Connection, running: Sequence[JobId]) -> Moments:
    if not running:
        return {}
    query = (
        select(leases.c.job, sessions.c.heartbeat_at)
        .join(sessions, sessions.c.id == leases.c.session)
        .where(among(connection, leases.c.job, running))
    )
    return {JobId(row.job): row.heartbeat_at for row in connection.execute(query)}


def _due(connection: Connection, names: set[str]) -> dict[str | None, Any]:
    query = select(schedules.c.name, schedules.c.next_due_at).where(schedules.c.name.in_(names))
    return {row.name: row.next_due_at for row in connection.execute(query)}
