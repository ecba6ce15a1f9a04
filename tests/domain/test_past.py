"""A rule held against the roll-ups of the past."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from onbeat.domain.default_rules import DEFAULTS
from onbeat.domain.health import Tally, Took, bucket_of
from onbeat.domain.past import Slot, opened, why_not
from onbeat.domain.rules import Condition, Limits

SPAN = timedelta(minutes=5)
BEGIN = datetime(2026, 11, 29, tzinfo=UTC)
NOW = BEGIN + timedelta(hours=3)


def slots(*tallies: Tally) -> list[Slot]:
    """One after the other."""
    return [
        Slot(begins_at=BEGIN + number * SPAN, span=SPAN, tally=tally)
        for number, tally in enumerate(tallies)
    ]


def spans(rule: str, *tallies: Tally, **limits: object) -> list[tuple[int, int]]:
    """From after which roll-up to after which it would have been open; -1 where it still is."""
    own = replace(DEFAULTS[rule], limits=Limits(**limits)) if limits else DEFAULTS[rule]  # type: ignore[arg-type]
    return [
        ((begins - BEGIN) // SPAN, -1 if ends == NOW else (ends - BEGIN) // SPAN)
        for begins, ends in opened(own, slots(*tallies), NOW)
    ]


GOOD, BAD = Tally(completed=3), Tally(failed=1)


def test_what_failed_is_open_until_nothing_fails() -> None:
    assert spans("failed", GOOD, BAD, GOOD) == [(2, 3)]
    assert spans("failed", GOOD, BAD) == [(2, -1)]


def test_failures_in_a_row_are_counted_over_roll_ups() -> None:
    assert spans("in-a-row", BAD, BAD, BAD, GOOD) == [(3, 4)]
    assert spans("in-a-row", BAD, BAD, GOOD, BAD) == []


def test_a_rate_is_of_its_window() -> None:
    limits = {"share": 0.5, "least": 4, "window": timedelta(minutes=10)}
    half = Tally(completed=2, failed=2)
    assert spans("failure-rate", GOOD, half, half, GOOD, GOOD, **limits) == [(3, 4)]


def test_what_is_slow_is_told_by_how_long_runs_took() -> None:
    slow = Tally(completed=10, took=Took({bucket_of(timedelta(seconds=9)): 10}))
    fast = Tally(completed=90, took=Took({bucket_of(timedelta(seconds=1)): 1000}))
    assert spans("slow", slow, fast) == [(1, 2)]


@pytest.mark.parametrize("condition", [Condition.UNUSUAL_VOLUME, Condition.DURATION_RISES])
def test_of_what_is_unusual_it_is_said_that_it_takes_too_long(condition: Condition) -> None:
    rule = next(each for each in DEFAULTS.values() if each.condition is condition)
    assert "28 days" in str(why_not(rule))
