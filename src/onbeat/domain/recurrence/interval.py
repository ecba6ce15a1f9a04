"""Intervals: `every` reads one and decides which of three kinds it is.

Elapsed time on a fixed grid (24h), days and months of a zone's calendar (calendar.py), or a delay
counted from the end of the last job. They are told apart because users mean different things.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from onbeat.domain.durations import LONGEST, LONGEST_TEXT, format_duration, parse_duration
from onbeat.domain.errors import InvalidRecurrence
from onbeat.domain.recurrence.calendar import CalendarInterval, Unit
from onbeat.domain.recurrence.recurrence import (
    DAY,
    EPOCH,
    InUtc,
    OnGrid,
    aware,
    moment_from,
    shown,
    stamp,
)
from onbeat.domain.recurrence.zones import FIRST_YEAR, LAST_YEAR, known_zone, to_local

SHORTEST = timedelta(seconds=1)
"""Below this a loop in the task is the right tool; the scheduler's own resolution is coarser."""

_MOST = {"day": LONGEST // DAY, "month": 1200}  # 100 years, as for elapsed time
_COUNT = {
    "d": ("day", 1),
    "day": ("day", 1),
    "days": ("day", 1),
    "w": ("day", 7),
    "week": ("day", 7),
    "weeks": ("day", 7),
    "month": ("month", 1),
    "months": ("month", 1),
    "mo": ("month", 1),
    "y": ("month", 12),
    "year": ("month", 12),
    "years": ("month", 12),
}
_PART = re.compile(r"\s*(\d{1,6})\s*([a-z]+)\s*", re.ASCII)
_ISO = re.compile(r"P(?:(\d{1,6})Y)?(?:(\d{1,6})M)?(?:(\d{1,6})W)?(?:(\d{1,6})D)?", re.ASCII)


_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Elapsed(OnGrid):
    """Every `interval` of elapsed time, on the grid through `anchor`, whatever clocks do.

    The anchor sets the phase and is no start: the grid runs both ways, and a stop of any length is
    skipped by arithmetic, never restarted from now (vectors I1, I4).
    """

    interval: timedelta
    zone: str = "UTC"
    anchor: datetime = EPOCH
    """Aware, UTC."""

    def next(self, after: datetime) -> datetime | None:
        """Give the first grid point (UTC) strictly later than `after`; None only past 9999."""
        steps = (aware(after, "after") - self.anchor) // self.interval + 1
        try:
            return self.anchor + steps * self.interval
        except OverflowError:
            return None

    def describe(self) -> str:
        """Say in plain English when it fires: by the hour or the day where it repeats in them."""
        every = f"every {format_duration(self.interval)}"
        phase = (self.anchor - EPOCH) % self.interval
        if DAY % self.interval:
            return f"{every}, counted from {stamp(self.anchor)}"

        if _HOUR % self.interval:
            return f"{every}, from {_clock(phase)} UTC"

        return f"{every}, from {format_duration(phase)} past the hour" if phase else every

    def warnings(self, since: datetime | None = None) -> tuple[str, ...]:
        """Say that days of elapsed time do not keep a zone's clock time."""
        if self.zone == "UTC" or self.interval % DAY:
            return ()

        return (f"24 hours of elapsed time move by the clock of {self.zone}; write 1 day to stay",)

    def spec(self) -> dict[str, object]:
        """Give the JSON-able form."""
        return {
            "kind": "every",
            "every": format_duration(self.interval),
            "tz": self.zone,
            "anchor": stamp(self.anchor),
        }


def _clock(phase: timedelta) -> str:
    moment = (EPOCH + phase).time()
    if not (moment.second or moment.microsecond):
        return f"{moment:%H:%M}"

    return f"{moment}".rstrip("0") if moment.microsecond else f"{moment}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AfterFinish(InUtc):
    """A fixed delay from the finish of the last job; it has no grid, and so no phase to keep."""

    interval: timedelta

    @property
    def after_finish(self) -> timedelta | None:
        """The delay itself: what tells this kind from all others."""
        return self.interval

    def next(self, after: datetime) -> datetime | None:
        """Give the moment one delay later than `after`, which is when the job finished."""
        try:
            return aware(after, "after") + self.interval
        except OverflowError:
            return None

    def describe(self) -> str:
        """Say in plain English when it fires."""
        return f"{format_duration(self.interval)} after the last one finished"

    def warnings(self, since: datetime | None = None) -> tuple[str, ...]:
        """Give none."""
        return ()

    def spec(self) -> dict[str, object]:
        """Give the JSON-able form."""
        return {"kind": "after_finish", "every": format_duration(self.interval)}


def every(
    interval: str | timedelta | float,
    *,
    tz: str | None = None,
    anchor: datetime | None = None,
    after_finish: bool = False,
) -> Elapsed | CalendarInterval | AfterFinish:
    """Make a recurrence from an interval: text, a timedelta, or seconds.

    "24h", "PT24H" and numbers are elapsed time. Months and years are a calendar's always; days and
    weeks are where `tz` is given. `anchor` sets the phase (default: 1970-01-01 00:00, in `tz` for
    a calendar). With `after_finish` the interval is a delay from the last job's finish.

    Raises InvalidRecurrence naming the option; intervals are from 1 second to 100 years.
    """
    zone = known_zone("UTC" if tz is None else tz)
    counted = _on_calendar(interval, zoned=tz is not None) if isinstance(interval, str) else None
    if after_finish:
        return _after_finish(interval, anchor, counted)

    if counted is not None:
        return _calendar_interval(counted, zone, anchor)

    begin = EPOCH if anchor is None else moment_from(anchor, "anchor")
    return Elapsed(interval=_elapsed(interval), zone=zone, anchor=begin)


def _after_finish(
    interval: str | timedelta | float, anchor: datetime | None, counted: tuple[Unit, int] | None
) -> AfterFinish:
    if anchor is not None:
        raise InvalidRecurrence("anchor", "a delay after finish has no grid; leave the anchor out")

    if counted is not None and counted[0] == "month":
        raise InvalidRecurrence(
            "every", "a delay after finish is elapsed time; write days or hours"
        )

    return AfterFinish(interval=_elapsed(interval))


def _calendar_interval(
    counted: tuple[Unit, int], zone: str, anchor: datetime | None
) -> CalendarInterval:
    unit, count = counted
    if not 1 <= count <= _MOST[unit]:
        remedy = "use less" if count else "use 1d or more"
        raise InvalidRecurrence(
            "every", f"{count} {unit}s is not from 1 day to 100 years; {remedy}"
        )

    begin = _local_epoch(zone) if anchor is None else _whole_second(moment_from(anchor, "anchor"))
    return CalendarInterval(count=count, unit=unit, zone=zone, anchor=begin)


def _whole_second(anchor: datetime) -> datetime:
    """Calendars count in whole seconds, and within the years that every zone can show."""
    if not FIRST_YEAR <= anchor.year <= LAST_YEAR:
        message = f"{anchor} is outside the years {FIRST_YEAR} to {LAST_YEAR}; use a nearer one"
        raise InvalidRecurrence("anchor", message)

    return anchor.replace(microsecond=0)


def _local_epoch(zone: str) -> datetime:
    """Give the instant at which the zone's clock, as it was set that day, showed 1970-01-01."""
    return EPOCH - (to_local(zone, EPOCH) - EPOCH.replace(tzinfo=None))


def _elapsed(interval: str | timedelta | float) -> timedelta:
    found = _timedelta(interval)
    if found < SHORTEST:
        told = format_duration(found)
        raise InvalidRecurrence("every", f"{told} is shorter than 1 second; use 1s or more")

    if found > LONGEST:
        raise InvalidRecurrence("every", f"{found.days} days is longer than 100 years; use less")

    return found


def _timedelta(interval: str | timedelta | float) -> timedelta:
    if isinstance(interval, timedelta):
        return interval

    if isinstance(interval, str):
        return parse_duration(interval, "every", error=InvalidRecurrence)

    is_number = isinstance(interval, int | float) and not isinstance(interval, bool)
    if not is_number or not -1e11 < interval < 1e11:  # false of nan too
        told = f"{shown(interval)} is not a number of seconds up to 100 years"
        raise InvalidRecurrence("every", told)

    return timedelta(seconds=interval)


def _on_calendar(text: str, *, zoned: bool) -> tuple[Unit, int] | None:
    """Read what is counted on a calendar; None where the text is elapsed time."""
    parts = _parts(text) if len(text) <= LONGEST_TEXT else []
    units = {unit for unit, _ in parts}
    if not parts or (units == {"day"} and not zoned):
        return None

    if len(units) > 1:
        raise InvalidRecurrence("every", f"{text!r} mixes months with days; use one of them")

    return units.pop(), sum(count for _, count in parts)


def _parts(text: str) -> list[tuple[Unit, int]]:
    """Split "1 year 6 months" or "P1Y6M"; nothing where any part is not a calendar's."""
    if match := _ISO.fullmatch(text.strip().upper()):
        values = zip(match.groups(), ("y", "mo", "w", "d"), strict=True)
        return [_counted(int(number), unit) for number, unit in values if number]

    parts, at, lowered = [], 0, text.lower()
    while (match := _PART.match(lowered, at)) and match[2] in _COUNT:
        parts.append(_counted(int(match[1]), match[2]))
        at = match.end()

    return parts if at == len(text) else []


def _counted(number: int, word: str) -> tuple[Unit, int]:
    unit, size = _COUNT[word]
    return ("day" if unit == "day" else "month"), number * size
