"""From when on a success of each schedule is due: what is stale is found by one probe of an index.

The watcher moves it on with every success it folds. A walk over the schedules, so many at a time,
brings in new ones, and those that were edited or go on again; and takes off those that rest.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, delete, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from onbeat.store.among import among
from onbeat.store.schema import expectations, schedules

AT_ONCE = 10_000
"""Schedules that a step of the walk looks at: the database tells which of them there is something
to write of.
"""

WRITTEN = 500
"""Rows that are written with one statement."""

IS_AT_WORK = (
    schedules.c.paused_at.is_(None), schedules.c.broken.is_(None), schedules.c.clock.is_(None),
    schedules.c.retired_at.is_(None), schedules.c.next_due_at.is_not(None),
)  # fmt: skip
"""Of which schedules something is expected in the time that all live in."""


AT_WORK = case((and_(*IS_AT_WORK), 1), else_=0)
"""The same, so that no plan of the walk rests on it: a planner that has not counted yet takes five
conditions for one row in a million, and joins all with all. Only the ids are left to walk by.
"""


@dataclass(frozen=True, slots=True)
class Step:
    """What a step of the walk is to write."""

    rows: list[dict[str, Any]]
    gone: list[str]
    after: str | None
    """Behind which schedule the next step begins; None where it begins anew."""


MOST_OVERDUE = 100_000


def overdue(connection: Connection, before: datetime) -> Sequence[Any]:
    """The expectations that were due before then and not met, the oldest first: of all schedules
    one probe of an index, whatever the planner knows of them.
    """
    return connection.execute(probe(before)).all()


def probe(before: datetime) -> Select[Any]:
    """What it asks: of nothing but the index and the rows that are overdue."""
    query = select(
        expectations.c.schedule, expectations.c.since_at, expectations.c.version
    ).where(expectations.c.since_at < before)  # fmt: skip
    return query.order_by(expectations.c.since_at).limit(MOST_OVERDUE)


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
    ids = select(schedules.c.id).where(*_within(schedules.c.id, after, None), AT_WORK == 1)
    last = connection.scalar(ids.order_by(schedules.c.id).offset(AT_ONCE - 1).limit(1))
    differs = or_(
        expectations.c.schedule.is_(None), expectations.c.version != schedules.c.version,
        expectations.c.missed != schedules.c.missed,
    )  # fmt: skip
    query = (
        select(
            schedules.c.id, schedules.c.next_due_at, schedules.c.version, schedules.c.missed,
            expectations.c.since_at, expectations.c.version.label("of_version"),
            expectations.c.missed.label("were_missed"), expectations.c.missed_at,
        )
        .outerjoin(expectations, expectations.c.schedule == schedules.c.id)
        .where(*_within(schedules.c.id, after, last), AT_WORK == 1, differs)
    )  # fmt: skip
    rows = [_row(row, now) for row in connection.execute(query)]
    return Step(rows, _gone(connection, after, last), last)


def _within(column: Any, after: str | None, last: str | None) -> list[ColumnElement[bool]]:
    """The conditions that an id is within the step."""
    bounds = [] if after is None else [column > after]
    return bounds if last is None else [*bounds, column <= last]


def _row(row: Any, now: datetime) -> dict[str, Any]:
    """What is to be written of a schedule that is new, was edited, or missed a moment."""
    is_same = row.of_version == row.version
    was_missed = row.were_missed is not None and row.missed > row.were_missed
    return {
        "schedule": row.id, "since_at": row.since_at if is_same else row.next_due_at,
        "version": row.version, "missed": row.missed,
        "missed_at": now if was_missed else row.missed_at,
    }  # fmt: skip


def _gone(connection: Connection, after: str | None, last: str | None) -> list[str]:
    """Those within the step of whose schedules nothing is expected any more."""
    is_at_work = select(AT_WORK).where(schedules.c.id == expectations.c.schedule).scalar_subquery()
    within = _within(expectations.c.schedule, after, last)
    query = select(expectations.c.schedule).where(func.coalesce(is_at_work, 0) == 0, *within)
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
