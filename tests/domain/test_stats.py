"""Figures of jobs: shares, means and percentiles of what was looked at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from onbeat.domain.errors import InvalidInput
from onbeat.domain.states import State
from onbeat.domain.stats import Ended, figures, grouped, percentile, read_window

NOW = datetime(2030, 6, 15, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)

durations = some.lists(some.integers(0, 1_000), min_size=1, max_size=50).map(
    lambda each: sorted(n * SECOND for n in each)
)


def end(outcome: State, seconds: int | None = 1, group: str | None = "a") -> Ended:
    """An end."""
    return Ended(group, outcome, None if seconds is None else seconds * SECOND)


@given(durations, some.integers(1, 100))
def test_a_percentile_is_the_least_that_so_many_do_not_exceed(
    ordered: list[timedelta], share: int
) -> None:
    found = percentile(ordered, share)

    assert found is not None
    assert sum(each <= found for each in ordered) * 100 >= share * len(ordered)
    assert sum(each < found for each in ordered) * 100 < share * len(ordered)


def test_of_nothing_there_are_no_figures() -> None:
    none = figures("a", [], {})

    assert (none.number, none.success_rate, none.mean, none.p50, none.p95) == (0,) + (None,) * 4


def test_what_was_cancelled_counts_neither_as_success_nor_as_failure() -> None:
    found = figures("a", [end(State.COMPLETED)] * 3 + [end(State.FAILED), end(State.CANCELLED)], {})

    assert found.success_rate == 0.75
    assert found.states == {State.COMPLETED: 3, State.FAILED: 1, State.CANCELLED: 1}


def test_what_never_began_has_no_part_in_durations() -> None:
    found = figures("a", [end(State.COMPLETED, 4), end(State.CANCELLED, None)], {})

    assert (found.mean, found.p50, found.p95) == (4 * SECOND,) * 3


def test_groups_come_with_the_most_jobs_first_and_those_of_none_are_left_out() -> None:
    ended = [end(State.COMPLETED, 1, group) for group in ("a", "b", "b", None)]

    found = grouped(ended, {("c", State.PENDING): 5, (None, State.PENDING): 9})

    assert [(each.name, each.number) for each in found] == [("c", 5), ("b", 2), ("a", 1)]


def test_a_window_is_a_day_unless_it_is_said() -> None:
    assert read_window(NOW, None, None, None) == (NOW - timedelta(days=1), NOW)
    assert read_window(NOW, timedelta(hours=2), None, None) == (NOW - timedelta(hours=2), NOW)
    assert read_window(NOW, None, NOW - SECOND, NOW) == (NOW - SECOND, NOW)


@pytest.mark.parametrize(
    ("window", "since", "until", "field"),
    [
        (SECOND, NOW, None, "since"),
        (timedelta(), None, None, "window"),
        (-SECOND, None, None, "window"),
        (None, NOW, NOW - SECOND, "until"),
        (None, datetime(2030, 1, 1), None, "since"),  # noqa: DTZ001 - as somebody may give it
        (timedelta(days=999_999), None, None, "window"),
    ],
)
def test_a_window_that_is_none_is_refused_by_its_field(
    window: timedelta | None, since: datetime | None, until: datetime | None, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_window(NOW, window, since, until)

    assert refused.value.field == field
