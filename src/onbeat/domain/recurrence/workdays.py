"""Recurrences that keep to the working days of a calendar."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from typing import Literal

from onbeat.domain.errors import InvalidRecurrence
from onbeat.domain.recurrence.clock_words import clock_changes
from onbeat.domain.recurrence.combine import Combined, joined, whole
from onbeat.domain.recurrence.cron_days import month_length
from onbeat.domain.recurrence.local_time import AFTER_AND_FIRST, first_after, instant_of
from onbeat.domain.recurrence.recurrence import (
    DAY,
    EPOCH,
    MICROSECOND,
    OnGrid,
    Recurrence,
    aware,
    in_words,
)
from onbeat.domain.recurrence.work_calendar import WorkCalendar
from onbeat.domain.recurrence.zones import known_zone, to_local

Otherwise = Literal["skip", "forward", "back"]

LONGEST_REST = 366
"""Days without a working one after which a calendar has none."""

MOST_A_DAY = 1_440
"""Moments a day of a recurrence whose moments are moved: one a minute."""

MOST_LOOKS = 10_000
"""Moments in a row that a calendar may leave out before there is said to be no other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnWorkdays(Combined):
    """The moments of `source` on working days; those on others left out, or moved to one."""

    source: Recurrence
    calendar: WorkCalendar
    otherwise: Otherwise

    @property
    def sources(self) -> tuple[Recurrence, ...]:
        """The source, where no moment is moved."""
        return (self.source,) if self.otherwise == "skip" else ()

    @property
    def zone(self) -> str:
        """The zone of the source: its days are meant."""
        return self.source.zone

    def next(self, after: datetime) -> datetime | None:
        """Give the next moment; None where there is none, or too many in a row are left out."""
        found = self._open(aware(after, "after"))
        for _ in range(MOST_LOOKS):
            reopens = None if found is None else self.calendar.closed_until(found)
            if reopens is None:
                return found
            found = self._open(reopens - MICROSECOND)
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
            after = max(
                moment, instant_of(self.zone, datetime.combine(worked, time())) - MICROSECOND
            )
        return None

    def _moved(self, after: datetime) -> datetime | None:
        """The next moment, where those of other days are moved to a working one."""
        day = self._worked_from(to_local(self.zone, after).date())
        for _ in range(MOST_LOOKS):
            if day is None:
                return None
            found, _ = _gathered(self, day)
            if found and found[-1] > after:
                return found[bisect_right(found, after)]
            day = self._day_of_next(day)
        return None

    def gathered(self, day: date) -> tuple[tuple[datetime, ...], datetime | None]:
        """All moments on a working day, its own and those moved to it; the first that is neither.

        Both are of the source: that first one may still be moved itself.
        """
        first, last = self._gathers(day)
        found = []
        moment = self.source.next(
            instant_of(self.zone, datetime.combine(first, time())) - MICROSECOND
        )
        while moment is not None and (local := to_local(self.zone, moment)).date() <= last:
            there = datetime.combine(day, local.time())
            found.append(moment if local.date() == day else instant_of(self.zone, there))
            moment = self.source.next(moment)
        return tuple(sorted(found)), moment

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
        _, moment = _gathered(self, day)
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
        kept = {
            "skip": f"on working days of {self.calendar.name} only",
            "forward": f"or on the next working day of {self.calendar.name}",
            "back": f"or on the last working day of {self.calendar.name} before",
        }
        words = f", {kept[self.otherwise]}" if self.calendar.has_days_off else ""
        return f"{whole(self.source)}{words}{self.calendar.describe_closed()}"

    def warnings(self, since: datetime | None = None) -> tuple[str, ...]:
        """Give the source's warnings, and say where the calendar ends."""
        return self.source.warnings(since) + self.calendar.warnings(since)

    def spec(self) -> dict[str, object]:
        """Give the JSON-able form."""
        return {
            "kind": "workdays",
            "source": self.source.spec(),
            "calendar": self.calendar.spec(),
            "otherwise": self.otherwise,
        }


@lru_cache(maxsize=256)
def _gathered(recurrence: OnWorkdays, day: date) -> tuple[tuple[datetime, ...], datetime | None]:
    """Kept, for of a day with many moments each is asked for in its turn."""
    return recurrence.gathered(day)


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
        found = first_after(self._at_or_after, self.zone, AFTER_AND_FIRST, after)
        for _ in range(MOST_LOOKS):
            reopens = None if found is None else self.calendar.closed_until(found)
            if reopens is None:
                return found
            found = first_after(
                self._at_or_after, self.zone, AFTER_AND_FIRST, reopens - MICROSECOND
            )
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
        return f"at {self.at:%H:%M} on {day} {where}{self.calendar.describe_closed()}"

    def warnings(self, since: datetime | None = None) -> tuple[str, ...]:
        """Say where the calendar ends, and what clock changes do."""
        changed = clock_changes(self._at_or_after, self.zone, AFTER_AND_FIRST, since)
        return (*self.calendar.warnings(since), *changed)

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
    depth, parts = joined("workdays", source)
    if otherwise not in ("skip", "forward", "back"):
        words = in_words(["skip", "forward", "back"], "or")
        raise InvalidRecurrence("otherwise", f"{otherwise!r} is not a rule; use {words}")
    if otherwise != "skip" and _is_dense(source):
        raise InvalidRecurrence(
            "otherwise", "only moments a minute apart or more can be moved; use skip"
        )
    made = OnWorkdays(
        source=source,
        calendar=calendar,
        otherwise=otherwise,  # type: ignore[arg-type] # as just checked
        depth=depth,
        parts=parts,
    )
    if source.next(EPOCH) is not None and made.next(EPOCH) is None:
        raise InvalidRecurrence(
            "calendar", "it would never fire: it has no moment in working times; close less"
        )
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


def _is_dense(source: Recurrence) -> bool:
    """Whether it has more moments than one a minute, looked at where it begins."""
    first = moment = source.next(EPOCH)
    for _ in range(MOST_A_DAY):
        if moment is None:
            return False
        moment = source.next(moment)
    return moment is not None and first is not None and moment - first < DAY
