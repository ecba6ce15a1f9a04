"""Calendars of working days."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from onbeat.cli.output.tables import Cell, Column
from onbeat.cli.output.words import NONE
from onbeat.domain.recurrence import WorkCalendar
from onbeat.domain.recurrence.recurrence import stamp
from onbeat.domain.recurrence.work_calendar import DAYS

COLUMNS = (
    Column("CALENDAR", bends=True),
    Column("WEEKEND"),
    Column("HOLIDAYS", right=True),
    Column("LAST"),
)


def rows(calendars: Sequence[WorkCalendar]) -> list[list[Cell]]:
    """The rows of a list."""
    return [
        [
            calendar.name,
            _weekend(calendar),
            f"{len(calendar.holidays):,}",
            calendar.holidays[-1].isoformat() if calendar.holidays else NONE,
        ]
        for calendar in calendars
    ]


def _weekend(calendar: WorkCalendar) -> str:
    return ",".join(DAYS[day] for day in calendar.weekend) or NONE


def page(calendar: WorkCalendar) -> Iterator[str]:
    """All there is to say of one calendar."""
    yield f"{calendar.name}: weekend {_weekend(calendar)}"
    yield from (f"  {day:%Y-%m-%d %a}" for day in calendar.holidays)
    yield from (f"  closed {stamp(begin)} to {stamp(end)}" for begin, end in calendar.closed)
