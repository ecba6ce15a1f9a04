"""What of a subject is not as usual: how long runs take, how many fail, how many there are, and
how late they begin. Pure.

It is judged once for each hour that is over. Each measure is looked at over some windows: a short
one finds what is far off, a longer one what is off a little for longer. A finding needs both: that
noise hardly makes it (thresholds below, set on simulated series: docs/anomalies.md), and that it is
large enough to matter.
"""

from __future__ import annotations

import math
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from onbeat.domain.baselines import (
    HOURS_OF_DAY,
    RARE,
    SEASONS,
    TAIL,
    Baseline,
    Value,
    baseline,
    median,
    quantile,
)

PAST: Final = timedelta(days=28)
"""Of what a baseline is made: four of each hour of the week."""

RECENT: Final = timedelta(days=7)
"""The longest window that is judged."""

AN_HOUR: Final = timedelta(hours=1)


class Measure(StrEnum):
    """What is measured of a subject."""

    DURATION = "duration"
    FAILURES = "failures"
    VOLUME = "volume"
    LATENESS = "lateness"


@dataclass(frozen=True, slots=True)
class Hour:
    """What an hour of a subject had."""

    hour: int
    """Since 1970."""
    ended: int = 0
    completed: int = 0
    failed: int = 0
    took: float | None = None
    """Seconds at the median, of runs that completed."""
    late: float | None = None
    """Seconds at the median from when runs were due until they began; of schedules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """A measure that is not as usual."""

    measure: Measure
    is_more: bool
    """Whether there is more of it than usual; else less."""
    value: float
    """Seconds, a share, or a number of jobs."""
    low: float
    high: float
    """Between what it usually lies."""
    season: str
    """Which hours that is of, in words; empty where of all."""
    days: int
    """Of how many days it is known."""
    since: datetime
    until: datetime
    """The window."""
    of: int
    """Of how many jobs the value is."""
    score: float
    """How unusual it is: as a multiple of what is told at all."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How many fail where all is well."""

    share: float
    burst: float
    """How much more the days differ than chance makes them: 1 where no more."""
    bad_hour: float
    """The share of the third worst hour: what has happened three times is usual."""
    days: int
    is_rare: bool
    """Whether there are a few runs a day."""


@dataclass(frozen=True, slots=True)
class Standard:
    """What is usual of a subject, by measures; None where too little is known."""

    levels: Mapping[Measure, Baseline | None]
    rate: Rate | None
    typical: float
    """Runs that complete in the middle one of the hours that have any."""
    expected: array[float]
    """Jobs that end in an hour of each sort of the season of volume; not a number where unknown."""
    daily_spread: float
    """A standard deviation of the sums of days, as of a baseline's."""


LEAST_SPREAD: Final = {Measure.DURATION: 0.08, Measure.VOLUME: 0.35, Measure.LATENESS: 0.15}
"""Below that nothing is noise: durations are known within 2 %, a machine is a little slower at
times; a count of a schedule has no noise of its own.
"""

SOON: Final = 10.0
"""Seconds that are not late: whether 1 or 2 s is no matter."""

LEAST_TIME: Final = {Measure.DURATION: 0.05, Measure.LATENESS: 45.0}
"""Seconds that it must differ by, to matter."""

LEVELS: Final = ((1, 7.0, 1.6), (3, 4.5, 1.4), (8, 3.5, 1.25))
RARE_LEVELS: Final = ((1, 6.0, 1.6), (2, 4.0, 1.5), (3, 3.0, 1.4), (5, 2.3, 1.25))
"""Of the last so many hours that have any, the middle one must be off by so many spreads, and by so
much of what is usual. What is rare is judged 30 times in a month and not 720 times.
"""

COUNTS: Final = ((1, 6.0), (3, 5.0), (6, 5.0), (12, 5.0), (24, 5.0), (72, 5.0), (168, 5.0))
"""The sum over so many hours must be off by so many spreads."""

FACTOR: Final = 2.0
"""By what factor volume must be more or less than usual."""

MOST_OF_MEDIAN: Final = 2.0
EIGHT_OF_TEN: Final = 1.2816
"""Standard deviations to both sides between which 8 of 10 values of normal noise lie."""

LEAST_EXPECTED: Final = 2.9
"""Jobs that must be expected in a window before few are too few."""

RATES: Final = (1, 6, 24, 72, 168)
"""Hours over which failures are counted."""

LONG: Final = 12
"""Hours from which on a window is as long as a day, not as an hour."""

CHANCE: Final = 1e-5
RARE_CHANCE: Final = 5e-4
"""How probable so many failures may be at most, where all is well; and of what runs rarely."""

LEAST_FAILED: Final = 3
LEAST_OF_HOUR: Final = 5
LEAST_HOURS: Final = 50
"""A bad hour is told by so many that had at least so many runs."""

LEAST_RUNS: Final = 3
"""Of fewer in an hour the next hours are waited for: one run is long now and then."""

BEYOND_TAIL: Final = 1.3
"""A single hour must lie so much farther off than the third farthest."""

LEAST_POINTS: Final = 0.04
"""By how much the share of failures must be more than usual."""


def standard(past: Sequence[Hour], since: int, until: int) -> Standard:
    """What is usual by the hours from `since` on, before `until`; those not given had nothing."""
    numbers = sorted(each.completed for each in past if each.took is not None)
    typical = median(numbers) if numbers else 1.0
    levels = {
        measure: baseline(_values(past, measure, typical), LEAST_SPREAD[measure])
        for measure in (Measure.DURATION, Measure.LATENESS)
    }
    counts = {each.hour: each.ended for each in past}
    known = [Value(hour, _root(counts.get(hour, 0))) for hour in range(since, until)]
    volume = levels[Measure.VOLUME] = baseline(known, LEAST_SPREAD[Measure.VOLUME])
    expected = _expected(known, volume)
    daily_spread = 0.0 if volume is None else _daily_spread(known, volume, expected)
    return Standard(levels, _rate(past), typical, expected, daily_spread)


def _expected(known: Sequence[Value], volume: Baseline | None) -> array[float]:
    """Means, since medians of few jobs are none; what is far above the median counts as less."""
    if volume is None:
        return array("f")
    alike, sorts, _ = SEASONS[volume.season]
    sums = [[0.0, 0] for _ in range(sorts)]
    for each in known:
        usual = volume.usual(each.hour)
        if usual is not None:
            one = sums[alike(each.hour)]
            one[0] += min(_count(each.value), MOST_OF_MEDIAN * _count(usual.middle) + 3)
            one[1] += 1
    return array("f", [total / number if number else math.nan for total, number in sums])


def _daily_spread(known: Sequence[Value], volume: Baseline, expected: array[float]) -> float:
    """Days differ by more than their hours tell: one is busy, another is not."""
    alike, _, _ = SEASONS[volume.season]
    errors = []
    for begin in range(len(known) % HOURS_OF_DAY, len(known), HOURS_OF_DAY):
        day = known[begin : begin + HOURS_OF_DAY]
        middle = sum(expected[alike(each.hour)] for each in day)
        if not math.isnan(middle):
            errors.append(abs(_root(sum(_count(each.value) for each in day)) - _root(middle)))
    errors.sort()
    return max(quantile(errors, 0.9) / TAIL, volume.spread) if errors else volume.spread


def _values(past: Iterable[Hour], measure: Measure, typical: float) -> list[Value]:
    found = []
    for each in past:
        value = READ[measure](each)
        if value is not None:
            weight = min(1.0, math.sqrt(max(each.completed, 1) / typical)) if typical else 1.0
            found.append(Value(each.hour, value, weight if measure is Measure.DURATION else 1.0))
    return found


def _log_took(hour: Hour) -> float | None:
    return None if hour.took is None else math.log(max(hour.took, 1e-6))


def _log_late(hour: Hour) -> float | None:
    return None if hour.late is None else math.log(SOON + max(hour.late, 0.0))


READ: Final[Mapping[Measure, Callable[[Hour], float | None]]] = {
    Measure.DURATION: _log_took,
    Measure.LATENESS: _log_late,
}


def _root(count: float) -> float:
    """Of which the noise of a count is 1, however large it is (Anscombe, Biometrika 35, 1948)."""
    return 2 * math.sqrt(count + 0.375)


def _count(root: float) -> float:
    return max(root * root / 4 - 0.375, 0.0)


def _rate(past: Sequence[Hour]) -> Rate | None:
    """Without the worst tenth of days: what fails there is what is to be found."""
    days: defaultdict[int, list[int]] = defaultdict(lambda: [0, 0])
    for each in past:
        day = days[each.hour // HOURS_OF_DAY]
        day[0] += each.failed
        day[1] += each.failed + each.completed
    decided = [(failed, of) for failed, of in days.values() if of]
    if len(decided) < 5:
        return None
    decided.sort(key=lambda one: one[0] / one[1])
    kept = decided[: len(decided) - len(decided) // 10]
    failed, of = (sum(each[at] for each in kept) for at in (0, 1))
    share = (failed + 0.5) / (of + 1)
    # Pearson's residuals, as of a quasi-binomial model (McCullagh and Nelder, 1989, 4.5).
    squares = sorted((x - n * share) ** 2 / (n * share * (1 - share)) for x, n in kept)
    burst = max(1.0, quantile(squares, 0.9) / TAIL**2)
    return Rate(
        share, burst, _bad_hour(past), min(len(decided), PAST.days), of <= RARE * len(decided)
    )


def _bad_hour(past: Sequence[Hour]) -> float:
    shares = sorted(
        each.failed / of for each in past if (of := each.failed + each.completed) >= LEAST_OF_HOUR
    )
    return shares[-3] if len(shares) >= LEAST_HOURS else 0.0


def anomalies(known: Standard, recent: Sequence[Hour], until: int) -> list[Anomaly]:
    """What is not as usual once the hour before `until` is over, of the last hours, sorted."""
    found = (
        _level(known, recent, until, Measure.DURATION),
        _level(known, recent, until, Measure.LATENESS),
        _failures(known, recent, until),
        _volume(known, recent, until),
    )
    return [each for each in found if each is not None]


def _level(known: Standard, recent: Sequence[Hour], until: int, measure: Measure) -> Anomaly | None:
    usual = known.levels[measure]
    rows = [each for each in recent if READ[measure](each) is not None]
    if usual is None or not rows or rows[-1].hour != until - 1:
        return None
    off = [
        (value.value - normal.middle) * value.weight / usual.spread
        for value in _values(rows[-LEVELS[-1][0] :], measure, known.typical)
        if (normal := usual.usual(value.hour)) is not None
    ]
    best: Anomaly | None = None
    for size, threshold, factor in RARE_LEVELS if usual.is_rare else LEVELS:
        if len(off) < size or len(rows) < size:
            continue
        middle = median(sorted(off[-size:]))
        if size == 1 and not usual.is_rare and rows[-1].completed < LEAST_RUNS:
            continue
        if size == 1:
            threshold = max(threshold, BEYOND_TAIL * usual.tail / usual.spread)  # noqa: PLW2901
        if abs(middle) < threshold or middle * off[-1] <= 0:
            continue
        found = _told_level(usual, rows[-size:], until, measure, factor, abs(middle) / threshold)
        if found is not None and (best is None or found.score > best.score):
            best = found
    return best


def _told_level(
    usual: Baseline, rows: Sequence[Hour], until: int, measure: Measure, factor: float,
    score: float,
) -> Anomaly | None:  # fmt: skip
    """It is told if it is large enough."""
    normal = usual.usual(rows[-1].hour)
    values = sorted(filter(None, (READ[measure](each) for each in rows)))
    if normal is None or not values:
        return None
    value, middle = median(values), normal.middle
    off = abs(value - middle)
    if off < math.log(factor) or abs(math.exp(value) - math.exp(middle)) < LEAST_TIME[measure]:
        return None
    shift = SOON if measure is Measure.LATENESS else 0.0
    # Runs that are less late than usual are nobody's trouble.
    if measure is Measure.LATENESS and value < middle:
        return None
    return Anomaly(
        measure=measure, is_more=value > middle, value=math.exp(value) - shift,
        low=max(math.exp(normal.low) - shift, 0.0), high=math.exp(normal.high) - shift,
        season=usual.season, days=usual.days, since=moment(rows[0].hour), until=moment(until),
        of=sum(each.completed for each in rows), score=score,
    )  # fmt: skip


def _failures(known: Standard, recent: Sequence[Hour], until: int) -> Anomaly | None:
    rate = known.rate
    if rate is None or not recent or recent[-1].hour != until - 1 or not recent[-1].failed:
        return None
    best: Anomaly | None = None
    for size in RATES:
        share = max(rate.share, rate.bad_hour) if size < LONG else rate.share
        failed, of = _decided(recent, until - size)
        least = max(2 * share, share + LEAST_POINTS)
        if failed < LEAST_FAILED - rate.is_rare or failed < least * of:
            continue
        # What failed long ago is told no more once it fails no more than usual.
        lately, of_late = _decided(recent, until - max(size // 3, 1))
        if lately < least * of_late:
            continue
        # A burst of so many counts as one.
        chance = binomial_tail(failed / rate.burst, of / rate.burst, share)
        score = (
            math.log(chance) / math.log(RARE_CHANCE if rate.is_rare else CHANCE)
            if chance > 0
            else math.inf
        )
        if score >= 1 and (best is None or score > best.score):
            best = Anomaly(
                measure=Measure.FAILURES, is_more=True, value=failed / of, low=0.0,
                high=rate.share, season="", days=rate.days, since=moment(until - size),
                until=moment(until), of=of, score=score,
            )  # fmt: skip
    return best


def _decided(recent: Sequence[Hour], since: int) -> tuple[int, int]:
    """How many failed from that hour on, and of how many."""
    rows = [each for each in recent if each.hour >= since]
    failed = sum(each.failed for each in rows)
    return failed, failed + sum(each.completed for each in rows)


def binomial_tail(at_least: float, of: float, share: float) -> float:
    """How probable so many or more are, of so many, where each is with that share.

    By Chernoff's bound (Annals of Mathematical Statistics 23, 1952), which also takes parts of
    counts, and is never less than it is.
    """
    if of <= 0 or at_least / of <= share:
        return 1.0
    seen = min(at_least / of, 1.0)
    divergence = seen * math.log(seen / share)
    if seen < 1:
        divergence += (1 - seen) * math.log((1 - seen) / (1 - share))
    return math.exp(-of * divergence)


def _volume(known: Standard, recent: Sequence[Hour], until: int) -> Anomaly | None:
    usual = known.levels[Measure.VOLUME]
    if usual is None:
        return None
    counts = {each.hour: each.ended for each in recent}
    best: Anomaly | None = None
    for size, threshold in COUNTS:
        middle = _sum_expected(known, usual, until - size, until)
        if math.isnan(middle):
            continue
        count = sum(counts.get(hour, 0) for hour in range(until - size, until))
        spread = _spread(known, usual, size)
        off = (_root(count) - _root(middle)) / spread
        score = abs(off) / threshold
        if score >= 1 and _matters(count, middle) and (best is None or score > best.score):
            low, high = (
                _count(max(_root(middle) + side * EIGHT_OF_TEN * spread, 0)) for side in (-1, 1)
            )
            best = Anomaly(
                measure=Measure.VOLUME, is_more=off > 0, value=count, low=low, high=high,
                season=usual.season, days=usual.days, since=moment(until - size),
                until=moment(until), of=count, score=score,
            )  # fmt: skip
    return best


def _spread(known: Standard, usual: Baseline, size: int) -> float:
    """Of the sum of so many hours."""
    if size == 1:
        return max(usual.spread, BEYOND_TAIL * usual.tail / COUNTS[0][1])
    return max(usual.spread, known.daily_spread * math.sqrt(min(size / HOURS_OF_DAY, 1.0)))


def _sum_expected(known: Standard, usual: Baseline, since: int, until: int) -> float:
    alike, _, _ = SEASONS[usual.season]
    return sum(known.expected[alike(hour)] for hour in range(since, until))


def _matters(count: int, middle: float) -> bool:
    if count > middle:
        return count >= max(FACTOR * middle, middle + 5)
    return middle >= LEAST_EXPECTED and count * FACTOR <= middle


def moment(hour: int) -> datetime:
    """When an hour since 1970 begins."""
    return datetime.fromtimestamp(hour * 3600, UTC)


def hour_of(at: datetime) -> int:
    """Which hour since 1970 a moment lies in."""
    return int(at.timestamp() // 3600)
