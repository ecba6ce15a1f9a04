"""Which days of a month a cron expression names: the same for every month of the same shape.

A month's shape is the weekday it starts on and its length; there are 28 of them, so a whole
calendar is 28 sets of bits, and whether an expression ever fires is a look at those, not a search.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from onbeat.domain.recurrence.cron_fields import Field, refuse

DayMatch = Literal["and", "or"]
Shapes = tuple[int, ...]
"""Per shape of month (see `shape_of`), the days named: bit n is day n."""

_LENGTHS = (0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_EVERY_SEVENTH = 1 | 1 << 7 | 1 << 14 | 1 << 21 | 1 << 28
_MONTH_NAMES = (
    "January February March April May June July August September October November December"
)
MONTH_NAMES = ("", *_MONTH_NAMES.split())


def shape_of(year: int, month: int) -> int:
    """Give the shape of a month: 4 x the weekday of its first (Sunday 0) + its length - 28."""
    return date(year, month, 1).isoweekday() % 7 * 4 + month_length(year, month) - 28


def month_length(year: int, month: int) -> int:
    """Give the number of days in a month of the Gregorian calendar."""
    leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 29 if leap else _LENGTHS[month]


def days_named(day: Field, month: Field, weekday: Field, match: DayMatch | None) -> Shapes:
    """Work out the days for each shape of month.

    Two restricted fields mean either (OR), as in Vixie's cron; where one of them starts with `*`
    implementations differ, and the user has to say (vector D2). Raises InvalidRecurrence where
    they must, and where no month of any year has such a day.
    """
    either = _either(day, weekday, match)
    shapes = tuple(
        _days(day, weekday, first, length, either=either)
        for first in range(7)
        for length in range(28, 32)
    )
    if not any(shapes[4 * first + n - 28] for first in range(7) for n in _lengths(month)):
        raise refuse(_never(day, month, weekday))

    return shapes


def _either(day: Field, weekday: Field, match: DayMatch | None) -> bool:
    if day.free or weekday.free:
        return False

    if match is None and (day.starred or weekday.starred):
        both = f"{day.text!r} in day-of-month and {weekday.text!r} in day-of-week"
        raise refuse(f"{both} mean different days elsewhere; say day_match='and' or 'or'")

    return match != "and"


def _days(day: Field, weekday: Field, first: int, length: int, *, either: bool) -> int:
    month = (1 << length + 1) - 2
    by_date = day.bits | sum(1 << n for n in {_date_of(s, first, length) for s in day.special})
    by_weekday = _weekly(weekday.bits, first)
    by_weekday |= sum(1 << n for n in {_weekday_of(s, first, length) for s in weekday.special})
    return (by_date | by_weekday if either else by_date & by_weekday) & month


def _weekly(bits: int, first: int) -> int:
    """Spread a set of weekdays over a month that starts on weekday `first`."""
    turned = (bits >> first | bits << 7 - first) & 0x7F
    return turned * _EVERY_SEVENTH << 1


def _date_of(special: tuple[str, int, int], first: int, length: int) -> int:
    """Give the day that L-n, LW or nW names, or 0 where this shape has none."""
    kind, number, _ = special
    if kind == "L":
        return max(length - number, 0)

    wanted = length if kind == "LW" else number
    return _nearest_working_day(wanted, first, length) if wanted <= length else 0


def _nearest_working_day(day: int, first: int, length: int) -> int:
    """Give the Monday to Friday nearest to `day` that does not leave the month."""
    weekday = (first + day - 1) % 7
    if weekday == 6:
        return day - 1 if day > 1 else day + 2

    if weekday == 0:
        return day + 1 if day < length else day - 2

    return day


def _weekday_of(special: tuple[str, int, int], first: int, length: int) -> int:
    """Give the day that FRI#2 or FRIL names, or 0 where this shape has none."""
    kind, weekday, number = special
    earliest = 1 + (weekday - first) % 7
    if kind == "last":
        return earliest + (length - earliest) // 7 * 7

    day = earliest + 7 * (number - 1)
    return day if day <= length else 0


def _lengths(month: Field) -> set[int]:
    """Give the lengths that the named months can have, February's leap day included."""
    named = {n for n in range(1, 13) if month.bits >> n & 1}
    return {_LENGTHS[n] for n in named} | ({29} if 2 in named else set())


def _never(day: Field, month: Field, weekday: Field) -> str:
    days = f"day-of-month {day.text!r}"
    days += "" if weekday.free else f" together with day-of-week {weekday.text!r}"
    named = [MONTH_NAMES[n] for n in range(1, 13) if month.bits >> n & 1]
    where = " or ".join(named) if len(named) < 4 else "any month"
    return f"it would never fire: {days} does not occur in {where}; name a day that does"
