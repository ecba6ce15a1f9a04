"""Why it does not run: the facts, read in one transaction; `domain/reasons.py` judges them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, and_, func, or_, select

from onbeat.domain.jobs import Job, JobId
from onbeat.domain.reasons import Reason, Surroundings, reasons_of_job, reasons_of_schedule
from onbeat.domain.schedules import Schedule
from onbeat.domain.states import State
from onbeat.domain.workers import Session
from onbeat.store import clocks, jobs, queues, schedules, workers
from onbeat.store.delays import has_scheduler
from onbeat.store.schema import leases, ready

AHEAD_LIMIT = 1_000
"""Jobs ahead are counted up to here: no list needs more, and a backlog may hold a million."""


def of_job(connection: Connection, now: datetime, job: JobId) -> tuple[Job, list[Reason]]:
    """The job, and what holds it. Raises NotFound."""
    found = jobs.find(connection, now, job)
    return found, reasons_of_job(found, _around_job(connection, now, found))


def of_schedule(connection: Connection, now: datetime, name: str) -> tuple[Schedule, list[Reason]]:
    """The schedule, and what holds it. Raises NotFound."""
    schedule = schedules.find(connection, now, name)
    around = Surroundings(
        queue=queues.one(connection, schedule.queue),
        sessions=workers.list_sessions(connection, now),
        has_scheduler=has_scheduler(connection, now),
        now=now,
    )
    if schedule.last_job is not None and jobs.is_known(connection, schedule.last_job):
        last = jobs.find(connection, now, schedule.last_job)
        beside = _around_job(connection, now, last)
        around = replace(around, last_job=last, around_last_job=beside)
    if schedule.clock is not None:
        around = replace(around, clock_at=clocks.now_of(connection, now, schedule.clock))
    return schedule, reasons_of_schedule(schedule, around)


def _around_job(connection: Connection, now: datetime, job: Job) -> Surroundings:
    sessions = workers.list_sessions(connection, now)
    ahead = _ahead(connection, job.id) if job.state is State.PENDING else 0
    return Surroundings(
        queue=queues.one(connection, job.queue),
        sessions=sessions,
        ahead=min(ahead, AHEAD_LIMIT),
        ahead_is_more=ahead > AHEAD_LIMIT,
        has_scheduler=has_scheduler(connection, now),
        now=now,
        holder=_holder(connection, job.id, sessions) if job.state is State.RUNNING else None,
    )


def _ahead(connection: Connection, job: JobId) -> int:
    """How many pending jobs of the same queue are claimed before the job."""
    mine = connection.execute(select(ready).where(ready.c.job == job)).first()
    if mine is None:
        return 0
    more_urgent = ready.c.lane < mine.lane
    same = ready.c.lane == mine.lane
    earlier = or_(
        ready.c.order_key < mine.order_key,
        and_(ready.c.order_key == mine.order_key, ready.c.job < job),
    )
    first = (
        select(ready.c.job)
        .where(ready.c.queue == mine.queue, or_(more_urgent, and_(same, earlier)))
        .order_by(ready.c.lane, ready.c.order_key, ready.c.job)
        .limit(AHEAD_LIMIT + 1)
        .subquery()
    )
    return connection.scalar(select(func.count()).select_from(first)) or 0


def _holder(connection: Connection, job: JobId, sessions: list[Session]) -> Session | None:
    held_by = connection.scalar(select(leases.c.session).where(leases.c.job == job))
    return next((each for each in sessions if each.id == held_by), None)
