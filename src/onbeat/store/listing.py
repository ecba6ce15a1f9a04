"""Lists of jobs: filtered, newest first, page after page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, literal, select

from onbeat.domain.jobs import Job, JobId
from onbeat.domain.states import State
from onbeat.store.job_rows import read_job, standing
from onbeat.store.schema import blocked, delayed, finished, jobs, leases, ready
from onbeat.store.tasks import names_of


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Which jobs to list; None means any."""

    state: State | None = None
    task: str | None = None
    queue: str | None = None
    schedule: str | None = None
    before: JobId | None = None
    """Jobs made before this one: the last of the page before."""
    limit: int = 50


def list_jobs(connection: Connection, now: datetime, wanted: JobFilter) -> list[Job]:
    """The newest jobs first, a page at a time."""
    names = None if wanted.task is None else names_of(connection, wanted.task)
    page = _page(wanted, names)
    rows = connection.execute(standing().where(jobs.c.id.in_(page)).order_by(jobs.c.id.desc()))
    return [read_job(row) for row in rows]


def _page(wanted: JobFilter, names: Sequence[str] | None) -> Select[Any]:
    """The ids of a page: from the place the state lives in, so that rare states are found fast."""
    query = select(jobs.c.id)
    if wanted.state is not None:
        table, condition = _place_of(wanted.state)
        query = query.join(table, table.c.job == jobs.c.id).where(condition)
    if names is not None:
        is_of_it = jobs.c.task == names[0] if len(names) == 1 else jobs.c.task.in_(names)
        query = query.where(is_of_it)
    for column, value in (
        (jobs.c.queue, wanted.queue),
        (jobs.c.schedule, wanted.schedule),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.before is not None:
        query = query.where(jobs.c.id < wanted.before)
    return query.order_by(jobs.c.id.desc()).limit(wanted.limit)


def _place_of(state: State) -> tuple[Table, ColumnElement[bool]]:
    match state:
        case State.SCHEDULED:
            return delayed, delayed.c.attempt == 0
        case State.RETRYING:
            return delayed, delayed.c.attempt > 0
        case State.PENDING:
            return ready, literal(1) == literal(1)
        case State.BLOCKED:
            return blocked, literal(1) == literal(1)
        case State.RUNNING:
            return leases, literal(1) == literal(1)
        case _:
            return finished, finished.c.outcome == state
