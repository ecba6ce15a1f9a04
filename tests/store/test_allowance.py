"""A process may send a few hints at once, and 20 a second for long, however they are spaced."""

from __future__ import annotations

import pytest

from onbeat.store.wakeups import Allowance


def sent(count: int, gap: float) -> float:
    """Seconds it takes to send `count` hints of which one comes every `gap` seconds."""
    allowance, now, free_at = Allowance(), 0.0, 0.0
    for number in range(count):
        now = max(number * gap, free_at)
        free_at = now + allowance.spend(now)
    return now


def test_the_first_few_follow_each_other_at_once() -> None:
    assert sent(Allowance.IN_A_ROW, gap=0.0) < Allowance.EVERY


@pytest.mark.parametrize("gap", [0.0, 0.005, 0.02])
def test_for_long_no_more_than_20_a_second_are_sent(gap: float) -> None:
    in_a_minute = next(count for count in range(1, 10_000) if sent(count, gap) > 60)

    assert in_a_minute <= 60 / Allowance.EVERY + 2 * Allowance.IN_A_ROW


def test_hints_that_are_further_apart_never_wait() -> None:
    assert sent(100, gap=0.06) == pytest.approx(99 * 0.06)


def test_two_hints_are_never_sent_in_the_same_moment() -> None:
    assert Allowance().spend(0.0) == Allowance.APART
