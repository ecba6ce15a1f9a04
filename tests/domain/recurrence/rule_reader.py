"""Reads the plain English of an iCalendar rule back, as a person would: what moments it names.

It knows nothing of rules; what it cannot read is an error.
"""

from __future__ import annotations

import re
from calendar import day_name, month_name, monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

WEEKDAYS, MONTHS = list(day_name), list(month_name)
DAY = timedelta(days=1)
SIZES = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1)}
Days = Callable[[date], bool]

NTHS = r"(?:(?:\d+(?:st|nd|rd|th)(?: to last)?|last)(?:, | and )?)+"
NAMED = rf"(?:(?:the {NTHS.removesuffix('+')} )?(?:{'|'.join(WEEKDAYS)})(?:, | and )?)+"
RULE = re.compile(
    r"every (?:(?P<count>\d+) )?(?P<unit>minute|hour|day|week|month|year)s?"
    rf"(?: in (?P<months>(?:(?:{'|'.join(MONTHS[1:])})(?:, | and )?)+))?"
    rf"(?: on the (?P<dates>{NTHS}) day of the month)?"
    rf"(?:(?: on| and of these) the (?P<yeardays>{NTHS}) day of the year)?"
    rf"(?:(?: on| and only if it is) (?P<weekdays>{NAMED}))?"
    r"(?: on day (?P<day>\d+) of the month)?"
    rf"(?:(?: on each day)? in the (?P<weeks>{NTHS}) week of the year)?"
    rf"(?: \(only the (?P<early>{NTHS}) of these\))?"
    r"(?: at (?P<times>(?:\d\d:\d\d(?::\d\d)?(?:, | and )?)+))?"
    r"(?: at hours? (?P<hours>(?:\d+(?:, | and )?)+))?"
    r"(?: at minutes? (?P<minutes>(?:\d+(?:, | and )?)+))?"
    rf"(?: \(only the (?P<late>{NTHS}) of these\))?"
    r"(?: (?P<most>\d+) times)?"
    r"(?:,? \(?weeks begin on (?P<first>\w+)\)?)?"
    r" from (?P<start>\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?) \(UTC\)"
)


@dataclass(frozen=True)
class Reading:
    """What the words say, part by part."""

    said: dict[str, str]

    @property
    def start(self) -> datetime:
        return datetime.fromisoformat(self.said["start"])

    def named(self, begin: datetime, end: datetime) -> list[datetime]:
        """All moments (naive) from `begin` on and before `end`."""
        found = self._within_days if self.said["unit"] in SIZES else self._of_days
        return [at for at in found(begin, end) if max(begin, self.start) <= at < end]

    def _within_days(self, begin: datetime, end: datetime) -> Iterator[datetime]:
        at, start = begin.replace(second=self.start.second), self.start
        size, every = SIZES[self.said["unit"]], int(self.said.get("count", 1))
        hours, minutes = numbers(self.said.get("hours")), numbers(self.said.get("minutes"))
        while at < end:
            whole = at if self.said["unit"] == "minute" else at.replace(minute=start.minute)
            in_step = (whole - start) // size % every == 0
            of_hour = at.minute in minutes if minutes else at == whole
            if in_step and of_hour and (not hours or at.hour in hours) and self._is_day(at.date()):
                yield at
            at += timedelta(minutes=1)

    def _of_days(self, begin: datetime, end: datetime) -> Iterator[datetime]:
        clock = [time.fromisoformat(each) for each in split(self.said["times"])]
        positions = self.said.get("early") or self.said.get("late")
        day = self._period(begin.date())[0]
        while day <= end.date():
            first, after = self._period(day)
            days = [first + n * DAY for n in range((after - first).days)]
            in_step = self._is_in_step(first)
            found = sorted(
                {datetime.combine(d, at) for d in days for at in clock if self._is_day(d)}
            )
            yield from picked(found, positions) if in_step else ()
            day = after

    def _period(self, day: date) -> tuple[date, date]:
        """The day, week, month or year that a day is in, and where the next one begins."""
        match self.said["unit"]:
            case "day":
                return day, day + DAY
            case "week":
                first = WEEKDAYS.index(self.said.get("first", "Monday"))
                begin = day - (day.weekday() - first) % 7 * DAY
                return begin, begin + 7 * DAY
            case "month":
                return day.replace(day=1), day.replace(day=1) + monthrange(day.year, day.month)[
                    1
                ] * DAY
            case _:
                return date(day.year, 1, 1), date(day.year + 1, 1, 1)

    def _is_in_step(self, first: date) -> bool:
        begin, every = self._period(self.start.date())[0], int(self.said.get("count", 1))
        days = {"day": 1, "week": 7}
        if self.said["unit"] in days:
            return (first - begin).days // days[self.said["unit"]] % every == 0
        months = (first.year - begin.year) * 12 + first.month - begin.month
        return (months if self.said["unit"] == "month" else months // 12) % every == 0

    def _is_day(self, day: date) -> bool:
        length, year = (
            monthrange(day.year, day.month)[1],
            date(day.year, 12, 31).timetuple().tm_yday,
        )
        of_year = day.timetuple().tm_yday
        parts: list[tuple[str, Days]] = [
            ("months", lambda d: MONTHS[d.month] in split(self.said["months"])),
            ("dates", lambda d: is_nth(self.said["dates"], d.day, length)),
            ("yeardays", lambda d: is_nth(self.said["yeardays"], of_year, year)),
            ("weekdays", self._is_weekday),
            ("day", lambda d: d.day == int(self.said["day"])),
            ("weeks", self._is_week),
        ]
        return all(holds(day) for name, holds in parts if name in self.said)

    def _is_weekday(self, day: date) -> bool:
        """Of a month where the unit is one or months are named, else of the year."""
        by_month = self.said["unit"] == "month" or "months" in self.said
        first = day.replace(day=1) if by_month else date(day.year, 1, 1)
        last = (
            (day.replace(day=28) + 4 * DAY).replace(day=1) - DAY
            if by_month
            else date(day.year, 12, 31)
        )
        before, behind = (day - first).days // 7 + 1, (last - day).days // 7 + 1
        for each in split(self.said["weekdays"]):
            *nth, name = each.removeprefix("the ").split(" ")
            if name == WEEKDAYS[day.weekday()] and (
                not nth or is_nth(" ".join(nth), before, before + behind - 1)
            ):
                return True
        return False

    def _is_week(self, day: date) -> bool:
        """Weeks of a year begin on a Monday unless said; the first has four days of it."""
        first = WEEKDAYS.index(self.said.get("first", "Monday"))
        begin = first_week(day.year, first)
        count = (first_week(day.year + 1, first) - begin).days // 7
        week = (day - begin).days // 7 + 1
        if 1 <= week <= count:
            return is_nth(self.said["weeks"], week, count)
        other = day.year - 1 if week < 1 else day.year + 1
        begin = first_week(other, first)
        count = (first_week(other + 1, first) - begin).days // 7
        return is_nth(self.said["weeks"], (day - begin).days // 7 + 1, count)


def read_rule_words(words: str) -> Reading:
    found = RULE.fullmatch(words)
    assert found is not None, f"{words!r} is not understood"
    return Reading({name: value for name, value in found.groupdict().items() if value})


def first_week(year: int, first: int) -> date:
    """Where the week begins that has 4 January in it."""
    fourth = date(year, 1, 4)
    return fourth - (fourth.weekday() - first) % 7 * DAY


def picked(found: list[datetime], positions: str | None) -> list[datetime]:
    if positions is None:
        return found
    return [at for n, at in enumerate(found, start=1) if is_nth(positions, n, len(found))]


def is_nth(text: str, number: int, count: int) -> bool:
    """Whether the number is among "1st, 2nd to last and last" of so many."""
    for each in split(text):
        value = 1 if each == "last" else int(re.match(r"\d+", each)[0])  # type: ignore[index]  # RULE has matched
        if number == (count - value + 1 if each.endswith("last") else value):
            return True
    return False


def numbers(text: str | None) -> set[int]:
    return {int(each) for each in split(text or "")}


def split(text: str) -> list[str]:
    return [each for each in re.split(r", | and ", text) if each]
