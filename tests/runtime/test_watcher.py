"""How long the watcher rests after a slice: for others' sake, and never so that it falls behind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from onbeat.domain.health import Slice
from onbeat.runtime.watcher import LEAST_REST, REST, rest

SINCE = datetime(2027, 1, 4, tzinfo=UTC)


def lasting(seconds: float) -> Slice:
    """A slice that spans so much."""
    return Slice(SINCE, SINCE + timedelta(seconds=seconds))


@pytest.mark.parametrize("took", [0.01, 0.1, 0.3, 0.7])
def test_of_much_that_ends_a_second_is_folded_in_less_than_one(took: float) -> None:
    assert took + rest(took, lasting(1.0), is_behind=True) < 1.0


def test_what_takes_longer_than_it_lasts_is_followed_without_any_rest() -> None:
    assert rest(1.2, lasting(1.0), is_behind=True) == 0


@pytest.mark.parametrize("took", [0.1, 0.25, 2.0])
def test_a_long_record_of_little_is_folded_a_quarter_of_the_time(took: float) -> None:
    assert rest(took, lasting(300.0), is_behind=True) == REST * took


@pytest.mark.parametrize("took", [0.001, 0.05])
def test_what_ends_just_now_is_not_looked_for_all_the_time(took: float) -> None:
    assert rest(took, lasting(0.02), is_behind=False) == LEAST_REST
