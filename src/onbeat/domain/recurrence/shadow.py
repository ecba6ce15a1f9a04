"""Until when an exclusion surely leaves out all of its source, known without asking each moment.

Where a cron expression names all the times of day that a source has, it excludes whole hours and
days of it: a summer of minutes or a weekend of seconds is passed in one step, and an exclusion of
everything is known at once. Where nothing is known, moments are compared one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta
from functools import reduce
from math import gcd
from operator import or_

from onbeat.domain.recurrence.calendar import CalendarInterval
from onbeat.domain.recurrence.cron import Cron
from onbeat.domain.recurrence.cron_days import month_length, shape_of
from onbeat.domain.recurrence.cron_search import Timetable, lowest
from onbeat.domain.recurrence.interval import Elapsed
from onbeat.domain.recurrence.local_time import FOLLOW_REAL_TIME, ClockChanges, instant_of
from onbeat.domain.recurrence.recurrence import EPOCH, SECOND, Recurrence
from onbeat.domain.recurrence.rrule import RRule
from onbeat.domain.recurrence.zones import Stretch, stretch_at, to_local

FOREVER = datetime.max.replace(tzinfo=UTC)
_CYCLE_MONTHS = 400 * 12
_WHOLE_MINUTES = datetime(1973, 1, 1, tzinfo=UTC)
"""Since then every zone is whole minutes away from UTC: Liberia was the last, in 1972."""
_NOTHING = timedelta(0)
_HOUR, _MINUTE = 3_600, 60
_DAY = 86_400
_EVERY_MONTH = (1 << 13) - 2
_EVERY_DAY = ((1 << 32) - 2,) * 28


@dataclass(frozen=True, slots=True)
class Times:
    """Times of day that a source keeps to; in each int, bit n set means n may occur."""

    hours: int = (1 << 24) - 1
    minutes: int = (1 << 60) - 1
    seconds: int = (1 << 60) - 1

    def __or__(self, other: Times) -> Times:
        return Times(
            self.hours | other.hours, self.minutes | other.minutes, self.seconds | other.seconds
        )

    @property
    def count(self) -> int:
        """How many times a day these are."""
        return self.hours.bit_count() * self.minutes.bit_count() * self.seconds.bit_count()


@dataclass(frozen=True, slots=True)
class Shadow:
    """What cron expressions of one zone and policy leave out of a source of such times."""

    zone: str
    policy: ClockChanges
    times: Times
    timetables: tuple[Timetable, ...]
    """Those that name all of the source's seconds and minutes."""
    since: datetime
    """From when on the times are sure."""

    def until(self, moment: datetime) -> datetime | None:
        """Until when all of the source from `moment` on is excluded; None where none surely is."""
        at = moment.replace(tzinfo=None)
        stretch = stretch_at(self.zone, at)
        if moment < self.since or self._may_be_made_up_for(stretch, at):
            return None

        local = at + stretch.offset
        found = self._whole_days(local.date()) or self._whole_hours(local, stretch)
        if found is None or found is FOREVER or stretch.closing >= _NOTHING:
            return found

        # A clock set back shows hours again, and with them it may be a day that is not excluded.
        return min(found, stretch.end.replace(tzinfo=UTC))

    def _may_be_made_up_for(self, stretch: Stretch, at: datetime) -> bool:
        """Whether moments may stand for times of another day, which a gap took away."""
        return self.policy != FOLLOW_REAL_TIME and at < stretch.start + stretch.opening

    def _whole_days(self, day: date) -> datetime | None:
        whole = [table for table in self.timetables if not self.times.hours & ~table.hours]
        free = _first_free(whole, day)
        if free is None:
            return FOREVER

        return None if free == day else instant_of(self.zone, datetime.combine(free, time()))

    def _whole_hours(self, local: datetime, stretch: Stretch) -> datetime | None:
        hours = max(_hours_from(self.times, table, local) for table in self.timetables)
        if not hours:
            return None

        later = local.replace(minute=0, second=0) + timedelta(hours=hours)
        return min(later - stretch.offset, stretch.end).replace(tzinfo=UTC)


def shadows_of(source: Sequence[Recurrence], excluded: Sequence[Recurrence]) -> Iterator[Shadow]:
    """Give what is known of an exclusion: a shadow for each zone and policy of its expressions.

    `source` are the recurrences that together have all moments from which is excluded.
    """
    named: dict[tuple[str, ClockChanges], list[Timetable]] = {}
    for zone, policy, timetable in filter(None, map(_named, excluded)):
        named.setdefault((zone, policy), []).append(timetable)

    for (zone, policy), timetables in named.items():
        times = _all_times(source, zone, policy)
        kept = tuple(table for table in timetables if times and _has_minutes(table, times))
        if times and kept:
            zones = {zone, *(each.zone for each in source)}
            yield Shadow(zone, policy, times, kept, _whole_minutes_since(zones))


def _all_times(source: Sequence[Recurrence], zone: str, policy: ClockChanges) -> Times | None:
    found = [_times(each, zone, policy) for each in source]
    known = [times for times in found if times is not None]
    return reduce(or_, known) if len(known) == len(found) else None


def _named(excluded: Recurrence) -> tuple[str, ClockChanges, Timetable] | None:
    """The zone, the policy and the timetable of what is excluded, where it has one."""
    if isinstance(excluded, Cron):
        return excluded.zone, _policy(excluded), excluded.timetable

    table = _daily(excluded) if isinstance(excluded, Elapsed) else None
    return None if table is None else ("UTC", FOLLOW_REAL_TIME, table)


def _policy(expression: Cron) -> ClockChanges:
    """The policy that matters: without clock changes all are the same."""
    return FOLLOW_REAL_TIME if expression.zone == "UTC" else expression.policy


def _daily(grid: Elapsed) -> Timetable | None:
    """The timetable of a grid that is the same each day; None where no timetable names just it."""
    times = _elapsed(grid, "UTC")
    if times is None or (_DAY * SECOND) % grid.interval:
        return None

    if times.count != _DAY * SECOND // grid.interval:
        return None

    return Timetable(
        hours=times.hours,
        minutes=times.minutes,
        seconds=times.seconds,
        months=_EVERY_MONTH,
        shapes=_EVERY_DAY,
        first_time=(lowest(times.hours), lowest(times.minutes), lowest(times.seconds)),
    )


def _has_minutes(table: Timetable, times: Times) -> bool:
    return not (times.minutes & ~table.minutes or times.seconds & ~table.seconds)


def _times(source: Recurrence, zone: str, policy: ClockChanges) -> Times | None:
    """The times at which a source may fire by the clock of a zone; None where they are not sure."""
    if isinstance(source, Cron) and (source.zone, _policy(source)) == (zone, policy):
        table = source.timetable
        return Times(table.hours, table.minutes, table.seconds)

    if policy != FOLLOW_REAL_TIME:
        return None

    if isinstance(source, Cron):
        return Times(seconds=source.timetable.seconds)

    if isinstance(source, Elapsed):
        return _elapsed(source, zone)

    return Times() if isinstance(source, CalendarInterval | RRule) else None


def _elapsed(source: Elapsed, zone: str) -> Times | None:
    if source.interval % SECOND or source.anchor.microsecond:
        return None

    step, phase = source.interval // SECOND, (source.anchor - EPOCH) // SECOND
    seconds = _met(step, phase, _MINUTE, 1)
    if zone != "UTC":
        return Times(seconds=seconds)

    return Times(_met(step, phase, _DAY, _HOUR), _met(step, phase, _HOUR, _MINUTE), seconds)


def _met(step: int, phase: int, cycle: int, unit: int) -> int:
    """The units of a cycle that a grid of seconds meets, as bits."""
    step = gcd(step, cycle)
    return reduce(or_, (1 << at // unit for at in range(phase % step, cycle, max(step, 1))))


def _hours_from(times: Times, table: Timetable, local: datetime) -> int:
    """For how many hours, the one under way included, a timetable excludes all; 0 for none."""
    days = table.shapes[shape_of(local.year, local.month)] if table.months >> local.month & 1 else 0
    if not (days >> local.day & 1 and table.hours >> local.hour & 1):
        return 0

    left = (times.hours & ~table.hours) >> local.hour
    return lowest(left) if left else 24 - local.hour


def _first_free(tables: Sequence[Timetable], day: date) -> date | None:
    """The first day from `day` on that no timetable names; None where they name every day."""
    year, month, passed = day.year, day.month, day.day
    for _ in range(_CYCLE_MONTHS + 1):
        shape, length = shape_of(year, month), month_length(year, month)
        named = reduce(or_, (t.shapes[shape] for t in tables if t.months >> month & 1), 0)
        free = ((1 << length + 1) - 1 & ~named) >> passed
        if free:
            return date(year, month, passed + lowest(free))

        year, month, passed = (year, month + 1, 1) if month < 12 else (year + 1, 1, 1)
        if year > MAXYEAR:
            return None

    return None


def _whole_minutes_since(zones: set[str]) -> datetime:
    odd = any(to_local(zone, EPOCH).second for zone in zones)
    return _WHOLE_MINUTES if odd else EPOCH
