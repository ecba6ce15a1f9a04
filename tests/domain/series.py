"""Made-up pasts of tasks and schedules, healthy or with a fault of which is known when it was."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from onbeat.domain.anomalies import (
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
from onbeat.domain.baselines import hour_of_week
from onbeat.domain.outlook import daily
from onbeat.domain.trends import predict

BEGIN = 24 * 20_000 + 24 * 4
"""The hour at which each series begins."""
PAST_HOURS = int(PAST.total_seconds() // 3600)
RECENT_HOURS = int(RECENT.total_seconds() // 3600)
MONTH = 24 * 30
GRACE = 24
"""Hours after the end of a fault in which it may still be found: its windows reach back."""


@dataclass(frozen=True)
class Subject:
    """What is simulated, where all is well."""

    name: str
    each_hour: float
    """Runs that are expected; of a schedule exactly so many."""
    is_schedule: bool = False
    day_swing: float = 0.0
    """By how much of itself volume is more by day, less by night."""
    weekend: float = 1.0
    """What is left of it on weekends."""
    at: int | None = None
    """The one hour of the day in which it runs."""


SUBJECTS = (
    Subject("busy task", 300, day_swing=0.7, weekend=0.4),
    Subject("steady task", 40, day_swing=0.3),
    Subject("quiet task", 2, day_swing=0.5, weekend=0.5),
    Subject("schedule each 5 minutes", 12, is_schedule=True),
    Subject("schedule each hour", 1, is_schedule=True),
    Subject("schedule of office hours", 4, is_schedule=True, weekend=0, day_swing=1),
    Subject("schedule once a day", 1, is_schedule=True, at=3),
)
DENSE = frozenset({"busy task", "steady task", "schedule each 5 minutes"})
OFTEN = DENSE | {"schedule each hour", "quiet task"}
ALL = frozenset(each.name for each in SUBJECTS)
SCHEDULES = frozenset(each.name for each in SUBJECTS if each.is_schedule)


@dataclass(frozen=True)
class Kind:
    """A kind of fault: what it does, for how many hours, to whom."""

    name: str
    hours: tuple[float, float]
    of: frozenset[str]
    found_by: frozenset[Measure]
    slower: tuple[float, float] = (1, 1)
    failing: tuple[float, float] = (0, 0)
    volume: tuple[float, float] = (1, 1)
    late: tuple[float, float] = (0, 0)
    is_drift: bool = False


KINDS = (
    Kind("level shift", (12, 120), ALL, frozenset({Measure.DURATION}), slower=(1.8, 5)),
    Kind("spike of hours", (2, 5), OFTEN, frozenset({Measure.DURATION}), slower=(4, 12)),
    Kind("faster than it can be", (12, 96), ALL, frozenset({Measure.DURATION}),
         slower=(0.05, 0.35)),
    Kind("slow drift to a limit", (16 * 24, 24 * 24), ALL, frozenset({Measure.DURATION}),
         slower=(2.5, 5), is_drift=True),
    Kind("most fail", (3, 24), ALL, frozenset({Measure.FAILURES}), failing=(0.4, 1)),
    Kind("some fail", (12, 72), DENSE, frozenset({Measure.FAILURES}), failing=(0.1, 0.25)),
    Kind("outage", (4, 48), ALL, frozenset({Measure.VOLUME}), volume=(0, 0)),
    Kind("volume drops", (12, 72), DENSE, frozenset({Measure.VOLUME}), volume=(0.1, 0.4)),
    Kind("volume surges", (3, 48), OFTEN, frozenset({Measure.VOLUME}), volume=(3, 10)),
    Kind("late", (3, 48), SCHEDULES, frozenset({Measure.LATENESS}), late=(60, 900)),
)  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """A fault, and when it was: in hours from the beginning."""

    kind: Kind
    since: int
    until: int
    size: float

    def is_on(self, hour: int) -> bool:
        """Whether it is then."""
        return self.since <= hour < self.until

    def slower(self, hour: int) -> float:
        """By what factor runs take longer."""
        if not self.is_on(hour) or self.kind.slower == (1, 1):
            return 1.0
        if self.kind.is_drift:
            return 1 + (self.size - 1) * (hour - self.since) / (self.until - self.since)
        return self.size


@dataclass(frozen=True)
class Series:
    """Hours of a subject, and what was wrong."""

    subject: Subject
    hours: Sequence[Hour]
    fault: Fault | None
    limit: float
    """Seconds that runs must not reach: the task's timeout."""
    month: int
    """Hours that are judged."""


def fault(kind: Kind, subject: Subject, random: Random, month: int = MONTH) -> Fault:
    """One within the hours that are judged."""
    least, most = kind.hours
    if subject.at is not None or subject.weekend == 0:
        # What runs once a day is not broken for three hours: nothing would be to be seen.
        least, most = max(least, 24 * 4), max(most, 24 * 7)
    elif subject.each_hour <= 2:
        least, most = max(least, 12), max(most, 48)
    hours = int(random.uniform(least, most))
    since = PAST_HOURS + random.randint(0, max(0, month - hours - GRACE))
    spans = {kind.slower, kind.failing, kind.volume, kind.late} - {(1, 1), (0, 0)}
    low, high = spans.pop() if spans else (0, 0)
    return Fault(kind, since, since + hours, random.uniform(low, high))


def series(subject: Subject, kind: Kind | None, seed: int, month: int = MONTH) -> Series:
    """A past and a month of so many hours after it, with a fault of that kind in it, or none."""
    random = Random(f"{seed} {subject.name} {kind.name if kind else ''}")
    wrong = None if kind is None else fault(kind, subject, random, month)
    base = math.exp(random.uniform(math.log(0.2), math.log(300)))
    noise, swing = random.uniform(0.05, 0.6), random.uniform(0, 0.3)
    failing = random.choice((0.0, 0.002, 0.01, 0.03))
    usual_late = random.uniform(0.5, 5)
    hours, slow, day = [], 0.0, 1.0
    for hour in range(PAST_HOURS + month):
        if hour % 24 == 0:
            day = 1.0 if subject.is_schedule else math.exp(random.gauss(0, 0.12))
        slow = 0.8 * slow + random.gauss(0, 0.05)
        runs = _runs(subject, BEGIN + hour, hour, wrong, day, random)
        if not runs:
            continue
        level = math.log(base) + slow + swing * _day(BEGIN + hour)
        level += math.log(wrong.slower(hour)) if wrong else 0
        share = failing if random.random() > 0.01 else min(1, failing * 5)
        if wrong and wrong.is_on(hour) and wrong.kind.failing != (0, 0):
            share = max(share, wrong.size)
        failed = _binomial(runs, share, random)
        late = usual_late * math.exp(random.gauss(0, 0.5)) + random.uniform(5, 40) * (
            random.random() < 0.01
        )
        if wrong and wrong.is_on(hour) and wrong.kind.late != (0, 0):
            late += wrong.size * random.uniform(0.7, 1.3)
        hours.append(Hour(
            hour=BEGIN + hour, ended=runs, completed=runs - failed, failed=failed,
            took=_median(level, noise, runs - failed, random),
            late=late if subject.is_schedule else None,
        ))  # fmt: skip
    return Series(subject, hours, wrong, base * 2, month)


def _day(hour: int) -> float:
    return math.sin((hour % 24 - 9) / 24 * 2 * math.pi)


def _runs(
    subject: Subject, hour: int, at: int, wrong: Fault | None, day: float, random: Random
) -> int:
    expected = subject.each_hour * day
    if subject.at is not None:
        expected *= hour % 24 == subject.at
    elif subject.weekend == 0:
        expected *= 8 <= hour % 24 < 18
    else:
        expected *= 1 + subject.day_swing * _day(hour)
    if hour_of_week(hour) >= 120:
        expected *= subject.weekend
    if wrong and wrong.is_on(at) and Measure.VOLUME in wrong.kind.found_by:
        expected *= wrong.size
    return round(expected) if subject.is_schedule else _poisson(expected, random)


def _poisson(mean: float, random: Random) -> int:
    if mean > 60:
        return max(0, round(random.gauss(mean, math.sqrt(mean))))
    left, number = math.exp(-mean), 0
    product = random.random()
    while product > left:
        number += 1
        product *= random.random()
    return number


def _binomial(of: int, share: float, random: Random) -> int:
    if of > 60:
        deviation = math.sqrt(of * share * (1 - share))
        return min(of, max(0, round(random.gauss(of * share, deviation)))) if share else 0
    return sum(random.random() < share for _ in range(of))


def _median(level: float, noise: float, of: int, random: Random) -> float | None:
    """Of so many runs; of many by what is known of the median's own noise."""
    if of == 0:
        return None
    if of > 25:
        return math.exp(level + random.gauss(0, noise * 1.2533 / math.sqrt(of)))
    some = sorted(_run(level, noise, random) for _ in range(of))
    return (some[(of - 1) // 2] + some[of // 2]) / 2


def _run(level: float, noise: float, random: Random) -> float:
    heavy = random.uniform(0.5, 1.5) if random.random() < 0.01 else 0
    return math.exp(level + random.gauss(0, noise) + heavy)


@dataclass(frozen=True)
class Told:
    """Something that is told, in an hour from the beginning."""

    hour: int
    measure: Measure
    anomaly: Anomaly | None
    """None of a prediction."""


def tell(of: Series) -> Iterator[Told]:
    """What is told hour by hour of the month: what is usual is learnt once a day."""
    known: Standard | None = None
    start = 0
    for until in range(BEGIN + PAST_HOURS, BEGIN + PAST_HOURS + of.month):
        if known is None or until % 24 == 0:
            past = _between(of.hours, until - PAST_HOURS, until)
            known = standard(past, until - PAST_HOURS, until)
            points = daily(past, Measure.DURATION, until)
            if predict(points, of.limit, moment(until)) is not None:
                yield Told(until - BEGIN, Measure.DURATION, None)
        while of.hours[start].hour < until - RECENT_HOURS and start < len(of.hours) - 1:
            start += 1
        recent = [each for each in of.hours[start : start + RECENT_HOURS + 1] if each.hour < until]
        recent = [each for each in recent if each.hour >= until - RECENT_HOURS]
        for each in anomalies(known, recent, until):
            yield Told(until - BEGIN, each.measure, each)


def _between(hours: Sequence[Hour], since: int, until: int) -> list[Hour]:
    return [each for each in hours if since <= each.hour < until]


@dataclass(frozen=True)
class Score:
    """How many faults there were, were found, and how often something was told of none."""

    faults: int = 0
    found: int = 0
    false: int = 0
    delays: tuple[int, ...] = ()
    """Hours from the beginning of each that was found."""

    def __add__(self, other: Score) -> Score:
        return Score(
            self.faults + other.faults, self.found + other.found, self.false + other.false,
            self.delays + other.delays,
        )  # fmt: skip

    @property
    def recall(self) -> float:
        """Which part of the faults was found."""
        return self.found / self.faults if self.faults else math.nan

    @property
    def precision(self) -> float:
        """Which part of what was told was of a fault."""
        told = self.found + self.false
        return self.found / told if told else math.nan


def score(of: Series) -> Score:
    """What is told without a pause of a day, three for what runs once a day, counts as one."""
    pause = 24 * 3 if of.subject.at is not None else 24
    runs: list[list[Told]] = []
    last: dict[Measure, list[Told]] = {}
    for each in tell(of):
        run = last.get(each.measure)
        if run is None or each.hour - run[-1].hour > pause:
            run = last[each.measure] = []
            runs.append(run)
        run.append(each)
    if of.fault is None:
        return Score(false=len(runs))
    wrong = of.fault
    hits = [run for run in runs if _is_of(run, wrong)]
    first = min((
        each.hour for run in hits for each in run
        if each.measure in wrong.kind.found_by and wrong.since < each.hour <= wrong.until + GRACE
    ), default=None)  # fmt: skip
    delays = () if first is None else (first - wrong.since,)
    return Score(1, len(delays), len(runs) - len(hits), delays)


def _is_of(run: Sequence[Told], wrong: Fault) -> bool:
    """Whether it began while the fault was on, or had just been."""
    return wrong.since < run[0].hour <= wrong.until + GRACE
