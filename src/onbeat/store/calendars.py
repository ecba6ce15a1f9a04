"""Calendars by name, cold.

A schedule that keeps to one has it in its recurrence: changing the calendar changes those
schedules, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import msgspec
from sqlalchemy import Connection, Text, cast, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from onbeat.domain.errors import Conflict, NotFound
from onbeat.domain.recurrence import WorkCalendar, calendar_from_spec
from onbeat.domain.schedules import Schedule
from onbeat.store import kept_calendars
from onbeat.store import schedules as stored
from onbeat.store.payloads import encode
from onbeat.store.schema import calendars, schedules


def find(connection: Connection, now: datetime, name: str) -> WorkCalendar:
    """The calendar of that name. Raises NotFound."""
    said = connection.scalar(select(calendars.c.said).where(calendars.c.name == name))
    if said is None:
        raise NotFound(f"no calendar named {name!r}", "calendars")
    return calendar_from_spec(msgspec.json.decode(said))


def list_calendars(
    connection: Connection, now: datetime, *, after: str = "", limit: int | None = None
) -> list[WorkCalendar]:
    """Calendars by name: all, or so many of those after a name."""
    query = select(calendars.c.said).where(calendars.c.name > after).order_by(calendars.c.name)
    found = connection.scalars(query.limit(limit))
    return [calendar_from_spec(msgspec.json.decode(said)) for said in found]


def put(
    connection: Connection, now: datetime, calendar: WorkCalendar, by: str
) -> tuple[WorkCalendar | None, list[str]]:
    """Store the calendar, in place of one of that name, if any; that one, and the schedules that
    changed with it.

    Its row is locked first, so that whoever stores a schedule that keeps to it comes before all
    of this or after.
    """
    before = _exchange(connection, calendar.name, {
        "said": encode(calendar.spec()).decode(), "changed_at": now, "changed_by": by,
    })  # fmt: skip
    changed = [
        stored.change(
            connection, now, replace(schedule, recurrence=recurrence),
            by=by, why=f"the calendar {calendar.name} changed",
        ).name
        for schedule in using(connection, now, calendar.name)
        if (recurrence := kept_calendars.with_calendar(schedule.recurrence, calendar)) is not None
    ]  # fmt: skip
    return before, changed


def _exchange(
    connection: Connection, name: str, values: Mapping[str, object]
) -> WorkCalendar | None:
    """Write the row of that name, where it says something else; what it said before. Another that
    does so at once waits.
    """
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    fresh = insert(calendars).values(name=name, **values).on_conflict_do_nothing()
    if connection.execute(fresh).rowcount:
        return None
    row = calendars.c.name == name
    said = connection.scalar(select(calendars.c.said).where(row).with_for_update())
    if said != values["said"]:
        connection.execute(update(calendars).where(row).values(**values))
    return None if said is None else calendar_from_spec(msgspec.json.decode(said))


def remove(connection: Connection, now: datetime, name: str) -> None:
    """Take a calendar away that no schedule keeps to. Raises NotFound and Conflict."""
    find(connection, now, name)
    if users := using(connection, now, name):
        raise Conflict(f"the schedule {users[0].name!r} keeps to the calendar {name!r}")
    connection.execute(delete(calendars).where(calendars.c.name == name))


def using(connection: Connection, now: datetime, name: str) -> list[Schedule]:
    """The schedules that keep to the calendar kept here; those in code have their own.

    None of them changes until this transaction ends.
    """
    names = connection.scalars(
        select(schedules.c.name)
        .where(cast(schedules.c.recurrence, Text).like('%"calendar"%'))
        .where(schedules.c.source.not_like("code:%"))
        .order_by(schedules.c.name)
        .with_for_update()
    ).all()
    found = (stored.find(connection, now, each) for each in names)
    return [
        schedule for schedule in found if kept_calendars.names(schedule.recurrence.spec(), name)
    ]
