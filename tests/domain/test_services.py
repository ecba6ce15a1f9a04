"""How long a failed service rests before it is started again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onbeat.domain.services import (
    FIRST_RESTART_DELAY,
    LONGEST_RESTART_DELAY,
    Snapshot,
    Status,
    restart_delay,
)


def test_the_delay_doubles_from_half_a_second_to_half_a_minute() -> None:
    seconds = [restart_delay(failures).total_seconds() for failures in range(1, 9)]

    assert seconds == [0.5, 1, 2, 4, 8, 16, 30, 30]


@given(st.integers(-10, 10**9))
def test_the_delay_stays_in_its_bounds(failures: int) -> None:
    assert FIRST_RESTART_DELAY <= restart_delay(failures) <= LONGEST_RESTART_DELAY


@given(st.integers(0, 1_000))
def test_the_delay_never_shrinks(failures: int) -> None:
    assert restart_delay(failures) <= restart_delay(failures + 1)


@pytest.mark.parametrize("status", Status)
def test_a_service_is_healthy_while_it_runs_or_was_told_to_pause(status: Status) -> None:
    snapshot = Snapshot(id="1", name="worker", status=status, critical=True)

    assert snapshot.healthy == (status in {Status.RUNNING, Status.PAUSED})


def test_half_a_second_is_the_first() -> None:
    assert timedelta(seconds=0.5) == FIRST_RESTART_DELAY
