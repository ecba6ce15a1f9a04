"""What of a subject is not as usual, and what will reach a limit: all that its past tells. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from onbeat.domain.anomalies import (
    AN_HOUR,
    PAST,
    RECENT,
    Anomaly,
    Hour,
    Measure,
    Standard,
    anomalies,
    moment,
    standard,
)
from onbeat.domain.baselines import HOURS_OF_DAY, median
from onbeat.domain.health import Subject
from onbeat.domain.trends import Prediction, Trend, reach, trend


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


def trends(past: Sequence[Hour], until: int) -> dict[Measure, Trend]:
    """What rises from day to day, whatever limits there are."""
    found = {measure: trend(daily(past, measure, until)) for measure in DAILY}
    return {measure: each for measure, each in found.items() if each is not None}


def forecasts(known: Mapping[Measure, Trend], until: int, limits: Limits) -> list[Forecast]:
    """What will reach its limit, if it rises on from day to day as it does."""
    found = [
        forecast(known, measure, limit, moment(until)) for measure, limit in limits.items()
    ]  # fmt: skip
    return [each for each in found if each is not None]


def forecast(
    known: Mapping[Measure, Trend], measure: Measure, limit: Limit, now: datetime
) -> Forecast | None:
    """When a measure will reach its limit; None where nothing says that it will."""
    prediction = reach(known[measure], limit.value, now) if measure in known else None
    return None if prediction is None else Forecast(measure, prediction, limit.of)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What is usual of a subject, and what of it is not: what is kept from hour to hour."""

    subject: Subject
    until: int
    """The hour since 1970 before which it is judged."""
    learnt: int
    """The hour before which what is usual was learnt."""
    days: int
    """Of how many days there are runs; 0 where there are none."""
    known: Standard
    trends: Mapping[Measure, Trend]
    anomalies: Sequence[Anomaly]
    queue: str | None = None
    """Of a task of which there is something to tell: where its last job ended."""

    @property
    def knows_durations(self) -> bool:
        """Whether it is known how long runs usually take."""
        return self.known.levels[Measure.DURATION] is not None

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing to tell, whatever limits there are."""
        return not (self.anomalies or self.trends)


def learn(subject: Subject, past: Sequence[Hour], until: int) -> Outlook:
    """The outlook of a subject by its past, sorted, once the hour before `until` is over."""
    since = until - int(PAST / AN_HOUR)
    first = max(since, past[0].hour) if past else until
    known = standard(past, first, until)
    days = len({each.hour // HOURS_OF_DAY for each in past})
    return Outlook(
        subject=subject, until=until, learnt=until, days=min(days, PAST.days), known=known,
        trends=trends(past, until), anomalies=standing(known, past, until),
    )  # fmt: skip


def look_again(was: Outlook, recent: Sequence[Hour], until: int) -> Outlook:
    """The outlook some hours later, by the last 7 days, while what is usual is as it was learnt."""
    return replace(was, until=until, anomalies=standing(was.known, recent, until))


def standing(known: Standard, past: Sequence[Hour], until: int) -> list[Anomaly]:
    """What is not as usual: of each measure in the last hour that has any of it. What was found
    then is so until others run.
    """
    recent = [each for each in past if each.hour >= until - int(RECENT / AN_HOUR)]
    ends: defaultdict[int, list[Measure]] = defaultdict(list)
    for measure, has in HAS.items():
        last = next((each.hour for each in reversed(recent) if has(each)), None)
        if last is not None:
            ends[last + 1].append(measure)
    ends[until].append(Measure.VOLUME)
    return [
        each
        for end, measures in sorted(ends.items(), reverse=True)
        for each in anomalies(known, [one for one in recent if one.hour < end], end)
        if each.measure in measures
    ]


HAS: Final[Mapping[Measure, Callable[[Hour], bool]]] = {
    Measure.DURATION: lambda hour: hour.took is not None,
    Measure.LATENESS: lambda hour: hour.late is not None,
    Measure.FAILURES: lambda hour: hour.failed + hour.completed > 0,
}
"""Whether an hour says anything of a measure; of volume each does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What of a task, a schedule or a queue is not as usual, and what will not be."""

    subject: Subject
    name: str | None
    """What people call it; None for a schedule that is not there any more."""
    until: datetime
    """Up to when it is judged: with a full hour."""
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


def judged(found: Outlook, name: str | None, limits: Limits) -> Judged:
    """What people are told of a subject, where nothing of it may reach these limits."""
    return Judged(
        subject=found.subject, name=name, days=found.days, until=moment(found.until),
        anomalies=found.anomalies, forecasts=forecasts(found.trends, found.until, limits),
    )  # fmt: skip
