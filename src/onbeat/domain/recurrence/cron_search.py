"""The next local time a cron expression names: bits and shifts, no zone, no loop over minutes.

The year loop is bounded by the Gregorian cycle of 400 years; cron_days.py has made sure already
that something is found within it.
"""

from __future__ import annotations

# ruff: noqa: DTZ001  naive local time is what this module is about
from dataclasses import dataclass
from datetime import MAXYEAR, datetime

from onbeat.domain.recurrence.cron_days import Shapes, shape_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Timetable:
    """A parsed expression, ready to search: in each int, bit n set means n is named."""

    seconds: int
    minutes: int
    hours: int
    months: int
    shapes: Shapes
    first_time: tuple[int, int, int]
    """The earliest hour, minute and second of a day."""

    def at_or_after(self, at: datetime) -> datetime | None:
        """Give the first local time (naive, whole seconds) at or after `at`; None past 9999."""
        year, month, day = at.year, at.month, at.day
        if self.months >> month & 1:
            days = self.shapes[shape_of(year, month)] >> day
            if days & 1:
                time = self._time_from(at.hour, at.minute, at.second)
                if time is not None:
                    return datetime(year, month, day, *time)

            if days >> 1:
                return datetime(year, month, day + 1 + lowest(days >> 1), *self.first_time)

        return self._later_month(year, month)

    def _time_from(self, hour: int, minute: int, second: int) -> tuple[int, int, int] | None:
        """Give the first time of day at or after the one given."""
        if self.hours >> hour & 1:
            rest = self.seconds >> second
            if rest and self.minutes >> minute & 1:
                return hour, minute, second + lowest(rest)

            if rest := self.minutes >> minute + 1:
                return hour, minute + 1 + lowest(rest), self.first_time[2]

        if rest := self.hours >> hour + 1:
            return hour + 1 + lowest(rest), self.first_time[1], self.first_time[2]

        return None

    def _later_month(self, year: int, month: int) -> datetime | None:
        """Give the first time in a month later than the one given."""
        while year <= MAXYEAR:
            rest = self.months >> month + 1
            while rest:
                month += 1 + lowest(rest)
                if days := self.shapes[shape_of(year, month)]:
                    return datetime(year, month, lowest(days), *self.first_time)

                rest = self.months >> month + 1

            year, month = year + 1, 0

        return None


def lowest(bits: int) -> int:
    """Give the number of the lowest bit set; `bits` is not 0."""
    return (bits & -bits).bit_length() - 1


def numbers(bits: int) -> list[int]:
    """Give the numbers of the bits set, in order."""
    return [number for number in range(bits.bit_length()) if bits >> number & 1]
