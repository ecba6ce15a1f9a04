"""From when on a success of each schedule is due: what is stale is found by one probe of an index.

The watcher moves it on with every success it folds. A walk over the schedules, so many at a time,
brings in new ones, and those that were edited or go on again; and takes off those that rest.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from onbeat.store.among import among
from onbeat.store.schema import expectations, schedules

AT_ONCE = 10_000
"""Schedules that a step of the walk looks at: 40 ms, and 100,000 are gone through in ten steps."""

WRITTEN = 500
"""Rows that are written with one statement."""

IS_AT_WORK = (
    schedules.c.paused_at.is_(None), schedules.c.broken.is_(None), schedules.c.clock.is_(None),
    schedules.c.retired_at.is_(None), schedules.c.next_due_at.is_not(None),
)  # fmt: skip
"""Of which schedules something is expected in the time that all live in."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a step of the walk is to write."""

    rows: list[dict[str, Any]]
    gone: list[str]
    after: str | None
    """Behind which schedule the next step begins; None where it begins anew."""


def succeeded(connection: Connection, ids: Collection[str]) -> None:
    """A success of each was seen: the next one is due when the schedule is next."""
    if not ids:
        return
    query = select(
        schedules.c.id, schedules.c.next_due_at, schedules.c.version, schedules.c.missed
    ).where(among(connection, schedules.c.id, ids), *IS_AT_WORK)
    _put(connection, [
        {"schedule": row.id, "since_at": row.next_due_at, "version": row.version,
         "missed": row.missed}
        for row in connection.execute(query)
    ], ("since_at", "version"))  # fmt: skip


def look(connection: Connection, now: datetime, after: str | None) -> Step:
    """What a step has to bring in, take off and note as missed."""
    query = select(
        schedules.c.id, schedules.c.next_due_at, schedules.c.version, schedules.c.missed,
        expectations.c.since_at, expectations.c.version.label("of_version"),
        expectations.c.missed.label("were_missed"), expectations.c.missed_at,
    ).outerjoin(expectations, expectations.c.schedule == schedules.c.id)  # fmt: skip
    if after is not None:
        query = query.where(schedules.c.id > after)
    found = query.where(*IS_AT_WORK).order_by(schedules.c.id).limit(AT_ONCE)
    seen = connection.execute(found).all()
    rows = [each for row in seen if (each := _row(row, now)) is not None]
    last = seen[-1].id if len(seen) == AT_ONCE else None
    return Step(rows, _gone(connection, after, last), last)


def _row(row: Any, now: datetime) -> dict[str, Any] | None:
    """What is to be written of a schedule; None where it stands already."""
    is_same = row.of_version == row.version
    was_missed = row.were_missed is not None and row.missed > row.were_missed
    if is_same and row.were_missed == row.missed:
        return None
    return {
        "schedule": row.id, "since_at": row.since_at if is_same else row.next_due_at,
        "version": row.version, "missed": row.missed,
        "missed_at": now if was_missed else row.missed_at,
    }  # fmt: skip


def _gone(connection: Connection, after: str | None, last: str | None) -> list[str]:
    """Those within the step of whose schedules nothing is expected any more."""
    at_work = select(schedules.c.id).where(
        schedules.c.id == expectations.c.schedule, *IS_AT_WORK
    ).exists()  # fmt: skip
    query = select(expectations.c.schedule).where(~at_work)
    if after is not None:
        query = query.where(expectations.c.schedule > after)
    if last is not None:
        query = query.where(expectations.c.schedule <= last)
    return list(connection.scalars(query.limit(AT_ONCE)))


def keep(connection: Connection, now: datetime, step: Step) -> None:
    """Write what a step of the walk found."""
    for at in range(0, len(step.rows), WRITTEN):
        some = step.rows[at : at + WRITTEN]
        _put(connection, some, ("since_at", "version", "missed", "missed_at"))
    if step.gone:
        connection.execute(
            delete(expectations).where(among(connection, expectations.c.schedule, step.gone))
        )


def count(connection: Connection, now: datetime) -> int:
    """Of how many schedules something is expected."""
    return connection.scalar(select(func.count()).select_from(expectations)) or 0


def _put(connection: Connection, rows: list[dict[str, Any]], changed: tuple[str, ...]) -> None:
    if not rows:
        return
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    put = insert(expectations)
    connection.execute(
        put.on_conflict_do_update(
            index_elements=[expectations.c.schedule],
            set_={name: put.excluded[name] for name in changed},
        ),
        rows,
    )
