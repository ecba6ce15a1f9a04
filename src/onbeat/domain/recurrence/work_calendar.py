"""Calendars of working days: holidays, weekends, and closed times in which nothing is due.

A calendar is a value within the recurrence: what is stored says by itself when it is due. Where
calendars are kept by name, changing one rewrites the schedules that use it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from onbeat.domain.errors import InvalidRecurrence
from onbeat.domain.recurrence.ics import read_ics
from onbeat.domain.recurrence.recurrence import in_words, moment_from, stamp

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SATURDAY_AND_SUNDAY = (5, 6)
MOST_HOLIDAYS = 5_000
MOST_WINDOWS = 1_000
MOST_TOLD = 3
"""Closed times that are named one by one where a recurrence is described."""
HORIZON = timedelta(days=90)
"""A calendar whose last holiday is nearer than this is said to run out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkCalendar:
    """Which days are worked; made by `work_calendar`, which checks it."""

    name: str
    weekend: tuple[int, ...] = SATURDAY_AND_SUNDAY
    """0 is Monday."""
    holidays: tuple[date, ...] = field(default=(), hash=False)
    """In order, each once."""
    closed: tuple[tuple[datetime, datetime], ...] = field(default=(), hash=False)
    """Times in which nothing is due, in order: from the first moment on, before the second."""
    off: frozenset[date] = field(compare=False, repr=False)
    """The holidays, to look one up."""
    spans: tuple[list[datetime], list[datetime]] = field(compare=False, repr=False)
    """Begins and ends of the closed times, those that meet as one."""

    def is_worked(self, day: date) -> bool:
        """Whether `day` is a working day."""
        return day.weekday() not in self.weekend and day not in self.off

    def closed_until(self, moment: datetime) -> datetime | None:
        """When the closed time that `moment` lies in ends; None where it lies in none."""
        begins, ends = self.spans
        place = bisect_right(begins, moment) - 1
        return ends[place] if place >= 0 and moment < ends[place] else None

    @property
    def has_days_off(self) -> bool:
        """Whether there is any day that is not worked."""
        return bool(self.weekend or self.holidays)

    def describe_closed(self) -> str:
        """Say in plain English when it is closed; nothing where it never is."""
        told = [f"from {stamp(begin)} until {stamp(end)}" for begin, end in self.closed]
        if len(told) > MOST_TOLD:
            return f", but not in {len(told):,} closed times from {stamp(self.closed[0][0])} on"
        return f", but not {in_words(told, 'nor')}" if told else ""

    def warnings(self, since: datetime | None) -> tuple[str, ...]:
        """Say where its holidays end, when that is near `since`."""
        if not self.holidays or since is None or self.holidays[-1] >= since.date() + HORIZON:
            return ()
        last = self.holidays[-1]
        return (f"the calendar {self.name} has no holiday after {last}; add those to come",)

    def spec(self) -> dict[str, object]:
        """Give the JSON-able form."""
        return {
            "name": self.name,
            "weekend": [DAYS[day] for day in self.weekend],
            "holidays": [day.isoformat() for day in self.holidays],
            "closed": [[stamp(begin), stamp(end)] for begin, end in self.closed],
        }


def _joined(
    closed: tuple[tuple[datetime, datetime], ...],
) -> tuple[list[datetime], list[datetime]]:
    """Begins and ends of closed times in order, those that meet or overlap as one."""
    begins: list[datetime] = []
    ends: list[datetime] = []
    for begin, end in closed:
        if ends and begin <= ends[-1]:
            ends[-1] = max(ends[-1], end)
        else:
            begins.append(begin)
            ends.append(end)
    return begins, ends


def work_calendar(
    name: str,
    *,
    weekend: Sequence[str] = ("sat", "sun"),
    holidays: Sequence[date | str] = (),
    closed: Sequence[object] = (),
    ics: str | None = None,
) -> WorkCalendar:
    """Make a calendar of working days.

    `holidays` are dates, `closed` pairs of moments between which nothing is due; `ics` is the text
    of an iCalendar file with more of both: its days are holidays, its times closed. Raises
    InvalidRecurrence naming what is wrong.
    """
    if ics is not None:
        more = read_ics(ics)
        holidays, closed = [*holidays, *more.holidays], [*closed, *more.closed]
    limited: tuple[tuple[str, Sequence[object], int], ...] = (
        ("holidays", holidays, MOST_HOLIDAYS),
        ("closed", closed, MOST_WINDOWS),
    )
    for name_of, values, most in limited:
        if len(values) > most:
            raise InvalidRecurrence(
                name_of, f"{len(values):,} are given; at most {most:,} are kept"
            )
    off = frozenset(_date(day) for day in holidays)
    windows = tuple(sorted(_window(each) for each in closed))
    made = WorkCalendar(
        name=name,
        weekend=tuple(sorted({_weekday(day) for day in weekend})),
        holidays=tuple(sorted(off)),
        closed=windows,
        off=off,
        spans=_joined(windows),
    )
    if len(made.weekend) == len(DAYS):
        raise InvalidRecurrence("weekend", "all seven days are; leave one to work on")
    return made


def calendar_from_spec(spec: object) -> WorkCalendar:
    """Read what `spec` gave. Raises InvalidRecurrence."""
    if not isinstance(spec, dict) or not isinstance(spec.get("name"), str):
        raise InvalidRecurrence("calendar", "not an object with a name")
    unknown = sorted(spec.keys() - {"name", "weekend", "holidays", "closed"})
    if unknown:
        raise InvalidRecurrence(unknown[0], "not an option of a calendar")
    lists = {key: spec[key] for key in ("weekend", "holidays", "closed") if key in spec}
    for key, value in lists.items():
        if not isinstance(value, list):
            raise InvalidRecurrence(key, "not a list; write it as a list")
    return work_calendar(spec["name"], **lists)


def _weekday(name: object) -> int:
    if not isinstance(name, str) or name.lower() not in DAYS:
        raise InvalidRecurrence("weekend", f"{name!r} is not a day; use {in_words([*DAYS], 'or')}")
    return DAYS.index(name.lower())


def _date(day: date | str) -> date:
    if isinstance(day, date):
        return day
    try:
        return date.fromisoformat(day)
    except (ValueError, TypeError):
        raise InvalidRecurrence(
            "holidays", f"{day!r} is not a date; write it as 2027-12-25"
        ) from None


def _window(pair: object) -> tuple[datetime, datetime]:
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        raise InvalidRecurrence("closed", f"{pair!r} is not a pair of moments; give (begin, end)")
    begin, end = (moment_from(each, "closed") for each in pair)
    if end <= begin:
        message = f"{stamp(end)} is not after {stamp(begin)}; give the earlier one first"
        raise InvalidRecurrence("closed", message)
    return begin, end
