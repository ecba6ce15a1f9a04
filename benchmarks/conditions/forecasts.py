"""How often what is foretold comes within its brackets, on simulated rises whose end is known.

`python -m benchmarks.conditions.forecasts`

Drifts are those of benchmarks/conditions/anomalies.py, which begin within the 28 days; rises of
weeks began 14 days ago or more, with noise from day to day. The brackets were set on the seeds of
the set `tuning`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from statistics import median
from typing import Annotated

import typer
from tests.domain.series import BEGIN, KINDS, PAST_HOURS, SUBJECTS, Series, series

from benchmarks.conditions.anomalies import FIRST_SEED, Set
from onbeat.domain.anomalies import Measure, moment
from onbeat.domain.outlook import daily
from onbeat.domain.trends import Prediction, predict

A_DAY = timedelta(days=1)
DRIFT = next(each for each in KINDS if each.is_drift)
DAYS = 28


@dataclass(frozen=True)
class Foretold:
    """A prediction, and when it came to be."""

    prediction: Prediction
    reached: datetime

    @property
    def off(self) -> float:
        """Days that it came later than told; less than none where sooner."""
        return (self.reached - self.prediction.at) / A_DAY

    @property
    def is_inside(self) -> bool:
        """Whether it came within the brackets."""
        return self.prediction.earliest <= self.reached <= self.prediction.latest


def of_drifts(of: Set, each: int) -> Iterator[Foretold]:
    """All that is foretold from day to day of drifts, until they reach their limit."""
    for subject in SUBJECTS:
        for at in range(each):
            one = series(subject, DRIFT, FIRST_SEED[of] + at)
            reached = _reached(one)
            for until in range(BEGIN + PAST_HOURS, BEGIN + PAST_HOURS + one.month, 24):
                if moment(until) >= reached:
                    break
                past = [hour for hour in one.hours if until - PAST_HOURS <= hour.hour < until]
                points = daily(past, Measure.DURATION, until)
                found = predict(points, one.limit, moment(until))
                if found is not None:
                    yield Foretold(found, reached)


def _reached(of: Series) -> datetime:
    """When the drift, without its noise, is at the limit."""
    if of.fault is None:
        raise AssertionError("a drift has a fault")
    since, until = of.fault.since, of.fault.until
    before = [hour for hour in of.hours if hour.hour < BEGIN + since]
    usual = median(value for _, value in daily(before, Measure.DURATION, BEGIN + since))
    part = (of.limit / usual - 1) / (of.fault.size - 1)
    return moment(BEGIN) + timedelta(hours=since + part * (until - since))


def of_rises(of: Set, each: int) -> Iterator[Foretold]:
    """What is foretold of rises of weeks."""
    for seed in range(FIRST_SEED[of], FIRST_SEED[of] + 25 * each):
        random = Random(seed)
        noise, slope = random.uniform(0.02, 0.12), random.uniform(0.02, 0.1)
        flat, left = random.choice((0, 0, 7, 14)), random.uniform(1, 14)
        points = [
            (moment(BEGIN + 24 * day),
             (1 + slope * max(0, day - flat)) * math.exp(random.gauss(0, noise)))
            for day in range(1, DAYS + 1)
        ]  # fmt: skip
        limit = 1 + slope * (DAYS + left - flat)
        found = predict(points, limit, points[-1][0])
        if found is not None:
            yield Foretold(found, points[-1][0] + left * A_DAY)


def run(
    of: Annotated[Set, typer.Option("--set")] = Set.HELD_OUT,
    each: Annotated[int, typer.Option(help="Drifts of each subject; of rises 25 as many.")] = 25,
) -> None:
    """Print the table."""
    typer.echo(
        "| rise | foretold | within the brackets | sooner | later | days off at the median |"
    )
    typer.echo("|---|---|---|---|---|---|")
    for name, found in (
        ("drift that began lately", list(of_drifts(of, each))),
        ("rise of weeks", list(of_rises(of, each))),
    ):
        inside = sum(one.is_inside for one in found) / len(found)
        sooner = sum(one.reached < one.prediction.earliest for one in found) / len(found)
        off = median(abs(one.off) for one in found)
        typer.echo(f"| {name} | {len(found)} | {inside:.0%} | {sooner:.0%} | "
                   f"{1 - inside - sooner:.0%} | {off:.1f} |")  # fmt: skip


if __name__ == "__main__":
    typer.run(run)
