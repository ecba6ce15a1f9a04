"""What is usual of a subject at an hour, from its own past by robust statistics. Pure.

A past is values by hours, each made such that noise is about as large everywhere: the logarithm of
a duration, the square root of a count. What is usual at an hour is the median of like hours; which
hours are alike is chosen per subject, by what foretells its past best.
"""

from __future__ import annotations

import math
from array import array
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

HOURS_OF_DAY: Final = 24
HOURS_OF_WEEK: Final = 168

MONDAY: Final = 96
"""Which hour of a week of the epoch's a Monday begins with: 1 January 1970 was a Thursday."""

NORMAL: Final = 1.4826
"""The standard deviation as a multiple of the median absolute deviation, of normal noise
(Rousseeuw and Croux, JASA 88, 1993).
"""

TAIL: Final = 1.645
"""How many standard deviations 9 in 10 values of normal noise do not exceed."""

Season = Callable[[int], int]


def hour_of_week(hour: int) -> int:
    """Which hour of the week an hour since 1970 is, in UTC; 0 begins a Monday."""
    return (hour - MONDAY) % HOURS_OF_WEEK


def _hour_of_workday(hour: int) -> int:
    of_week = hour_of_week(hour)
    return of_week % HOURS_OF_DAY + (HOURS_OF_DAY if of_week >= 5 * HOURS_OF_DAY else 0)


def _any_hour(_: int) -> int:
    return 0


SEASONS: Final[Mapping[str, tuple[Season, int, int]]] = {
    "": (_any_hour, 1, 10),
    "at this hour": (lambda hour: hour % HOURS_OF_DAY, HOURS_OF_DAY, 5),
    "at this hour of such a day": (_hour_of_workday, 2 * HOURS_OF_DAY, 4),
    "at this hour of the week": (hour_of_week, HOURS_OF_WEEK, 3),
}
"""Which hours may be alike, how many sorts there are, and how many values of each are needed. The
plainest first.
"""

RARE: Final = 2.0
"""Values a day."""

BETTER: Final = 0.85
"""A season must foretell so much better than a plainer one: its error at most this part of that."""


@dataclass(frozen=True, slots=True)
class Value:
    """What an hour had."""

    hour: int
    """Since 1970."""
    value: float
    weight: float = 1.0
    """By what its noise is to be multiplied to be like that of others: less than 1 of few runs."""


@dataclass(frozen=True, slots=True)
class Usual:
    """What like hours had: between what 8 of 10 lie, and the middle one."""

    low: float
    middle: float
    high: float


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is usual, and how far values lie from it where all is well.

    It is kept in memory for each subject, so it is packed: at most 2 kB.
    """

    season: str
    """Which hours are alike, in words; empty where all are."""
    spread: float
    """A standard deviation of the noise."""
    tail: float
    """How far the third farthest value lies from it: what has happened three times is usual."""
    days: int
    """Of how many days it is made."""
    is_rare: bool
    """Whether values are so rare, a few a day, that they are judged one by one."""
    packed: array[float]
    """Low, middle and high of each sort of hour; not a number where there are too few."""

    def usual(self, hour: int) -> Usual | None:
        """What hours like this one had; None where there are too few."""
        alike, _, _ = SEASONS[self.season]
        low, middle, high = self.packed[3 * alike(hour) : 3 * alike(hour) + 3]
        return None if math.isnan(middle) else Usual(low, middle, high)


def median(values: Sequence[float]) -> float:
    """The middle one of sorted values, which are not none."""
    return quantile(values, 0.5)


def quantile(values: Sequence[float], share: float) -> float:
    """What `share` of sorted values do not exceed, between two neighbours in a straight line."""
    place = (len(values) - 1) * share
    below = int(place)
    above = min(below + 1, len(values) - 1)
    return values[below] + (values[above] - values[below]) * (place - below)


def baseline(past: Sequence[Value], least_spread: float) -> Baseline | None:
    """What is usual by a past; None where that is too short."""
    best: Baseline | None = None
    for season in SEASONS:
        found = _by(past, season, least_spread)
        if found is not None and (best is None or found.spread < BETTER * best.spread):
            best = found
    return best


def _by(past: Sequence[Value], season: str, least_spread: float) -> Baseline | None:
    alike, sorts, least = SEASONS[season]
    values: defaultdict[int, list[float]] = defaultdict(list)
    for each in past:
        values[alike(each.hour)].append(each.value)
    for some in values.values():
        some.sort()
    errors = sorted(
        abs(each.value - _of_others(some, each.value)) * each.weight
        for each in past
        if len(some := values[alike(each.hour)]) > least
    )
    # Where most hours have no like ones, it says nothing of the subject.
    if 2 * len(errors) < len(past) or len(errors) < 2 * least:
        return None
    # The tail beside the middle: a weekend of which a season knows nothing shows there alone.
    spread = max(NORMAL * median(errors), quantile(errors, 0.9) / TAIL, least_spread)
    days = (past[-1].hour - past[0].hour) // HOURS_OF_DAY + 1
    is_rare = len(past) <= RARE * days
    return Baseline(
        season, spread, errors[-min(3, len(errors))], days, is_rare, _packed(values, sorts, least)
    )


def _packed(values: Mapping[int, Sequence[float]], sorts: int, least: int) -> array[float]:
    packed = array("f", [math.nan] * (3 * sorts))
    for sort, some in values.items():
        if len(some) >= least:
            for at, share in enumerate((0.1, 0.5, 0.9)):
                packed[3 * sort + at] = quantile(some, share)
    return packed


def _of_others(values: Sequence[float], value: float) -> float:
    """The median without one of them."""
    size = len(values)
    low, high = (size - 2) // 2, (size - 1) // 2
    return (_without(values, low, value) + _without(values, high, value)) / 2


def _without(values: Sequence[float], place: int, value: float) -> float:
    """What stands there once one is taken out: those from it on move down by one."""
    return values[place + 1] if value <= values[place] else values[place]
