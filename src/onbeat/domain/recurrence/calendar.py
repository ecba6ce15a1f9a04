"""Intervals counted on a calendar: days and months that follow a zone's wall clock.

"1 day" keeps the clock time through a clock change, where 24 hours would move it (vectors I1, I2);
"1 month" from the 31st gives the last day of shorter months and the 31st again after (I3).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, datetime, timedelta
from typing import Literal

from onbeat.domain.recurrence.clock_words import clock_changes
from onbeat.domain.recurrence.cron_days import month_length
from onbeat.domain.recurrence.local_time import AFTER_AND_FIRST, first_after
from onbeat.domain.recurrence.recurrence import DAY, OnGrid, stamp
from onbeat.domain.recurrence.zones import to_local

Unit = Literal["day", "month"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarInterval(OnGrid):
    """Every `count` days or months of a zone's calendar, in phase with `anchor`.

    The anchor sets the phase and the time of day and is no start: the grid runs both ways.
    """

    count: int
    unit: Unit
    zone: str
    anchor: datetime
    """Aware, UTC."""

    def next(self, after: datetime) -> datetime | None:
        """Give the first moment (UTC) strictly later than `after`; None only past year 9998."""
        return first_after(self._at_or_after, self.zone, AFTER_AND_FIRST, after)

    def describe(self) -> str:
        """Say in plain English when it fires, zone included."""
        local = to_local(self.zone, self.anchor)
        every = self.unit if self.count == 1 else f"{self.count} {self.unit}s"
        return f"every {every} at {local:%H:%M:%S}, counted from {local:%Y-%m-%d} ({self.zone})"

    def warnings(self, since: datetime | None = None) -> tuple[str, ...]:
        """Say where a month has to be clipped, and what clock changes do."""
        day = to_local(self.zone, self.anchor).day
        changed = tuple(clock_changes(self._at_or_after, self.zone, AFTER_AND_FIRST, since))
        if self.unit == "day" or day < 29:
            return changed

        return (f"in months without a day {day} it fires on their last day", *changed)

    def spec(self) -> dict[str, object]:
        """Give the JSON-able form; the interval is ISO 8601's."""
        return {
            "kind": "calendar",
            "every": f"P{self.count}{self.unit[0].upper()}",
            "tz": self.zone,
            "anchor": stamp(self.anchor),
        }

    def _at_or_after(self, at: datetime) -> datetime | None:
        start = to_local(self.zone, self.anchor)
        if self.unit == "day":
            steps = -((start - at) // (self.count * DAY))
            return _plus(start, steps * self.count * DAY)

        months = (at.year - start.year) * 12 + at.month - start.month
        steps = months // self.count
        local = _plus_months(start, steps * self.count)
        if local is not None and local < at:
            local = _plus_months(start, (steps + 1) * self.count)

        return local


def _plus(start: datetime, span: timedelta) -> datetime | None:
    try:
        return start + span
    except OverflowError:
        return None


def _plus_months(start: datetime, months: int) -> datetime | None:
    """Add months, clipping the day to the month's last; None outside the years of datetime."""
    years, month = divmod(start.month - 1 + months, 12)
    year = start.year + years
    if not MINYEAR <= year <= MAXYEAR:
        return None

    return start.replace(
        year=year, month=month + 1, day=min(start.day, month_length(year, month + 1))
    )
