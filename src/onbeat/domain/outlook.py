"""What of a subject is not as usual, and what will reach a limit: all that its past tells. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from onbeat.domain.anomalies import (
    AN_HOUR,
    PAST,
    RECENT,
    Anomaly,
    Hour,
    Measure,
    anomalies,
    moment,
    standard,
)
from onbeat.domain.baselines import HOURS_OF_DAY, median
from onbeat.domain.health import Subject
from onbeat.domain.trends import Prediction, predict


def daily(past: Sequence[Hour], measure: Measure, until: int) -> list[tuple[datetime, float]]:
    """A point for each day that has any, at its end: so that hours of day are no trend."""
    days: defaultdict[int, list[Hour]] = defaultdict(list)
    for each in past:
        days[(until - 1 - each.hour) // HOURS_OF_DAY].append(each)
    points = []
    for ago in sorted(days, reverse=True):
        value = DAILY[measure](days[ago])
        if value is not None:
            points.append((moment(until - ago * HOURS_OF_DAY), value))
    return points


def _median_of(field: Callable[[Hour], float | None]) -> Callable[[Sequence[Hour]], float | None]:
    def of(hours: Sequence[Hour]) -> float | None:
        found = sorted(value for each in hours if (value := field(each)) is not None)
        return median(found) if found else None

    return of


def _share_failed(hours: Sequence[Hour]) -> float | None:
    failed = sum(each.failed for each in hours)
    decided = failed + sum(each.completed for each in hours)
    return failed / decided if decided else None


DAILY: Final[Mapping[Measure, Callable[[Sequence[Hour]], float | None]]] = {
    Measure.DURATION: _median_of(lambda hour: hour.took),
    Measure.LATENESS: _median_of(lambda hour: hour.late),
    Measure.FAILURES: _share_failed,
}


@dataclass(frozen=True, slots=True)
class Limit:
    """What a figure must not reach, and whose that is, in words."""

    value: float
    of: str


FAILURE_LIMIT: Final = Limit(0.2, "at which too many fail")
LATENESS_LIMIT: Final = Limit(60.0, "at which it counts as late")

Limits = Mapping[Measure, Limit]


@dataclass(frozen=True, slots=True)
class Forecast:
    """A measure that rises, and when it will reach its limit."""

    measure: Measure
    prediction: Prediction
    limit_of: str


def forecasts(past: Sequence[Hour], until: int, limits: Limits) -> list[Forecast]:
    """What will reach its limit, if it rises on from day to day as it does."""
    found = []
    for measure, limit in limits.items():
        prediction = predict(daily(past, measure, until), limit.value, moment(until))
        if prediction is not None:
            found.append(Forecast(measure, prediction, limit.of))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What of a task, a schedule or a queue is not as usual, and what will not be."""

    subject: Subject
    name: str | None
    """What people call it; None for a schedule that is not there any more."""
    days: int
    """Of how many days there are runs; 0 where there are none."""
    anomalies: Sequence[Anomaly]
    forecasts: Sequence[Forecast]


@dataclass(frozen=True, slots=True)
class JudgedPage:
    """Some, by their names, and up to when all that ended is judged."""

    until: datetime | None
    """With a full hour; None where nothing was ever counted."""
    rows: Sequence[Judged]


def judged(
    subject: Subject, name: str | None, past: Sequence[Hour], until: int, limits: Limits
) -> Judged:
    """A subject by its past, sorted, once the hour before `until` is over."""
    since = until - int(PAST / AN_HOUR)
    first = max(since, past[0].hour) if past else until
    known = standard(past, first, until)
    recent = [each for each in past if each.hour >= until - int(RECENT / AN_HOUR)]
    days = len({each.hour // HOURS_OF_DAY for each in past})
    return Judged(
        subject=subject, name=name, days=min(days, PAST.days),
        anomalies=anomalies(known, recent, until), forecasts=forecasts(past, until, limits),
    )  # fmt: skip
