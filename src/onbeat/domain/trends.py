"""A figure that rises, and when it will reach a limit. Pure.

The slope is Theil and Sen's, which a quarter of bad points does not move (Sen, JASA 63, 1968);
whether there is any is Mann and Kendall's test (Kendall, Rank Correlation Methods, 1975); how sure
the slope is, is Sen's interval from the same ranks.
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

INTERVAL: Final = 1.645
"""Standard deviations of the interval that is told: 9 in 10."""

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
    latest: datetime | None
    """9 in 10 lie between; None where it may take any time."""
    points: int
    seen_for: timedelta
    """For how long the trend has been seen."""


@dataclass(frozen=True, slots=True)
class Rise:
    """A slope that is significant, and between what it lies in 9 of 10 cases; per unit of x."""

    slope: float
    least: float
    most: float
    level: float
    """Where the line stands at the last point."""


def rise(points: Sequence[tuple[float, float]]) -> Rise | None:
    """The rise of points, sorted by x; None where there is none that is significant."""
    if len(points) < LEAST:
        return None
    slopes = sorted(
        (y2 - y1) / (x2 - x1)
        for at, (x1, y1) in enumerate(points)
        for x2, y2 in points[at + 1 :]
        if x2 > x1
    )
    score = sum(each > 0 for each in slopes) - sum(each < 0 for each in slopes)
    deviation = _deviation([y for _, y in points])
    if deviation == 0 or (score - 1) / deviation < SURE:
        return None
    slope = median(slopes)
    off = INTERVAL * deviation
    low, high = int((len(slopes) - off) / 2), math.ceil((len(slopes) + off) / 2)
    level = median(sorted(y - slope * (x - points[-1][0]) for x, y in points))
    return Rise(slope, slopes[max(low, 0)], slopes[min(high, len(slopes) - 1)], level)


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
    points: int
    seen_for: timedelta


def trend(points: Sequence[tuple[datetime, float]]) -> Trend | None:
    """The rise of points by their moments, sorted; None where there is none to tell."""
    if not points:
        return None
    first, last = points[0][0], points[-1][0]
    found = rise([((at - last) / timedelta(hours=1), value) for at, value in points])
    seen_for = last - first
    if found is None or _is_slight(found, seen_for):
        return None
    return Trend(found, last, len(points), seen_for)


def _is_slight(found: Rise, seen_for: timedelta) -> bool:
    risen = found.slope * (seen_for / timedelta(hours=1))
    return risen < LEAST_RISE * abs(found.level)


def reach(known: Trend, limit: float, now: datetime) -> Prediction | None:
    """When it will reach a limit; None where it has, or where nothing says that it will.

    Not farther ahead than it has been seen to rise.
    """
    found = known.rise
    if found.level >= limit:
        return None
    left = limit - found.level
    at = known.last + timedelta(hours=left / found.slope)
    if at > now + known.seen_for * FARTHEST:
        return None
    return Prediction(
        value=found.level, slope=found.slope, limit=limit, at=max(at, now),
        earliest=max(now, known.last + timedelta(hours=left / found.most)),
        latest=_latest(known.last, left, found.least, known.seen_for), points=known.points,
        seen_for=known.seen_for,
    )  # fmt: skip


def predict(
    points: Sequence[tuple[datetime, float]], limit: float, now: datetime
) -> Prediction | None:
    """When a figure that rises will reach a limit; None where nothing says that it will."""
    known = trend(points)
    return None if known is None else reach(known, limit, now)


def _latest(last: datetime, left: float, least: float, seen_for: timedelta) -> datetime | None:
    """With the least slope; None where that is farther than ten times what was seen."""
    hours = seen_for / timedelta(hours=1) * 10
    return last + timedelta(hours=left / least) if least > 0 and left / least <= hours else None
