"""What figures are made of, cold: the newest ends of a window and what is open, so many and no
more; no statement looks at a whole table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Subquery, and_, func, select

from onbeat.domain.job_cursors import Position, Sort
from onbeat.domain.job_filters import JobFilter, read_filter
from onbeat.domain.states import State
from onbeat.domain.stats import (
    MOST_GROUPS,
    Ended,
    GroupedBy,
    Stats,
    figures,
    grouped,
)
from onbeat.store.among import among
from onbeat.store.counts import WAITING
from onbeat.store.job_rows import PLACES, place_of
from onbeat.store.list_sources import bounded, resolved, rows, sources
from onbeat.store.schema import attempts, finished, jobs, schedules
from onbeat.store.tasks import names_of

MOST = 2_000
"""Ends that are looked at, and jobs in each place where they wait or run."""

OPEN = (State.SCHEDULED, State.PENDING, State.BLOCKED, State.RUNNING, State.RETRYING)


def look(
    connection: Connection,
    now: datetime,
    by: GroupedBy,
    since: datetime,
    until: datetime,
    task: str | None = None,
    *,
    most: int = MOST,
) -> Stats:
    """Figures of what ended in the window and of what is open."""
    places = _newest(connection, since, until, task, most + 1)
    seen = places[:most]
    ended = _ended(connection, by, seen)
    counted, exact = _open(connection, by, task, most)
    groups = grouped(ended, counted)
    total: Counter[State] = Counter()
    for (_, state), number in counted.items():
        total[state] += number
    return Stats(
        by=by, since=since, until=until, total=figures(None, ended, total),
        groups=groups[:MOST_GROUPS], looked_at=len(seen),
        oldest_at=seen[-1].at if seen else None, is_exact=len(places) <= most,
        exact_states=exact, is_cut=len(groups) > MOST_GROUPS,
    )  # fmt: skip


def _newest(
    connection: Connection, since: datetime, until: datetime, task: str | None, most: int
) -> list[Position]:
    asked = read_filter(
        JobFilter(finished_since=since, finished_until=until, task=task, sort=Sort.LAST_ENDED)
    )
    wanted = resolved(connection, asked)
    if wanted is None:
        return []
    source = next(each for each in sources(connection, wanted) if each.is_ordered)
    source = bounded(source, wanted)
    return rows(connection, source, None, descends=True, limit=most)


def _group(by: GroupedBy) -> ColumnElement[Any]:
    if by is GroupedBy.TASK:
        return jobs.c.task
    if by is GroupedBy.QUEUE:
        return jobs.c.queue
    if by is GroupedBy.SCHEDULE:
        return schedules.c.name
    return func.coalesce(schedules.c.name, jobs.c.task)


def _ended(connection: Connection, by: GroupedBy, seen: Sequence[Position]) -> list[Ended]:
    if not seen:
        return []
    moments = [place.at for place in seen if place.at is not None]
    # Of both tables: the bounds let PostgreSQL look into the days' partitions that matter.
    within = (
        finished.c.finished_at.between(min(moments), max(moments)),
        among(connection, finished.c.job, [place.job for place in seen]),
    )
    its_last = and_(
        attempts.c.job == finished.c.job,
        attempts.c.finished_at == finished.c.finished_at,
        attempts.c.finished_at.between(min(moments), max(moments)),
    )
    query = (
        select(
            _group(by).label("name"), finished.c.outcome, finished.c.finished_at,
            attempts.c.started_at,
        )
        .select_from(
            finished.join(jobs, jobs.c.id == finished.c.job)
            .outerjoin(schedules, schedules.c.id == jobs.c.schedule)
            .outerjoin(attempts, its_last)
        )
        .where(*within)
    )  # fmt: skip
    return [
        Ended(
            row.name, State(row.outcome),
            None if row.started_at is None else row.finished_at - row.started_at,
        )
        for row in connection.execute(query)
    ]  # fmt: skip


def _open(
    connection: Connection, by: GroupedBy, task: str | None, most: int
) -> tuple[dict[tuple[str | None, State], int], frozenset[State]]:
    """How many of each group are in each open state; the states of which all were counted."""
    counted: dict[tuple[str | None, State], int] = {}
    exact = set()
    names = None if task is None else names_of(connection, task)
    for state in OPEN:
        table = PLACES[place_of(state)]
        some = select(table.c.job, table.c.attempt).limit(most + 1).subquery()
        for row in connection.execute(_by_group(some, by, state, names)):
            counted[row.name, state] = row.number
        if (connection.scalar(select(func.count()).select_from(some)) or 0) <= most:
            exact.add(state)
    return counted, frozenset(exact)


def _by_group(
    some: Subquery, by: GroupedBy, state: State, tasks: Sequence[str] | None
) -> Select[Any]:
    """How many of these jobs, of some tasks or of any, there are in each group."""
    name = _group(by).label("name")
    query = (
        select(name, func.count().label("number"))
        .select_from(
            some.join(jobs, jobs.c.id == some.c.job)
            .outerjoin(schedules, schedules.c.id == jobs.c.schedule)
        )
        .group_by(name)
    )  # fmt: skip
    if state in WAITING:
        query = query.where(some.c.attempt == 0 if state is State.SCHEDULED else some.c.attempt > 0)
    return query if tasks is None else query.where(jobs.c.task.in_(tasks))
