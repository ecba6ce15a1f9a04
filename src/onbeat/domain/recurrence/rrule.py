"""iCalendar rules in a zone; python-dateutil (extra `rrule`) expands them, local_time places them.

dateutil is fed naive local times only, for it yields times that do not exist. It always walks from
a rule's start, so the start is moved close first, by whole intervals, and what follows is kept as
a page: a rule that began decades ago costs no more than a new one. Years come again after 400, so
do the pages of most rules by the year and the month.
"""

from __future__ import annotations

# ruff: noqa: DTZ001  naive local time is what this module is about
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import MAXYEAR, UTC, datetime, timedelta
from functools import lru_cache
from itertools import dropwhile, islice

from onbeat.domain.recurrence import rrule_words
from onbeat.domain.recurrence.clock_words import clock_changes, unheeded
from onbeat.domain.recurrence.local_time import (
    FOLLOW_REAL_TIME,
    ClockChanges,
    Fold,
    Gap,
    clock_changes_of,
    first_after,
)
from onbeat.domain.recurrence.recurrence import DAY, OnGrid, moment_from
from onbeat.domain.recurrence.rrule_text import (
    WITHIN_DAY,
    RuleText,
    bounded_start,
    read_rule,
    read_until,
    refuse,
)
from onbeat.domain.recurrence.zones import FIRST_YEAR, to_local

_UNITS = {
    "MINUTELY": timedelta(minutes=1),
    "HOURLY": timedelta(hours=1),
    "DAILY": timedelta(days=1),
    "WEEKLY": timedelta(weeks=1),
}
_MONTHS = {"MONTHLY": 1, "YEARLY": 12}
_PAGE = {"MINUTELY": 1440, "HOURLY": 168, "DAILY": 64, "WEEKLY": 16, "MONTHLY": 12, "YEARLY": 4}
"""Intervals to a page: at most some 35,000 moments (24 times on each day), usually some dozens."""
_CYCLE = 400  # years after which the Gregorian calendar repeats, weekdays included
_CYCLE_DAYS = timedelta(days=146_097)  # of those years
_END = datetime(MAXYEAR, 12, 31, 23, 59, 59)
_MOST_YEARS = 990  # the start is 9000 at the latest, so this many years lie ahead of every rule
_BEFORE_ALL = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """A rule without its COUNT and UNTIL and with all that its start implies written out."""

    rule: str
    start: datetime
    freq: str
    interval: int
    week_start: int
    """On which weekday weeks begin; 0 is Monday."""

    @property
    def midnight(self) -> datetime:
        """Where pages begin: at the start within a day, else at a whole day, week, month or year.

        A week that is cut off has other places for BYSETPOS to count.
        """
        if self.freq in WITHIN_DAY:
            return self.start

        whole = self.start.replace(hour=0, minute=0, second=0)
        if self.freq == "WEEKLY":
            return whole - (whole.weekday() - self.week_start) % 7 * DAY

        if self.freq == "DAILY":
            return whole

        return whole.replace(day=1, month=1 if self.freq == "YEARLY" else whole.month)


@dataclass(frozen=True, slots=True, kw_only=True)
class RRule(OnGrid):
    """An iCalendar rule in a zone, from a start; made by `rrule`, which reads and checks it."""

    rule: str
    zone: str
    start: datetime
    """Local (naive): what the clock on the wall showed."""
    changes: ClockChanges
    text: RuleText = field(compare=False, repr=False)
    walk: Walk = field(compare=False, repr=False)

    @property
    def follows_real_time(self) -> str | None:
        """Why gap and fold are not heeded; None where they are."""
        return f"FREQ={self.walk.freq} follows real time" if self.walk.freq in WITHIN_DAY else None

    def next(self, after: datetime) -> datetime | None:
        """Give the first moment (UTC) strictly later than `after`, None when the rule has ended."""
        policy = FOLLOW_REAL_TIME if self.follows_real_time else self.changes
        return first_after(self._at_or_after, self.zone, policy, after)

    def describe(self) -> str:
        """Say in plain English when it fires, zone included."""
        return f"{rrule_words.describe(self.text, self.start)} ({self.zone})"

    def warnings(self, since: datetime | None = None) -> tuple[str, ...]:
        """Say what months leave out, and what clock changes do to times of day."""
        found = rrule_words.warnings(self.text, self.start)
        if self.follows_real_time:
            return (*unheeded(self.changes, self.follows_real_time), *found)

        return (*found, *clock_changes(self._at_or_after, self.zone, self.changes, since))

    def spec(self) -> dict[str, object]:
        """Give the JSON-able form; `start` is local to `tz`."""
        return {
            "kind": "rrule",
            "rrule": f"DTSTART:{self.start:%Y%m%dT%H%M%S} {self.rule}",
            "tz": self.zone,
            "gap": self.changes.gap,
            "fold": self.changes.fold,
        }

    def _at_or_after(self, at: datetime) -> datetime | None:
        if count := self.text.get("COUNT"):
            counted = _counted(self.walk, int(count))
            index = bisect_left(counted, at)
            return counted[index] if index < len(counted) else None

        found = _at_or_after(self.walk, at)
        until = read_until(self.text.get("UNTIL"), self.zone)
        return None if found is None or (until is not None and found > until) else found


def rrule(
    text: str,
    *,
    tz: str = "UTC",
    start: datetime | None = None,
    gap: Gap = "after",
    fold: Fold = "first",
) -> RRule:
    """Make a recurrence from one RFC 5545 RRULE, with or without a DTSTART line above it.

    Where neither gives a start it is 1970-01-01 00:00 in `tz`; COUNT needs a real one. Rules of
    FREQ=HOURLY and MINUTELY follow real time, for the others `gap` and `fold` hold as for `cron`.

    Raises InvalidRecurrence naming the option, also for a rule that never fires, for one that
    would take unbounded work, and where python-dateutil is not installed.
    """
    read = read_rule(text, tz)
    begin = _start(read, start)
    made = RRule(
        rule=read.rule,
        zone=read.zone,
        start=begin,
        changes=clock_changes_of(gap, fold),
        text=read,
        walk=_walk_of(read, begin),
    )
    _refuse_silence(made)
    return made


def _start(read: RuleText, start: datetime | None) -> datetime:
    if start is not None and read.start is not None:
        raise refuse("the rule has a DTSTART and a start is given too; leave one out")

    if start is not None:
        return bounded_start(
            to_local(read.zone, moment_from(start, "start")).replace(microsecond=0)
        )

    if read.start is None and read.get("COUNT"):
        raise refuse("COUNT counts from a start; give one, or a DTSTART line")

    return read.start or datetime(1970, 1, 1)


def _walk_of(read: RuleText, start: datetime) -> Walk:
    """Write out what RFC 5545 takes from the start, so that moving the start changes nothing."""
    parts = {name: value for name, value in read.parts if name not in {"COUNT", "UNTIL"}}
    freq = parts["FREQ"]
    if freq not in WITHIN_DAY:
        parts = {**_implied_day(freq, parts, start), **_implied_time(start), **parts}

    rule = ";".join(f"{name}={value}" for name, value in parts.items())
    interval = int(parts.get("INTERVAL", "1"))
    week_start = _WEEKDAYS.index(parts.get("WKST", "MO"))
    return Walk(rule=rule, start=start, freq=freq, interval=interval, week_start=week_start)


def _implied_time(start: datetime) -> dict[str, str]:
    return {"BYHOUR": f"{start:%H}", "BYMINUTE": f"{start:%M}", "BYSECOND": f"{start:%S}"}


def _implied_day(freq: str, parts: dict[str, str], start: datetime) -> dict[str, str]:
    if freq == "DAILY" or parts.keys() & {"BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO"}:
        return {}

    if freq == "WEEKLY":
        return {"BYDAY": _WEEKDAYS[start.weekday()]}

    month = {"BYMONTH": str(start.month)} if freq == "YEARLY" else {}
    return {**month, "BYMONTHDAY": str(start.day)}


def _refuse_silence(made: RRule) -> None:
    """Refuse a rule that never fires: look at the last cycle of years, where dateutil stops."""
    walk = made.walk
    page = _page_number(walk, datetime(MAXYEAR - _cycle(walk), 1, 1))
    if next(_from_page(walk, max(page, 0)), None) is None:
        raise refuse("the rule never fires: no day of any year fits all of its parts; relax one")

    if made.next(_BEFORE_ALL) is None:
        raise refuse("the rule ends before it begins; give a later UNTIL")


def _cycle(walk: Walk) -> int:
    """Give the years after which weekday, date and interval have met in every way they can."""
    if walk.freq in WITHIN_DAY:  # a week's hours or minutes, for dates are not among the parts
        return min(7 * walk.interval // 365 + 1, _MOST_YEARS)

    return min(_CYCLE * walk.interval, _MOST_YEARS)


@lru_cache(maxsize=64)
def _counted(walk: Walk, count: int) -> tuple[datetime, ...]:
    return tuple(islice(_from_page(walk, 0), count))


def _at_or_after(walk: Walk, at: datetime) -> datetime | None:
    number = max(_page_number(walk, at), 0)
    cycles, place = divmod(number - 1, _pages_a_cycle(walk)) if number else (0, -1)
    ahead = max(cycles, 0) * _CYCLE_DAYS
    page = _page(walk, place + 1)
    index = bisect_left(page, at - ahead)
    return _plus_or_none(page[index], ahead) if index < len(page) else None


def _plus_or_none(local: datetime, ahead: timedelta) -> datetime | None:
    try:
        return local + ahead
    except OverflowError:
        return None


@lru_cache(maxsize=1_024)
def _pages_a_cycle(walk: Walk) -> int:
    """After how many pages, the first one aside, they come again; more than there are for never."""
    months = _PAGE[walk.freq] * walk.interval * _MONTHS.get(walk.freq, 0)
    return _CYCLE * 12 // months if months and _CYCLE * 12 % months == 0 else MAXYEAR * 366


@lru_cache(maxsize=256)
def _page(walk: Walk, number: int) -> tuple[datetime, ...]:
    """Give the local times in a page and the first one after it."""
    end = _page_start(walk, number + 1)
    found = []
    for local in _from_page(walk, number):
        found.append(local)
        if local >= end:
            break

    return tuple(found)


def _from_page(walk: Walk, number: int) -> Iterator[datetime]:
    try:
        from dateutil.rrule import rrulestr  # noqa: PLC0415  an extra, and slow to import
    except ImportError as reason:
        raise refuse("rules need python-dateutil; pip install 'onbeat[rrule]'") from reason

    try:
        found = rrulestr(walk.rule, dtstart=_page_start(walk, number))
        yield from dropwhile(lambda local: local < walk.start, found) if number == 0 else found
    except ValueError as reason:
        raise refuse(f"{walk.rule}: {reason}; see RFC 5545, 3.3.10") from reason
    except IndexError as reason:  # dateutil reads behind the end of its table
        raise refuse(f"{walk.rule}: no month has so many of a weekday; give BYDAY less") from reason


def _page_start(walk: Walk, number: int) -> datetime:
    intervals = _PAGE[walk.freq] * walk.interval * number
    if walk.freq in _UNITS:
        return _plus(walk.midnight, _UNITS[walk.freq], intervals)

    years, month = divmod(walk.midnight.month - 1 + intervals * _MONTHS[walk.freq], 12)
    year = walk.midnight.year + years
    return datetime(year, month + 1, 1) if year <= MAXYEAR else _END


def _page_number(walk: Walk, at: datetime) -> int:
    if walk.freq in _UNITS:
        return (at - walk.midnight) // (_UNITS[walk.freq] * _PAGE[walk.freq] * walk.interval)

    months = (at.year - walk.midnight.year) * 12 + at.month - walk.midnight.month
    return months // (_PAGE[walk.freq] * walk.interval * _MONTHS[walk.freq])


def _plus(start: datetime, unit: timedelta, count: int) -> datetime:
    try:
        return start + unit * count
    except OverflowError:
        return _END
