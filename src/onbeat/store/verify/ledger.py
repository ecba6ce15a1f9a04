"""The laws of schedules and the ledger of their occurrences."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
)

from onbeat.domain.schedules import OccurrenceOutcome
from onbeat.store.cleaning import JOB_IS_GONE
from onbeat.store.jobs import stands
from onbeat.store.schema import jobs, occurrences, schedules
from onbeat.store.verify.laws import MOST_OF_A_LAW, Breach, Law

WITH_A_JOB = tuple(outcome for outcome in OccurrenceOutcome if outcome.makes_job)


class Entry(NamedTuple):
    """Where a row stands in the ledger."""

    schedule: str
    due_at: datetime


class Span(NamedTuple):
    """The rows from one to another, both with it; None for no bound."""

    first: Entry | None
    last: Entry | None

    def condition(self) -> ColumnElement[bool]:
        """The rows in it."""
        key = tuple_(occurrences.c.schedule, occurrences.c.due_at)
        bounds: list[ColumnElement[bool]] = [true()]
        if self.first is not None:
            bounds.append(key >= _bound(self.first))
        if self.last is not None:
            bounds.append(key <= _bound(self.last))
        return and_(*bounds)


def _bound(entry: Entry) -> Any:
    return tuple_(
        literal(entry.schedule, occurrences.c.schedule.type),
        literal(entry.due_at, occurrences.c.due_at.type),
    )


def bound(connection: Connection, first: Entry | None, count: int) -> Entry | None:
    """The row that ends a span of `count` from `first`, with it; None when fewer are left."""
    query = (
        select(occurrences.c.schedule, occurrences.c.due_at)
        .where(Span(first, None).condition())
        .order_by(occurrences.c.schedule, occurrences.c.due_at)
        .offset(count - 1)
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else Entry(row.schedule, row.due_at)


def count_occurrences(connection: Connection, span: Span) -> int:
    """How many rows are in the span."""
    return connection.scalar(select(func.count(occurrences.c.due_at)).where(span.condition())) or 0


def breaches(connection: Connection, span: Span) -> Iterator[Breach]:
    """All breaches in the span; a row is compared with the next one in it."""
    return chain(_of_jobs(connection, span), _overlapping(connection, span))


def _of_jobs(connection: Connection, span: Span) -> Iterator[Breach]:
    makes_job = occurrences.c.outcome.in_(WITH_A_JOB)
    has_job = occurrences.c.job.is_not(None)
    is_told_wrongly = or_(and_(makes_job, ~has_job), and_(~makes_job, has_job))
    is_kept = ~func.coalesce(occurrences.c.reason, "").like(f"%{JOB_IS_GONE}")
    is_without_job = and_(
        has_job,
        or_(is_kept, jobs.c.id.is_not(None)),
        or_(
            jobs.c.schedule.is_(None),  # so it is too where there is no such job
            jobs.c.schedule != occurrences.c.schedule,
            jobs.c.occurrence_at.is_(None),
            jobs.c.occurrence_at != occurrences.c.due_at,
        ),
    )
    query = (
        select(occurrences.c.schedule, occurrences.c.due_at, occurrences.c.outcome,
               occurrences.c.job, is_told_wrongly.label("is_told_wrongly"))
        .select_from(occurrences.outerjoin(jobs, jobs.c.id == occurrences.c.job))
        .where(span.condition(), or_(is_told_wrongly, is_without_job))
        .limit(MOST_OF_A_LAW)
    )  # fmt: skip
    for row in connection.execute(query):
        law = Law.OCCURRENCE_OUTCOME if row.is_told_wrongly else Law.OCCURRENCE_WITHOUT_JOB
        detail = f"{row.due_at:%Y-%m-%dT%H:%M:%SZ} {row.outcome}, job {row.job or 'none'}"
        yield Breach(law, row.schedule, detail, (row.due_at, row.due_at))


def _overlapping(connection: Connection, span: Span) -> Iterator[Breach]:
    rows = select(
        occurrences.c.schedule,
        occurrences.c.due_at,
        func.coalesce(occurrences.c.through_at, occurrences.c.due_at).label("through_at"),
        func.lead(occurrences.c.due_at, type_=occurrences.c.due_at.type)
        .over(partition_by=occurrences.c.schedule, order_by=occurrences.c.due_at)
        .label("next_at"),
    ).where(span.condition())
    row = rows.subquery()
    query = select(row).where(
        or_(row.c.next_at <= row.c.through_at, row.c.through_at < row.c.due_at)
    )
    for found in connection.execute(query.limit(MOST_OF_A_LAW)):
        next_at = found.next_at or found.due_at
        detail = (
            f"{found.due_at:%Y-%m-%dT%H:%M:%SZ} to {found.through_at:%Y-%m-%dT%H:%M:%SZ} and "
            f"{next_at:%Y-%m-%dT%H:%M:%SZ}"
        )
        yield Breach(Law.OVERLAPPING_OCCURRENCES, found.schedule, detail, (found.due_at, next_at))


def waiting_in_vain(connection: Connection) -> Iterator[Breach]:
    """Schedules that wait for the end of a job that has ended, or is nowhere."""
    query = (
        select(schedules.c.id, schedules.c.name, schedules.c.awaits_job)
        .where(schedules.c.awaits_job.is_not(None), ~stands(schedules.c.awaits_job))
        .limit(MOST_OF_A_LAW)
    )
    for row in connection.execute(query):
        yield Breach(Law.AWAITS_ENDED_JOB, row.id, f"{row.name!r} waits for job {row.awaits_job}")
