"""The ledger: the one recorded outcome of each moment a schedule was due, listed without holes."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection, Row, func, insert, select

from onbeat.domain.jobs import JobId
from onbeat.domain.schedules import Occurrence, OccurrenceOutcome
from onbeat.store.schema import attempts, finished, occurrences, reruns

MOST_LOOKED_AT = 1_000
"""Entries, newest first, among which those that made a job are looked for."""

Entry = tuple[Occurrence, JobId | None]
"""What was due, and the job it made."""


def record(connection: Connection, now: datetime, schedule: str, occurrence: Occurrence) -> None:
    """Write down what became of a moment, or a range of them, of the schedule with that id."""
    connection.execute(
        insert(occurrences).values(
            schedule=schedule,
            due_at=occurrence.due_at,
            through_at=occurrence.through_at,
            outcome=occurrence.outcome,
            reason=occurrence.reason,
            decided_at=now,
        )
    )


def newest(connection: Connection, schedule: str, limit: int) -> Sequence[Entry]:
    """The newest entries of the schedule with that id, the newest first."""
    query = (
        select(occurrences)
        .where(occurrences.c.schedule == schedule)
        .order_by(occurrences.c.due_at.desc())
        .limit(limit)
    )
    return _with_reruns(connection, schedule, [_entry(row) for row in connection.execute(query)])


def between(
    connection: Connection, schedule: str, begin: datetime, end: datetime, limit: int
) -> Sequence[Entry]:
    """Entries that have to do with `begin` to `end`, both included, the oldest first.

    The first may be a range that began before.
    """
    mine = occurrences.c.schedule == schedule
    before = connection.execute(
        select(occurrences)
        .where(mine, occurrences.c.due_at < begin)
        .order_by(occurrences.c.due_at.desc())
        .limit(1)
    ).first()
    rows = connection.execute(
        select(occurrences)
        .where(mine, occurrences.c.due_at >= begin, occurrences.c.due_at <= end)
        .order_by(occurrences.c.due_at)
        .limit(limit)
    ).all()
    entries = [_entry(row) for row in rows]
    if before is not None and before.through_at is not None and before.through_at >= begin:
        entries.insert(0, _entry(before))
    return _with_reruns(connection, schedule, entries)


def _with_reruns(connection: Connection, schedule: str, entries: list[Entry]) -> list[Entry]:
    """The entries with how many jobs were made of each by hand."""
    if not entries:
        return entries
    spans = [(each.due_at, each.through_at or each.due_at) for each, _ in entries]
    first, last = min(span[0] for span in spans), max(span[1] for span in spans)
    found = connection.scalars(
        select(reruns.c.due_at)
        .where(
            reruns.c.schedule == schedule,
            reruns.c.due_at.between(first, last),
            reruns.c.job.is_not(None),
        )
        .order_by(reruns.c.due_at)
    ).all()
    if not found:
        return entries
    return [
        (replace(each, reruns=bisect_right(found, end) - bisect_left(found, begin)), job)
        for (each, job), (begin, end) in zip(entries, spans, strict=True)
    ]


def run_times(connection: Connection, schedule: str, limit: int) -> Sequence[timedelta]:
    """How long the last `limit` jobs took that have ended, from their first start to their end.

    The newest first. Of the schedule with that id; those that never started do not count.
    """
    made = _jobs_made(connection, schedule, 2 * limit)
    if not made:
        return []
    # A job runs after it was decided upon: the bound lets PostgreSQL pass by the days before.
    since = min(row.decided_at for row in made)
    rows = connection.execute(
        select(finished.c.job, finished.c.finished_at, func.min(attempts.c.started_at).label("at"))
        .join(attempts, attempts.c.job == finished.c.job)
        .where(finished.c.job.in_([row.job for row in made]))
        .where(finished.c.finished_at >= since, attempts.c.finished_at >= since)
        .group_by(finished.c.job, finished.c.finished_at)
    ).all()
    took = {row.job: row.finished_at - row.at for row in rows}
    return [took[row.job] for row in made if row.job in took][:limit]


def _jobs_made(connection: Connection, schedule: str, limit: int) -> Sequence[Row[Any]]:
    looked_at = (
        select(occurrences.c.due_at, occurrences.c.job, occurrences.c.decided_at)
        .where(occurrences.c.schedule == schedule)
        .order_by(occurrences.c.due_at.desc())
        .limit(MOST_LOOKED_AT)
        .subquery()
    )
    query = select(looked_at).where(looked_at.c.job.is_not(None))
    return connection.execute(query.order_by(looked_at.c.due_at.desc()).limit(limit)).all()


def _entry(row: Row[Any]) -> Entry:
    outcome = OccurrenceOutcome(row.outcome)
    return Occurrence(row.due_at, outcome, row.through_at, row.reason), row.job
