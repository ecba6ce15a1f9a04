"""Anomalies and predictions: what is told, what is not, and in which words."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from onbeat.domain.anomalies import PAST, Hour, Measure, anomalies, binomial_tail, moment, standard
from onbeat.domain.anomaly_texts import anomaly_text, forecast_text
from onbeat.domain.baselines import Value, baseline, hour_of_week
from onbeat.domain.outlook import Limit, forecasts, trends
from onbeat.domain.trends import LEAST, predict, rise
from tests.domain.series import BEGIN, KINDS, SUBJECTS, Score, score, series

HOURS = int(PAST / timedelta(hours=1))
UNTIL = BEGIN + HOURS
TEN_DAYS = 24 * 10


def past(**last: Any) -> list[Hour]:
    """28 days of 20 runs an hour that take 1 s, by day 2 s; the last hour as it is said."""
    random = Random(1)
    hours = [
        Hour(hour=hour, ended=20, completed=20, took=_usual(hour) * random.uniform(0.9, 1.1),
             late=random.uniform(0, 2))
        for hour in range(BEGIN, UNTIL - 1)
    ]  # fmt: skip
    said: dict[str, Any] = {
        "ended": 20,
        "completed": 20,
        "took": _usual(UNTIL - 1),
        "late": 1.0,
    } | last
    return [*hours, Hour(hour=UNTIL - 1, **said)]


def _usual(hour: int) -> float:
    return 2.0 if 8 <= hour % 24 < 20 else 1.0


def told(hours: list[Hour]) -> dict[Measure, str]:
    """What is not as usual once the last hour is over, in words."""
    known = standard(hours[:-1], BEGIN, UNTIL - 1)
    recent = hours[-24 * 7 :]
    return {
        each.measure: anomaly_text(each, moment(UNTIL)) for each in anomalies(known, recent, UNTIL)
    }


def test_of_hours_like_all_others_nothing_is_told() -> None:
    assert told(past()) == {}


def test_runs_that_take_longer_are_told_with_what_is_usual_at_that_hour() -> None:
    text = told(past(took=4.1))[Measure.DURATION]

    assert text.startswith("took 4.1 s at the median in the last hour; usually ")
    assert text.endswith(" at this hour (28 days)")
    assert " ms to 1." in text


def test_what_is_usual_by_day_is_told_by_night() -> None:
    # The last hour is 23:00, at which runs take a second.
    assert Measure.DURATION in told(past(took=2.0))


def test_runs_that_fail_are_told_by_number_and_share() -> None:
    text = told(past(completed=12, failed=8))[Measure.FAILURES]

    assert text == "8 of 20 failed (40%) in the last hour; usually 0.0% (28 days)"


@pytest.mark.parametrize(("ended", "words"), [(0, "0 ended"), (300, "300 ended")])
def test_too_few_and_too_many_jobs_are_told(ended: int, words: str) -> None:
    text = told(past(ended=ended, completed=ended))[Measure.VOLUME]

    assert text.startswith(f"{words} in the last hour; usually ")


def test_runs_that_begin_late_are_told() -> None:
    text = told(past(late=300))[Measure.LATENESS]

    assert text.startswith("began 5.0 min late at the median in the last hour; usually ")


def test_runs_that_begin_sooner_than_usual_are_not_told() -> None:
    hours = [Hour(each.hour, 20, 20, 0, 1.0, 400.0) for each in past()]
    hours[-1] = Hour(UNTIL - 1, 20, 20, 0, 1.0, 0.0)

    assert Measure.LATENESS not in told(hours)


def test_a_difference_too_small_to_matter_is_not_told_however_regular_the_past() -> None:
    hours = [Hour(hour, 20, 20, 0, 0.010) for hour in range(BEGIN, UNTIL - 1)]

    assert told([*hours, Hour(UNTIL - 1, 20, 20, 0, 0.040)]) == {}


def test_of_a_past_too_short_nothing_is_told() -> None:
    hours = [Hour(hour, 1, 1, 0, 1.0) for hour in range(UNTIL - 9, UNTIL - 1)]
    known = standard(hours, UNTIL - 9, UNTIL - 1)

    assert anomalies(known, [*hours, Hour(UNTIL - 1, 0, 0, 9, 99.0)], UNTIL) == []


def test_hours_alike_are_those_that_foretell_best() -> None:
    def season(value: Callable[[int], float]) -> str:
        values = [Value(hour, value(hour)) for hour in range(BEGIN, UNTIL)]
        found = baseline(values, 0.1)
        assert found is not None
        return found.season

    assert season(lambda hour: hour % 7 * 0.01) == ""
    assert season(lambda hour: hour % 24) == "at this hour"
    assert season(lambda hour: hour % 24 * (hour_of_week(hour) < 120)).endswith("such a day")
    assert season(hour_of_week) == "at this hour of the week"


def test_the_hours_of_a_week_begin_on_monday() -> None:
    [monday] = [hour for hour in range(BEGIN, BEGIN + 168) if hour_of_week(hour) == 0]

    assert (moment(monday).isoweekday(), moment(monday).hour) == (1, 0)


@pytest.mark.parametrize(
    ("at_least", "of", "share"), [(3, 20, 0.02), (9, 10, 0.3), (50, 500, 0.05)]
)
def test_the_tail_is_never_less_than_the_sum_of_the_binomial(
    at_least: int, of: int, share: float
) -> None:
    exact = sum(
        math.comb(of, k) * share**k * (1 - share) ** (of - k) for k in range(at_least, of + 1)
    )

    assert exact <= binomial_tail(at_least, of, share) < 10 * exact


def test_a_straight_rise_reaches_its_limit_when_the_line_does() -> None:
    points = [(moment(BEGIN + 24 * day), 10.0 + day) for day in range(14)]

    found = predict(points, 30.0, points[-1][0])

    assert found is not None
    assert abs(found.at - moment(BEGIN + 24 * 20)) < timedelta(seconds=1)
    assert found.earliest < found.at < found.latest


def test_what_was_flat_before_it_rose_is_no_part_of_the_rise() -> None:
    points = [(moment(BEGIN + 24 * day), 10.0 + max(0, day - 16)) for day in range(28)]

    found = predict(points, 25.0, points[-1][0])

    assert found is not None
    assert abs(found.at - moment(BEGIN + 24 * 31)) < timedelta(hours=12)
    assert found.seen_for <= timedelta(days=16)


def test_noise_makes_when_it_is_reached_uncertain_and_the_line_lies_between() -> None:
    random = Random(4)
    points = [(moment(BEGIN + 24 * d), 10 + d + random.gauss(0, 1.5)) for d in range(20)]

    found = predict(points, 40.0, points[-1][0])

    assert found is not None
    assert found.earliest < found.at < found.latest
    assert found.earliest < moment(BEGIN + 24 * 30) < found.latest


@pytest.mark.parametrize("seed", range(20))
def test_no_trend_is_seen_in_noise(seed: int) -> None:
    random = Random(seed)

    assert rise([(float(day), random.lognormvariate(0, 0.4)) for day in range(28)]) is None


@pytest.mark.parametrize(
    "values",
    [
        [10.0 - day / 10 for day in range(28)],
        [5.0] * 28,
        [10.0 + day for day in range(LEAST - 1)],
        [10.0 + day / 1000 for day in range(28)],
        [50.0 + day for day in range(28)],
    ],
    ids=["falls", "stands", "too few", "slight", "over it already"],
)
def test_nothing_is_foretold_of_what(values: list[float]) -> None:
    points = [(moment(BEGIN + 24 * day), value) for day, value in enumerate(values)]

    assert predict(points, 40.0, points[-1][0]) is None


def test_a_rise_is_told_with_its_limit_and_between_what_days() -> None:
    hours = [Hour(BEGIN + 24 * day, 1, 1, 0, 10.0 + day) for day in range(28)]

    [found] = forecasts(
        trends(hours, UNTIL), UNTIL, {Measure.DURATION: Limit(45.0, "the task's timeout")}
    )

    text = forecast_text(found)
    assert text.startswith("it takes 37 s at the median, 1.0 s more each day for 27 days; it will")
    assert "will reach 45 s, the task's timeout, about " in text


def test_of_what_reached_its_limit_as_it_rose_it_is_told_when() -> None:
    hours = [Hour(BEGIN + 24 * day, 1, 1, 0, 10.0 + day) for day in range(28)]

    [found] = forecasts(trends(hours, UNTIL), UNTIL, {Measure.DURATION: Limit(30.0, "its limit")})

    reached = moment(BEGIN + 24 * 20)
    assert found.prediction.is_reached
    assert abs(found.prediction.at - reached) < timedelta(days=1.1)
    assert "; it reached 30 s, its limit, about 20" in forecast_text(found)


def test_most_simulated_faults_are_found_and_little_else_is_told() -> None:
    """As benchmarks/conditions/anomalies.py measures: a few of them, of seeds of their own."""
    subjects = {each.name: each for each in SUBJECTS}
    kinds = [each for each in KINDS if not each.is_drift]
    names = ("steady task", "schedule each hour", "quiet task", "schedule each 5 minutes")
    total = Score()
    for number, kind in enumerate(kinds):
        fitting = [subjects[name] for name in names if name in kind.of]
        total += score(series(fitting[number % len(fitting)], kind, 7, TEN_DAYS))
    healthy = [score(series(subjects[name], None, 7, TEN_DAYS)).false for name in names]

    assert total.recall >= 0.7
    assert total.precision >= 0.8
    assert max(healthy) <= 1
