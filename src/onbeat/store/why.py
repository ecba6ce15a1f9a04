"""Why it does not run: the facts, read in one transaction; `domain/reasons.py` judges them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import msgspec
from sqlalchemy import Connection, and_, func, or_, select

from onbeat.domain.jobs import Job, JobId, without_error
from onbeat.domain.limits import SlotState
from onbeat.domain.processes import SCHEDULER, at_rest, with_services
from onbeat.domain.reasons import Reason, Surroundings, reasons_of_job, reasons_of_schedule
from onbeat.domain.schedules import Schedule
from onbeat.domain.states import State
from onbeat.domain.ties import TieKind, keys_of
from onbeat.domain.workers import Session
from onbeat.domain.workflows import MOST_NAMED, Parent
from onbeat.store import (
    clocks,
    history,
    jobs,
    limits,
    processes,
    queues,
    regions,
    schedules,
    workers,
    workflows,
)
from onbeat.store.delays import has_scheduler
from onbeat.store.schema import jobs as stored_jobs
from onbeat.store.schema import leases, members, ready

MAY_LACK_SLOTS = (State.PENDING, State.BLOCKED)

MOST_LEVELS = 100
"""How far up a workflow is looked for what holds it."""

AHEAD_LIMIT = 1_000
"""Jobs ahead are counted up to here: no list needs more, and a backlog may hold a million."""


def of_job(
    connection: Connection, now: datetime, job: JobId, *, with_errors: bool = True
) -> tuple[Job, list[Reason]]:
    """The job, and what holds it; of errors their kinds alone if not `with_errors`.

    Raises NotFound.
    """
    found = jobs.find(connection, now, job)
    found = found if with_errors else without_error(found)
    return found, reasons_of_job(found, _around_job(connection, now, found))


def of_schedule(
    connection: Connection, now: datetime, name: str, *, with_errors: bool = True
) -> tuple[Schedule, list[Reason]]:
    """The same of a schedule and its last job. Raises NotFound."""
    schedule = schedules.find(connection, now, name)
    seen = processes.list_processes(connection, now)
    around = Surroundings(
        queue=queues.one(connection, schedule.queue),
        sessions=with_services(workers.list_sessions(connection, now), seen),
        has_scheduler=has_scheduler(connection, now),
        resting=at_rest(seen, SCHEDULER),
        now=now,
    )
    if schedule.last_job is not None and jobs.is_known(connection, schedule.last_job):
        last = jobs.find(connection, now, schedule.last_job)
        last = last if with_errors else without_error(last)
        beside = _around_job(connection, now, last)
        around = replace(around, last_job=last, around_last_job=beside)
    if schedule.clock is not None:
        around = replace(around, clock_at=clocks.now_of(connection, now, schedule.clock))
    return schedule, reasons_of_schedule(schedule, around)


def _around_job(connection: Connection, now: datetime, job: Job) -> Surroundings:
    seen = processes.list_processes(connection, now)
    sessions = with_services(workers.list_sessions(connection, now), seen)
    if job.state is State.BLOCKED:
        parents, open_parents = workflows.open_parents(connection, job.id, MOST_NAMED)
    else:
        parents, open_parents = [], 0
    ahead = _ahead(connection, job.id) if job.state is State.PENDING else 0
    return Surroundings(
        queue=queues.one(connection, job.queue),
        sessions=sessions,
        ahead=min(ahead, AHEAD_LIMIT),
        ahead_is_more=ahead > AHEAD_LIMIT,
        has_scheduler=has_scheduler(connection, now),
        resting=at_rest(seen, SCHEDULER),
        now=now,
        holder=_holder(connection, job.id, sessions) if job.state is State.RUNNING else None,
        is_snoozed=job.state is State.SCHEDULED and _has_snoozed(connection, now, job.id),
        slots=_slots(connection, job) if job.state in MAY_LACK_SLOTS else (),
        parents=parents,
        open_parents=open_parents,
        workflow=workflows.workflow_of(connection, job.id) if parents else None,
        called_off_by=_cause(connection, job.id) if job.state is State.CANCELLED else None,
        behind=_behind(connection, now, parents[0]) if parents else (),
        region=regions.of_queue(connection, now, job.queue, _asked(job)),
    )


def _asked(job: Job) -> str | None:
    """The region it was wanted in."""
    return None if job.route is None else msgspec.json.decode(job.route).get("asked")


def _cause(connection: Connection, job: JobId) -> JobId | None:
    """The job because of which it was called off, where that is still on record."""
    query = select(members.c.called_off_by).where(members.c.job == job)
    return connection.scalar(query.join(stored_jobs, stored_jobs.c.id == members.c.called_off_by))


def _behind(connection: Connection, now: datetime, parent: Parent) -> list[Reason]:
    """Why a parent does not run; where that waits for others, why the first of those does not."""
    for _ in range(MOST_LEVELS):
        above: list[Parent] = []
        if parent.state is State.BLOCKED:
            above, _count = workflows.open_parents(connection, parent.id, 1)
        if not above:
            break
        parent = above[0]
    else:
        return []
    _, reasons = of_job(connection, now, parent.id)
    return [replace(each, what=f"{parent.label}: {each.what}") for each in reasons]


def _slots(connection: Connection, job: Job) -> list[SlotState]:
    """The slots the job needs, as far as somebody has needed them before."""
    ties = connection.scalar(select(stored_jobs.c.ties).where(stored_jobs.c.id == job.id))
    needed = [limits.slot(connection, name) for name in keys_of(ties, TieKind.SLOT)]
    found = [limits.queue_state(connection, job.queue), *needed]
    return [each for each in found if each is not None]


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


def _has_snoozed(connection: Connection, now: datetime, job: JobId) -> bool:
    last = history.result_of(connection, now, job)
    return last is not None and last.outcome == "snoozed"


def _holder(connection: Connection, job: JobId, sessions: list[Session]) -> Session | None:
    held_by = connection.scalar(select(leases.c.session).where(leases.c.job == job))
    return next((each for each in sessions if each.id == held_by), None)
