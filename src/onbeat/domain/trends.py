"""A figure that rises, and when it will reach a limit. Pure.

The slope is Theil and Sen's, which a quarter of bad points does not move (Sen, JASA 63, 1968);
whether there is any is Mann and Kendall's test (Kendall, Rank Correlation Methods, 1975). What rose
only lately has flat points before: the line is laid only as far back as it fits its own end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from onbeat.domain.baselines import median

LEAST: Final = 10
"""Points below which no trend is told: a perfect rise of fewer is hardly significant."""

SURE: Final = 3.3
"""Standard deviations that the test must be off: p < 0.0005 of a rise, where there is none."""

END: Final = 5
"""The last points, which must not lie above the line: else what is before them is no part of it."""

STEP: Final = 2
"""Points that are left out at once until they do not."""

SAME: Final = 1e-6
"""What is off by less, as a part of itself, lies on the line."""

SOONER: Final = (timedelta(days=8), 0.4)
LATER: Final = (timedelta(days=4), 0.5)
"""So long, or so much of the time that is left, whichever is more: how often it comes within that
is measured (docs/anomalies.md).
"""

LEAST_RISE: Final = 0.2
"""By how much of itself a figure must have risen from the first point to the last."""

FARTHEST: Final = 1.0
"""How far ahead it is foretold, as a multiple of how long the trend has been seen."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """When a figure will reach a limit, if it rises on as it does."""

    value: float
    """Where the trend stands now."""
    slope: float
    """By how much it rises in an hour."""
    limit: float
    at: datetime
    earliest: datetime
    latest: datetime
    """Between what it mostly comes."""
    points: int
    seen_for: timedelta
    """For how long the trend has been seen."""
    is_reached: bool
    """Whether it is there already, and rises on."""


@dataclass(frozen=True, slots=True)
class Rise:
    """A slope that is significant, per unit of x."""

    slope: float
    level: float
    """Where the line stands at the last point."""
    since: float
    """The x from which on it is a line."""
    points: int
    """From there on."""
    last: float
    """The last value: where it is below a limit, that is not reached, or is so no more."""


def rise(points: Sequence[tuple[float, float]]) -> Rise | None:
    """The rise of points, sorted by x; None where there is none that is significant."""
    found = _significant(points)
    while found is not None and _bends_up(points, found):
        points = points[STEP:]
        shorter = _significant(points)
        if shorter is None:
            break
        found = shorter
    return found


def _significant(points: Sequence[tuple[float, float]]) -> Rise | None:
    if len(points) < LEAST:
        return None
    slopes = _slopes(points)
    score = sum(each > 0 for each in slopes) - sum(each < 0 for each in slopes)
    deviation = _deviation([y for _, y in points])
    if deviation == 0 or (score - 1) / deviation < SURE:
        return None
    return _line(points, slopes)


def _bends_up(points: Sequence[tuple[float, float]], line: Rise) -> bool:
    last = points[-1][0]
    off = sorted(y - (line.level + line.slope * (x - last)) for x, y in points[-END:])
    return median(off) > SAME * abs(line.level)


def _slopes(points: Sequence[tuple[float, float]]) -> list[float]:
    return sorted(
        (y2 - y1) / (x2 - x1)
        for at, (x1, y1) in enumerate(points)
        for x2, y2 in points[at + 1 :]
        if x2 > x1
    )


def _line(points: Sequence[tuple[float, float]], slopes: Sequence[float]) -> Rise:
    slope, last = median(slopes), points[-1][0]
    level = median(sorted(y - slope * (x - last) for x, y in points))
    return Rise(slope, level, points[0][0], len(points), points[-1][1])


def _deviation(values: Sequence[float]) -> float:
    """The standard deviation of Kendall's score, with what equal values take from it."""
    size = len(values)
    ties = [values.count(each) for each in set(values)]
    variance = size * (size - 1) * (2 * size + 5) - sum(
        each * (each - 1) * (2 * each + 5) for each in ties
    )
    return math.sqrt(max(variance, 0) / 18)


@dataclass(frozen=True, slots=True)
class Trend:
    """A rise that is significant and not slight, whatever limit it may reach."""

    rise: Rise
    """By the hour."""
    last: datetime
    """Of when its last point is."""

    @property
    def seen_for(self) -> timedelta:
        """For how long it has risen so."""
        return timedelta(hours=-self.rise.since)


def trend(points: Sequence[tuple[datetime, float]]) -> Trend | None:
    """The rise of points by their moments, sorted; None where there is none to tell."""
    if not points:
        return None
    last = points[-1][0]
    found = rise([((at - last) / timedelta(hours=1), value) for at, value in points])
    if found is None or _is_slight(found):
        return None
    return Trend(found, last)


def _is_slight(found: Rise) -> bool:
    return found.slope * -found.since < LEAST_RISE * abs(found.level)


def reach(known: Trend, limit: float, now: datetime) -> Prediction | None:
    """When it will reach a limit, or has since it rises; None where nothing says that it will.

    Not farther ahead than it has been seen to rise.
    """
    found = known.rise
    if found.level + found.slope * found.since >= limit:
        return None
    at = known.last + timedelta(hours=(limit - found.level) / found.slope)
    if at > now + known.seen_for * FARTHEST:
        return None
    if at <= now and found.last < limit:
        return None
    left = max(at - now, timedelta())
    return Prediction(
        value=found.level, slope=found.slope, limit=limit, at=at,
        earliest=max(min(now, at), at - _off(SOONER, left)), latest=at + _off(LATER, left),
        points=found.points, seen_for=known.seen_for, is_reached=at <= now,
    )  # fmt: skip


def _off(by: tuple[timedelta, float], left: timedelta) -> timedelta:
    least, part = by
    return max(least, part * left)


def predict(
    points: Sequence[tuple[datetime, float]], limit: float, now: datetime
) -> Prediction | None:
    """When a figure that rises will reach a limit, or did; None where nothing says so."""
    known = trend(points)
    return None if known is None else reach(known, limit, now)
