"""What is kept of ended jobs."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onbeat.domain.errors import InvalidInput
from onbeat.domain.retention import (
    Keep,
    Rule,
    Subject,
    kept_text,
    may_go,
    parse_kept,
    parse_subject,
)

NOW = datetime(2030, 1, 1, tzinfo=UTC)


@given(
    ended=st.lists(
        st.tuples(st.sampled_from(["completed", "failed", "cancelled"]), st.integers(0, 100))
    ),
    completed=st.integers(0, 20),
    days=st.integers(1, 50),
)
def test_the_newest_that_completed_and_failures_of_so_many_days_are_kept(
    ended: list[tuple[str, int]], completed: int, days: int
) -> None:
    rule = Keep(completed=completed, failed=timedelta(days=days)).rule
    seen: Counter[str] = Counter()
    newest_first = sorted(ended, key=lambda each: each[1])

    kept = [
        (outcome, age)
        for outcome, age in newest_first
        if not may_go(rule, outcome, NOW - timedelta(days=age), NOW, seen)
    ]

    def of(outcome: str) -> list[int]:
        return [age for each, age in newest_first if each == outcome]

    assert [age for outcome, age in kept if outcome == "completed"] == of("completed")[:completed]
    assert [age for outcome, age in kept if outcome == "failed"] == [
        age for age in of("failed") if age <= days
    ]
    assert [age for outcome, age in kept if outcome == "cancelled"] == of("cancelled")


def test_both_bounds_hold_where_both_are_given() -> None:
    rule = Keep(completed=(2, "1d")).rule
    assert rule == Rule(completed_for=86_400_000_000, completed_last=2)
    seen: Counter[str] = Counter()
    assert not may_go(rule, "completed", NOW, NOW, seen)
    assert may_go(rule, "completed", NOW - timedelta(days=2), NOW, seen)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "keep"),
        ({"completed": -1}, "completed"),
        ({"completed": True}, "completed"),
        ({"completed": 1_000_001}, "completed"),
        ({"failed": "10"}, "failed"),
        ({"failed": "1s"}, "failed"),
        ({"failed": (1, 2)}, "failed"),
        ({"failed": ("1d", "2d")}, "failed"),
        ({"completed": 1.5}, "completed"),
        ({"completed": object()}, "completed"),
        ({"failed": {"30d": 5}}, "failed"),
        ({"failed": {100, "30d"}}, "failed"),
        ({"completed": []}, "completed"),
        ({"completed": ()}, "completed"),
        ({"completed": (1.5,)}, "completed"),
        ({"completed": (None, 5)}, "completed"),
        ({"failed": b"30d"}, "failed"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_field(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Keep(**fields)
    assert refused.value.field == field


@pytest.mark.parametrize("text", ["100", "30d", "100,30d"])
def test_what_is_kept_is_written_as_it_is_read(text: str) -> None:
    rule = Keep(failed=parse_kept("failed", text)).rule
    assert kept_text(rule.failed_for, rule.failed_last) == text


def test_a_subject_is_a_task_a_queue_or_a_schedule() -> None:
    assert parse_subject("schedule/nightly") == Subject("schedule", "nightly")
    for wrong in ("send", "job/send", "task/"):
        with pytest.raises(InvalidInput):
            parse_subject(wrong)
