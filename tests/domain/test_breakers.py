"""When a breaker opens, tries and closes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onbeat.domain.breakers import (
    CLOSED,
    Breaker,
    BreakerState,
    Observation,
    Rule,
    Standing,
    observe,
)
from onbeat.domain.errors import InvalidInput
from tests.timing import START

RULE = Rule(threshold=3, open_for=timedelta(seconds=30), probes=1)


def seen(*failures: bool, at: datetime = START) -> list[Observation]:
    return [Observation(at, "boom" if failed else None) for failed in failures]


def test_it_opens_after_so_many_failures_in_a_row_and_not_before() -> None:
    two = observe(CLOSED, RULE, seen(True, True), START)
    three = observe(two, RULE, seen(True), START)

    assert two.state(START) is BreakerState.CLOSED
    assert three.state(START) is BreakerState.OPEN
    assert three.open_until == START + RULE.open_for
    assert three.reason == "boom"


def test_a_success_between_them_begins_the_count_anew() -> None:
    standing = observe(CLOSED, RULE, seen(True, True, False, True, True), START)

    assert (standing.state(START), standing.counted) == (BreakerState.CLOSED, 2)


def test_what_began_before_it_opened_changes_nothing() -> None:
    opened = observe(CLOSED, RULE, seen(True, True, True), START)
    early = START - timedelta(seconds=1)

    assert observe(opened, RULE, seen(False, True, at=early), START) == opened


@pytest.mark.parametrize("failed", [True, False])
def test_what_began_while_it_was_open_changes_nothing(failed: bool) -> None:
    opened = observe(CLOSED, RULE, seen(True, True, True), START)
    meanwhile = START + RULE.open_for / 2

    assert observe(opened, RULE, seen(failed, at=meanwhile), meanwhile) == opened


def test_when_its_time_is_over_a_success_closes_it() -> None:
    opened = observe(CLOSED, RULE, seen(True, True, True), START)
    later = START + RULE.open_for

    assert opened.state(later) is BreakerState.HALF_OPEN
    assert observe(opened, RULE, seen(False, at=later), later) == CLOSED


def test_when_its_time_is_over_a_single_failure_opens_it_anew() -> None:
    opened = observe(CLOSED, RULE, seen(True, True, True), START)
    later = START + RULE.open_for

    again = observe(opened, RULE, seen(True, at=later), later)

    assert again.open_until == later + RULE.open_for


@given(st.lists(st.booleans(), max_size=30), st.integers(1, 5))
def test_it_is_open_exactly_when_the_last_run_of_failures_is_long_enough(
    failures: list[bool], threshold: int
) -> None:
    rule = Rule(threshold, timedelta(seconds=30), 1)
    standing: Standing = CLOSED
    run = 0
    for failed in failures:
        if run >= threshold:
            break
        run = run + 1 if failed else 0
        standing = observe(standing, rule, seen(failed), START)

    assert (standing.state(START) is BreakerState.OPEN) == (run >= threshold)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"threshold": 0}, "threshold"),
        ({"threshold": 1.5}, "threshold"),
        ({"probes": 0}, "probes"),
        ({"open_for": "0s"}, "open_for"),
        ({"open_for": "2d"}, "open_for"),
        ({"open_for": "soon"}, "open_for"),
    ],
)
def test_a_breaker_that_makes_no_sense_is_refused(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Breaker("stripe", **fields)

    assert caught.value.field == field
