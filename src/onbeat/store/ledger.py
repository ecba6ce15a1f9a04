"""The ledger: the one recorded outcome of each moment a schedule was due, listed without holes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from onbeat.domain.jobs import JobId
from onbeat.domain.schedules import Occurrence, OccurrenceOutcome
from onbeat.store.schema import occurrences

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
    return [_entry(row) for row in connection.execute(query)]


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
    if before is None or before.through_at is None or before.through_at < begin:
        return entries
    return [_entry(before), *entries]


def _entry(row: Row[Any]) -> Entry:
    outcome = OccurrenceOutcome(row.outcome)
    return Occurrence(row.due_at, outcome, row.through_at, row.reason), row.job
