"""Working days: a calendar of holidays and closed times, and recurrences that keep to it.

A calendar is a value within the recurrence: what is stored says by itself when it is due. Where
calendars are kept by name, changing one rewrites the schedules that use it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal

from onbeat.domain.errors import InvalidRecurrence
from onbeat.domain.recurrence.cron_days import month_length
from onbeat.domain.recurrence.ics import read_ics
from onbeat.domain.recurrence.local_time import ClockChanges, first_after
from onbeat.domain.recurrence.recurrence import (
    DAY,
    EPOCH,
    MICROSECOND,
    OnGrid,
    Recurrence,
    aware,
    in_words,
    moment_from,
    stamp,
)
from onbeat.domain.recurrence.zones import known_zone, to_local

Otherwise = Literal["skip", "forward", "back"]

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SATURDAY_AND_SUNDAY = (5, 6)
MOST_HOLIDAYS = 5_000
MOST_WINDOWS = 1_000
LONGEST_REST = 366
"""Days without a working one after which a calendar has none."""

MOST_A_DAY = 1_440
"""Moments a day of a recurrence whose moments are moved: one a minute."""

MOST_LOOKS = 10_000
"""Moments in a row that a calendar may leave out before there is said to be no other."""

_CHANGES = ClockChanges(gap="after", fold="first")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkCalendar:
    """Which days are worked; made by `work_calendar`, which checks it."""

    name: str
    weekend: tuple[int, ...] = SATURDAY_AND_SUNDAY
    """0 is Monday."""
    holidays: tuple[date, ...] = ()
    """In order, each once."""
    closed: tuple[tuple[datetime, datetime], ...] = ()
    """Times in which nothing is due, in order: from the first moment on, before the second."""

    def is_worked(self, day: date) -> bool:
        """Whether `day` is a working day."""
        return day.weekday() not in self.weekend and day not in _days(self.holidays)

    def is_closed(self, moment: datetime) -> bool:
        """Whether `moment` lies in a closed time."""
        return any(begin <= moment < end for begin, end in self.closed)

    def spec(self) -> dict[str, object]:
        """Give the JSON-able form."""
        return {
            "name": self.name,
            "weekend": [DAYS[day] for day in self.weekend],
            "holidays": [day.isoformat() for day in self.holidays],
            "closed": [[stamp(begin), stamp(end)] for begin, end in self.closed],
        }


@lru_cache(maxsize=256)
def _days(holidays: tuple[date, ...]) -> frozenset[date]:
    return frozenset(holidays)


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
    for field, values, most in limited:
        if len(values) > most:
            raise InvalidRecurrence(field, f"{len(values):,} are given; at most {most:,} are kept")
    made = WorkCalendar(
        name=name,
        weekend=tuple(sorted({_weekday(day) for day in weekend})),
        holidays=tuple(sorted({_date(day) for day in holidays})),
        closed=tuple(sorted(_window(each) for each in closed)),
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


@dataclass(frozen=True, slots=True, kw_only=True)
class OnWorkdays(OnGrid):
    """The moments of `source` on working days; those on others left out, or moved to one."""

    source: Recurrence
    calendar: WorkCalendar
    otherwise: Otherwise

    @property
    def zone(self) -> str:
        """The zone of the source: its days are meant."""
        return self.source.zone

    def next(self, after: datetime) -> datetime | None:
        """Give the next moment; None where there is none, or too many in a row are left out."""
        found = self._open(aware(after, "after"))
        for _ in range(MOST_LOOKS):
            if found is None or not self.calendar.is_closed(found):
                return found
            found = self._open(found)
        return None

    def _open(self, after: datetime) -> datetime | None:
        return self._left(after) if self.otherwise == "skip" else self._moved(after)

    def _left(self, after: datetime) -> datetime | None:
        """The next moment on a working day; a day that is none is passed by as a whole."""
        for _ in range(MOST_LOOKS):
            moment = self.source.next(after)
            if moment is None:
                return None
            day = to_local(self.zone, moment).date()
            if self.calendar.is_worked(day):
                return moment
            worked = self._worked_from(day)
            if worked is None:
                return None
            after = max(moment, _instant(self.zone, worked, time()) - MICROSECOND)
        return None

    def _moved(self, after: datetime) -> datetime | None:
        """The next moment, where those of other days are moved to a working one."""
        day = self._worked_from(to_local(self.zone, after).date())
        for _ in range(MOST_LOOKS):
            if day is None:
                return None
            found = min((each for each in self._moments_of(day) if each > after), default=None)
            if found is not None:
                return found
            day = self._day_of_next(day)
        return None

    def _moments_of(self, day: date) -> Iterator[datetime]:
        """All moments on a working day: its own, and those moved to it."""
        first, last = self._gathers(day)
        moment = self.source.next(_instant(self.zone, first, time()) - MICROSECOND)
        while moment is not None and (local := to_local(self.zone, moment)).date() <= last:
            yield moment if local.date() == day else _instant(self.zone, day, local.time())
            moment = self.source.next(moment)

    def _gathers(self, day: date) -> tuple[date, date]:
        """From which days a working day has moments: its own, and the free ones beside it."""
        step = -DAY if self.otherwise == "forward" else DAY
        edge = day
        for _ in range(LONGEST_REST):
            if self.calendar.is_worked(edge + step):
                break
            edge += step
        return min(edge, day), max(edge, day)

    def _day_of_next(self, day: date) -> date | None:
        """The working day after `day` that has the next moments."""
        _, last = self._gathers(day)
        moment = self.source.next(_instant(self.zone, last + DAY, time()) - MICROSECOND)
        if moment is None:
            return None
        found = to_local(self.zone, moment).date()
        if self.otherwise == "forward" or self.calendar.is_worked(found):
            return self._worked_from(found)
        while not self.calendar.is_worked(found):
            found -= DAY
        return found

    def _worked_from(self, day: date) -> date | None:
        """The first working day from `day` on."""
        for _ in range(LONGEST_REST):
            if self.calendar.is_worked(day):
                return day
            day += DAY
        return None

    def describe(self) -> str:
        """Say in plain English when it fires."""
        words = {
            "skip": f"on working days of {self.calendar.name} only",
            "forward": f"or on the next working day of {self.calendar.name}",
            "back": f"or on the last working day of {self.calendar.name} before",
        }
        return f"{self.source.describe()}, {words[self.otherwise]}"

    def warnings(self, since: datetime | None = None) -> tuple[str, ...]:
        """Give the source's warnings, and say where the calendar ends."""
        return self.source.warnings(since) + _ends(self.calendar, since)

    def spec(self) -> dict[str, object]:
        """Give the JSON-able form."""
        return {
            "kind": "workdays",
            "source": self.source.spec(),
            "calendar": self.calendar.spec(),
            "otherwise": self.otherwise,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class NthWorkday(OnGrid):
    """The first, second, … or last working day of each month, at a time of day."""

    nth: int
    """1 for the first, -1 for the last."""
    at: time
    zone: str
    calendar: WorkCalendar

    def next(self, after: datetime) -> datetime | None:
        """Give the next moment; None only past year 9998."""
        found = first_after(self._at_or_after, self.zone, _CHANGES, after)
        for _ in range(MOST_LOOKS):
            if found is None or not self.calendar.is_closed(found):
                return found
            found = first_after(self._at_or_after, self.zone, _CHANGES, found)
        return None

    def _at_or_after(self, local: datetime) -> datetime | None:
        year, month = local.year, local.month
        for _ in range(LONGEST_REST):
            day = _nth(self.calendar, year, month, self.nth)
            if day is not None and (found := datetime.combine(day, self.at)) >= local:
                return found
            year, month = (year, month + 1) if month < 12 else (year + 1, 1)
            if year > 9998:
                return None
        return None

    def describe(self) -> str:
        """Say in plain English when it fires."""
        words = {1: "first", 2: "second", 3: "third", -1: "last", -2: "second to last"}
        ordinal = words.get(self.nth) or f"working day {self.nth}"
        day = f"the {ordinal} working day" if self.nth in words else ordinal
        where = f"of each month (calendar {self.calendar.name}, {self.zone})"
        return f"at {self.at:%H:%M} on {day} {where}"

    def warnings(self, since: datetime | None = None) -> tuple[str, ...]:
        """Say where the calendar ends."""
        return _ends(self.calendar, since)

    def spec(self) -> dict[str, object]:
        """Give the JSON-able form."""
        return {
            "kind": "nth_workday",
            "nth": self.nth,
            "at": f"{self.at:%H:%M:%S}",
            "tz": self.zone,
            "calendar": self.calendar.spec(),
        }


def workdays(source: Recurrence, calendar: WorkCalendar, *, otherwise: str = "skip") -> OnWorkdays:
    """Keep `source` to the working days of `calendar`.

    A moment on another day is left out (`skip`), or moved to the next working day (`forward`) or
    the last one before (`back`), at the same time of day. Raises InvalidRecurrence.
    """
    if source.after_finish is not None:
        raise InvalidRecurrence(
            "workdays", "a delay after finish has no moments of its own; leave it out"
        )
    if otherwise not in ("skip", "forward", "back"):
        words = in_words(["skip", "forward", "back"], "or")
        raise InvalidRecurrence("otherwise", f"{otherwise!r} is not a rule; use {words}")
    if otherwise != "skip" and _is_dense(source):
        raise InvalidRecurrence(
            "otherwise", "only moments a minute apart or more can be moved; use skip"
        )
    made = OnWorkdays(source=source, calendar=calendar, otherwise=otherwise)  # type: ignore[arg-type] # as just checked
    if source.next(EPOCH) is not None and made.next(EPOCH) is None:
        raise InvalidRecurrence("calendar", "it would never fire: no day is worked; free one")
    return made


def nth_workday(nth: int, at: str, *, tz: str, calendar: WorkCalendar) -> NthWorkday:
    """The `nth` working day of each month (-1 is the last) at a time of day as "09:00".

    Raises InvalidRecurrence.
    """
    if isinstance(nth, bool) or not isinstance(nth, int) or not 1 <= abs(nth) <= 15:
        raise InvalidRecurrence("nth", f"{nth!r} is out of range; give 1 to 15, or -1 to -15")
    try:
        moment = time.fromisoformat(at)
    except (ValueError, TypeError):
        raise InvalidRecurrence("at", f"{at!r} is not a time of day; write it as 09:00") from None
    if moment.tzinfo is not None or moment.microsecond:
        raise InvalidRecurrence("at", f"{at!r} is not a plain time of day; write it as 09:00")
    return NthWorkday(nth=nth, at=moment, zone=known_zone(tz), calendar=calendar)


def _nth(calendar: WorkCalendar, year: int, month: int, nth: int) -> date | None:
    days = [date(year, month, day) for day in range(1, month_length(year, month) + 1)]
    worked = [day for day in days if calendar.is_worked(day)]
    place = nth - 1 if nth > 0 else nth
    return worked[place] if -len(worked) <= place < len(worked) else None


def _instant(zone: str, day: date, at: time) -> datetime:
    """The instant of a local time; where the clock leaves it out, when the gap ends."""
    local = datetime.combine(day, at)
    found = first_after(
        lambda begin: local if begin <= local else None,
        zone, _CHANGES, (local - 2 * DAY).replace(tzinfo=UTC),
    )  # fmt: skip
    return found if found is not None else local.replace(tzinfo=UTC)


def _is_dense(source: Recurrence) -> bool:
    """Whether it has more moments than one a minute, looked at where it begins."""
    first = moment = source.next(EPOCH)
    for _ in range(MOST_A_DAY):
        if moment is None:
            return False
        moment = source.next(moment)
    return moment is not None and first is not None and moment - first < DAY


def _ends(calendar: WorkCalendar, since: datetime | None) -> tuple[str, ...]:
    if not calendar.holidays or since is None:
        return ()
    last = calendar.holidays[-1]
    if last >= since.date() + timedelta(days=90):
        return ()
    return (f"the calendar {calendar.name} has no holiday after {last}; add those to come",)


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
        raise InvalidRecurrence("closed", f"{pair!r} is not a pair of moments")
    begin, end = (moment_from(each, "closed") for each in pair)
    if end <= begin:
        raise InvalidRecurrence("closed", f"{stamp(end)} is not after {stamp(begin)}")
    return begin, end
