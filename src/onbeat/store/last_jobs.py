"""What a schedule's last job means for the schedule."""

from __future__ import annotations

from sqlalchemy import Connection, and_, exists, literal, or_, select

from onbeat.domain.jobs import JobId
from onbeat.store.jobs import stands
from onbeat.store.schema import jobs, leases


def holds(connection: Connection, job: JobId, task: str) -> bool:
    """Whether the job, a schedule's last one, holds that schedule, which is of `task` now.

    One of another task does while it runs; where it waits, nobody may know that task any more.
    """
    key = literal(job, jobs.c.id.type)
    is_of_task = exists().where(jobs.c.id == key, jobs.c.task == task)
    runs = exists().where(leases.c.job == key)
    return bool(connection.scalar(select(or_(runs, and_(stands(key), is_of_task)))))
