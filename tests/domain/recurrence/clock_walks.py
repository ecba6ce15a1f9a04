"""Every change of every zone's clock, and what is due around one by a walk minute by minute.

Nothing of the engine is used: zoneinfo says what the clock shows, and a local time is looked up
among all that were shown.
"""

from __future__ import annotations

# ruff: noqa: DTZ001  naive times are what a clock shows
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from onbeat.domain.recurrence.local_time import Fold, Gap
from tests.domain.recurrence.strategies import ALL_ZONES

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOTHING = timedelta(0)
FIRST, END = datetime(1990, 1, 1), datetime(2038, 1, 1)
TOO_LARGE = timedelta(hours=3)
"""A gap from here on is a change of calendar, which is not made up for."""

Names = Callable[[datetime], bool]
"""Whether a rule names a local time."""


@dataclass(frozen=True, order=True)
class Change:
    """One change of a zone's clock."""

    at: datetime
    """The first instant (naive UTC) of the new offset."""
    before: timedelta
    after: timedelta
    zone: str

    @property
    def jump(self) -> timedelta:
        """How far the clock jumps: positive leaves times out, negative repeats them."""
        return self.after - self.before

    @property
    def window(self) -> tuple[datetime, datetime]:
        """The instants (UTC) that policies may decide about, both included.

        In a gap the first possible answer is its end and the last is shifted by all of it.
        """
        at, length = self.at.replace(tzinfo=UTC), abs(self.jump)
        return (at, at + length) if self.jump > NOTHING else (at - length, at + length)


@lru_cache
def changes_of(zone: str) -> tuple[Change, ...]:
    """Each change of a zone's clock from 1990 to 2037, in order."""
    info, days = ZoneInfo(zone), _days()
    offsets = [info.utcoffset(day) for day in days]
    found = (
        _change(zone, info, day)
        for day, (one, other) in zip(days, pairwise(offsets), strict=False)
        if one != other
    )
    return tuple(dict.fromkeys(found))


def changes() -> list[Change]:
    """Each change of any zone's clock, once where several zones share it."""
    unique = {
        (each.at, each.before, each.after): each for zone in ALL_ZONES for each in changes_of(zone)
    }
    return sorted(unique.values())


@lru_cache
def _days() -> tuple[datetime, ...]:
    return tuple(FIRST + n * DAY for n in range((END - FIRST).days + 1))


def _change(zone: str, info: ZoneInfo, day: datetime) -> Change:
    """Halve the days around a local one until the instant of the change is left."""
    low, high = day - 1.5 * DAY, day + 2.5 * DAY
    before, after = _offset(info, low), _offset(info, high)
    while high - low > MINUTE:
        middle = low + (high - low) // MINUTE // 2 * MINUTE
        low, high = (middle, high) if _offset(info, middle) == before else (low, middle)
    return Change(high, before, after, zone)


def _offset(info: ZoneInfo, at: datetime) -> timedelta:
    return at.replace(tzinfo=UTC).astimezone(info).replace(tzinfo=None) - at


class Walk:
    """A clock on the wall, read at each minute from `begin` to before `end` (aware UTC)."""

    def __init__(self, zone: str, begin: datetime, end: datetime) -> None:
        self.zone, self.begin, self.end = zone, begin, end
        self.shown: dict[datetime, list[datetime]] = {}
        """Per local time that was shown, the instants that showed it."""
        self.gaps: list[tuple[datetime, datetime, datetime]] = []
        """The first local time left out, the first shown again, and the instant of that."""
        info, last = ZoneInfo(zone), None
        for at in _minutes(begin, end):
            local = at.astimezone(info).replace(tzinfo=None)
            self.shown.setdefault(local, []).append(at)
            if last is not None and local > last + MINUTE:
                self.gaps.append((last + MINUTE, local, at))
            last = local

    def due(self, names: Names, gap: Gap, fold: Fold) -> list[datetime]:
        """The instants a rule of fixed times is due at, in order."""
        found = {
            at
            for local, instants in self.shown.items()
            if names(local)
            for at in _counted(instants, fold)
        }
        for first, again, at in self.gaps:
            if gap == "skip" or again - first >= TOO_LARGE:
                continue
            missing = [local for local in _minutes(first, again) if names(local)]
            found |= {at + (local - first if gap == "shift" else NOTHING) for local in missing}
        return sorted(found)

    def due_in_real_time(self, names: Names) -> list[datetime]:
        """The instants at which the clock shows a time that a rule with wildcards names."""
        return self.due(names, "skip", "both")


def _counted(instants: list[datetime], fold: Fold) -> list[datetime]:
    if fold == "both":
        return instants
    return instants[:1] if fold == "first" else instants[-1:]


def _minutes(begin: datetime, end: datetime) -> Iterator[datetime]:
    for n in range((end - begin) // MINUTE):
        yield begin + n * MINUTE
