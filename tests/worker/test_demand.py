"""How many jobs a worker asks for: free slots, and a prefetch only while jobs are short."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onbeat.runtime.worker.demand import AHEAD, MOST_AT_ONCE, Demand

slots = st.integers(1, 200)
observations = st.lists(
    st.tuples(st.integers(0, 100_000), st.floats(0, 10, allow_nan=False)), max_size=30
)


def demand(size: int, seen: list[tuple[int, float]], busy: int = 0) -> Demand:
    """One that has seen so many jobs in so many seconds."""
    made = Demand(size)
    for count, seconds in seen:
        made.observe(count, seconds)
    made.busy = min(busy, size)
    return made


def test_a_worker_that_knows_nothing_asks_for_its_slots() -> None:
    assert Demand(10).wanted(0) == 10


def test_busy_slots_ask_for_nothing() -> None:
    made = Demand(10)
    made.busy = 10

    assert made.wanted(0) == 0


def test_long_jobs_are_not_fetched_ahead() -> None:
    assert demand(10, [(1, 1.0)] * 50).prefetch == 0


def test_short_jobs_are_fetched_ahead() -> None:
    made = demand(10, [(1_000, 0.1)] * 50)

    assert made.prefetch == pytest.approx(10_000 * AHEAD, abs=2)


def test_what_lies_at_hand_is_worked_off_to_the_half_before_more_is_asked_for() -> None:
    made = demand(10, [(1_000, 0.1)] * 50, busy=10)
    half = made.prefetch // 2

    assert (made.wanted(half + 1), made.wanted(half) > 0) == (0, True)


@given(slots, observations, st.integers(0, 5_000), st.integers(0, 200))
def test_what_is_wanted_is_never_negative_and_never_too_much(
    size: int, seen: list[tuple[int, float]], buffered: int, busy: int
) -> None:
    assert 0 <= demand(size, seen, busy).wanted(buffered) <= MOST_AT_ONCE


@given(slots, observations, st.integers(0, 5_000))
def test_what_is_held_is_never_more_than_slots_and_prefetch(
    size: int, seen: list[tuple[int, float]], buffered: int
) -> None:
    made = demand(size, seen)

    assert buffered + made.wanted(buffered) <= max(buffered, size + made.prefetch)


def test_what_was_known_of_short_jobs_is_forgotten_in_an_idle_stretch() -> None:
    made = demand(10, [(150, 0.05)] * 60)

    for _ in range(100):
        made.observe(0, 0.05, is_full=False)

    assert (made.prefetch, made.wanted(0)) == (0, 10)


def test_no_more_is_held_than_half_a_second_of_work() -> None:
    assert demand(1, [(5, 0.2)] * 50).prefetch <= 13


@given(slots, observations)
def test_an_idle_worker_with_nothing_at_hand_always_asks(
    size: int, seen: list[tuple[int, float]]
) -> None:
    assert demand(size, seen).wanted(0) >= 1


@given(slots)
def test_jobs_that_turn_long_end_the_prefetch(size: int) -> None:
    made = demand(size, [(10_000, 1.0)] * 20)

    for _ in range(200):
        made.observe(1, 1.0 * 60 * size)

    assert made.prefetch == 0
