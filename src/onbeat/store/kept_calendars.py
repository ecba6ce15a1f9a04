"""Calendars kept by name, within recurrences: a schedule made at run time keeps to what one says.

Who makes or changes a schedule has read its calendar before; by now it may say something else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import msgspec
from sqlalchemy import Connection, select

from onbeat.domain.errors import InvalidRecurrence
from onbeat.domain.recurrence import (
    Recurrence,
    Unreadable,
    WorkCalendar,
    calendar_from_spec,
    recurrence_from_spec,
)
from onbeat.domain.schedules import Schedule
from onbeat.store.schema import calendars

CODE = "code:"
"""How the source of schedules in code begins; those have their calendars in code."""


def kept_to(connection: Connection, wanted: Sequence[Schedule]) -> list[Schedule]:
    """The schedules, each with what its calendars say now.

    No calendar they keep to changes until this transaction ends.
    """
    named = {each.id: set(_all_names(each.recurrence.spec())) for each in wanted if _keeps(each)}
    found = _locked(connection, sorted(set().union(*named.values())))
    return [_with_all(each, [found[n] for n in named.get(each.id, ()) if n in found])
            for each in wanted]  # fmt: skip


def _keeps(schedule: Schedule) -> bool:
    return not schedule.source.startswith(CODE)


def _locked(connection: Connection, names: Sequence[str]) -> dict[str, WorkCalendar]:
    """Those of the names that are kept."""
    if not names:
        return {}

    these = select(calendars.c.name, calendars.c.said).where(calendars.c.name.in_(names))
    rows = connection.execute(these.order_by(calendars.c.name).with_for_update(read=True))
    return {row.name: calendar_from_spec(msgspec.json.decode(row.said)) for row in rows}


def _with_all(schedule: Schedule, found: Sequence[WorkCalendar]) -> Schedule:
    for calendar in found:
        recurrence = with_calendar(schedule.recurrence, calendar)
        schedule = schedule if recurrence is None else replace(schedule, recurrence=recurrence)
    return schedule


def names(spec: object, name: str) -> bool:
    """Whether a recurrence's form has the calendar of that name somewhere in it."""
    return name in _all_names(spec)


def _all_names(spec: object) -> Iterator[str]:
    if isinstance(spec, Mapping):
        calendar = spec.get("calendar")
        if isinstance(calendar, Mapping) and isinstance(calendar.get("name"), str):
            yield calendar["name"]
        for value in spec.values():
            yield from _all_names(value)
    elif isinstance(spec, list):
        for value in spec:
            yield from _all_names(value)


def with_calendar(recurrence: Recurrence, calendar: WorkCalendar) -> Recurrence | None:
    """The recurrence with the calendar in place of each of its name; None where that is it.

    So it is where the recurrence could not be read, and still cannot.
    """
    spec = recurrence.spec()
    changed = _with(spec, calendar)
    if changed == spec:
        return None

    try:
        return recurrence_from_spec(changed)
    except InvalidRecurrence:
        if isinstance(recurrence, Unreadable):
            return None
        raise


def _with(spec: Mapping[str, object], calendar: WorkCalendar) -> dict[str, object]:
    """The form with the calendar in place of each of its name."""
    changed = {key: _within(value, calendar) for key, value in spec.items()}
    before = spec.get("calendar")
    if isinstance(before, Mapping) and before.get("name") == calendar.name:
        changed["calendar"] = calendar.spec()
    return changed


def _within(value: object, calendar: WorkCalendar) -> object:
    if isinstance(value, Mapping):
        return _with(value, calendar)
    return [_within(each, calendar) for each in value] if isinstance(value, list) else value
