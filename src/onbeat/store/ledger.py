"""The ledger: the one recorded outcome of each moment a schedule was due, listed without holes."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection, Row, insert, select

from onbeat.domain.jobs import JobId
from onbeat.domain.schedules import Occurrence, OccurrenceOutcome
from onbeat.store.schema import occurrences, reruns

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


def _entry(row: Row[Any]) -> Entry:
    outcome = OccurrenceOutcome(row.outcome)
    return Occurrence(row.due_at, outcome, row.through_at, row.reason), row.job
