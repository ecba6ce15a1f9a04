"""Zones as stretches of constant UTC offset: what the search over local time walks on.

zoneinfo tells an offset but not when it changes, so changes are found by probing and halving; no
clock change is assumed to fall on an hour, or to be an hour.

The rules are those of the package `tzdata`, never the machine's own: they are locked and shipped
with the application, so that all its machines agree.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import cache, lru_cache
from importlib.resources import files
from itertools import pairwise
from zoneinfo import ZoneInfo

import tzdata

from onbeat.domain.errors import InvalidRecurrence
from onbeat.domain.recurrence.recurrence import DAY, SECOND, shown

FIRST_YEAR = 2
LAST_YEAR = 9998
"""Moments exist within these years, so that local times never leave the years of datetime."""

RULES: str = tzdata.IANA_VERSION
"""Which edition of the world's rules this process has, such as 2026a; later ones sort behind."""

LONGEST_NAME = 64
"""Characters, twice as many as any zone's: so much of a wrong one is compared with them."""

_PROBE = 2 * DAY  # tzdata 2026's closest two changes are 95 h apart (Africa/Freetown, 1939)
_REACH = 2 * DAY  # no change is larger than 24 h (Pacific/Apia 2011, Asia/Manila 1844)
_RULED_FROM = 2100
"""From here on no zone has changes of its own (tzdata 2026's last is of 2087), only yearly rules:
those go by month and weekday, which come again after 400 years."""
_CYCLE_YEARS = 400
_CYCLE = timedelta(days=146_097)
_NOTHING = timedelta(0)
_MEANS_NOTHING = "Factory"  # what tzdata gives a machine nobody has set


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A span of UTC, `start` <= t < `end`, in which one offset holds; all naive, all UTC."""

    start: datetime
    end: datetime
    offset: timedelta
    opening: timedelta
    """How far the wall clock jumps at `start`: positive is a gap, negative a fold."""
    closing: timedelta
    """How far the wall clock jumps at `end`."""


def known_zone(name: object) -> str:
    """Give `name` back if it is an IANA zone that means the same on every machine."""
    if not isinstance(name, str) or name not in _names() or name == _MEANS_NOTHING:
        raise InvalidRecurrence(
            "tz", f"{shown(name)} is not a known time zone; {_remedy(str(name)[:LONGEST_NAME])}"
        )

    return name


@cache
def zone_info(zone: str) -> ZoneInfo:
    """Give the rules of a known zone."""
    resource = files("tzdata").joinpath("zoneinfo", *zone.split("/"))
    with resource.open("rb") as data:
        return ZoneInfo.from_file(data, key=zone)


def stretch_at(zone: str, at: datetime) -> Stretch:
    """Give the stretch that holds `at` (naive UTC), exact within two days around its year."""
    for stretch in _stretches(zone, at.year):
        if at < stretch.end:
            break

    return stretch


def to_local(zone: str, moment: datetime) -> datetime:
    """Give the wall-clock time (naive) that `zone` shows at an aware moment."""
    at = moment.astimezone(UTC).replace(tzinfo=None)
    return at + stretch_at(zone, at).offset


def changes_in(zone: str, year: int) -> list[Stretch]:
    """Give the stretches that begin with a clock change within `year` (UTC)."""
    return [s for s in _stretches(zone, year) if s.opening and s.start.year == year]


@lru_cache(maxsize=8192)
def _stretches(zone: str, year: int) -> tuple[Stretch, ...]:
    """Cut `year`, and two days on either side of it, at every change of offset."""
    cycles = (year - _RULED_FROM) // _CYCLE_YEARS
    if cycles < 1:
        return _cut(zone, year)

    later = cycles * _CYCLE
    return tuple(
        Stretch(
            start=each.start + later,
            end=each.end + later,
            offset=each.offset,
            opening=each.opening,
            closing=each.closing,
        )
        for each in _stretches(zone, year - cycles * _CYCLE_YEARS)
    )


def _cut(zone: str, year: int) -> tuple[Stretch, ...]:
    info = zone_info(zone)
    start = datetime(year, 1, 1, tzinfo=info) - _REACH
    stop = datetime(year + 1, 1, 1, tzinfo=info) + _REACH
    edges = [start, *_changes(info, start, stop), stop]
    offsets = [_offset(info, edge) for edge in edges[:-1]]
    jumps = [_NOTHING, *(b - a for a, b in pairwise(offsets)), _NOTHING]
    return tuple(
        Stretch(
            start=a.replace(tzinfo=None),
            end=b.replace(tzinfo=None),
            offset=offset,
            opening=jumps[i],
            closing=jumps[i + 1],
        )
        for i, ((a, b), offset) in enumerate(zip(pairwise(edges), offsets, strict=True))
    )


def _changes(info: ZoneInfo, start: datetime, stop: datetime) -> Iterator[datetime]:
    """Find, to the second, every instant in [start, stop) at which the offset differs."""
    at, offset = start, _offset(info, start)
    while at < stop:
        probe = min(at + _PROBE, stop)
        if (later := _offset(info, probe)) != offset:
            yield _halve(info, at, probe)
            offset = later

        at = probe


def _halve(info: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """Give the first second in (low, high] that has the offset of `high`."""
    before = _offset(info, low)
    while high - low > SECOND:
        middle = low + timedelta(seconds=(high - low) // SECOND // 2)
        if _offset(info, middle) == before:
            low = middle
        else:
            high = middle

    return high


def _offset(info: ZoneInfo, at: datetime) -> timedelta:
    """Give the offset at a time of UTC that carries `info`, as fromutc wants it.

    Times of one zone are subtracted as the clock shows them.
    """
    return info.fromutc(at) - at


@cache
def _names() -> frozenset[str]:
    return frozenset(files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())


def _remedy(name: str) -> str:
    """Name the closest zone; case is ignored, and so is the continent when it is left out."""
    names = {zone.lower(): zone for zone in _names()}
    wanted = name.lower().replace(" ", "_")
    close = get_close_matches(wanted, names, n=1, cutoff=0.75)
    close = close or [zone for zone in sorted(names) if zone.endswith(f"/{wanted}")]
    if close:
        return f"did you mean {names[close[0]]!r}?"

    return "use an IANA name such as 'Europe/Paris' or 'UTC'"
