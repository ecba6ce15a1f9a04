"""Objectives, as they are given."""

from __future__ import annotations

from datetime import timedelta

import pytest

from onbeat.domain.errors import InvalidInput
from onbeat.domain.health import Kind
from onbeat.domain.objectives import Budget, Decided, Objective, parse_whose, read_objective
from tests.timing import START


@pytest.mark.parametrize(
    ("given", "target"),
    [("99.9%", 0.999), ("0.999", 0.999), (0.95, 0.95), (" 99 % ", 0.99), (".5", 0.5)],
)
def test_a_target_is_a_share_or_a_percentage(given: float | str, target: float) -> None:
    assert read_objective(given).target == target


@pytest.mark.parametrize("given", ["100%", "1", 1, "0.4", "99", "-1%", "much", "", True, "1e-1"])
def test_a_target_that_leaves_no_budget_or_is_none_is_refused(given: float | str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_objective(given)

    assert refused.value.field == "target"


@pytest.mark.parametrize("given", ["12h", "366d", "36h30m", "soon"])
def test_a_window_that_roll_ups_cannot_tell_is_refused(given: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_objective(0.99, given)

    assert refused.value.field == "window"


@pytest.mark.parametrize("given", ["send", "job/1", "task/", "/send", "task/a b", ""])
def test_whose_it_is_must_be_said(given: str) -> None:
    with pytest.raises(InvalidInput):
        parse_whose(given)


def test_a_name_may_have_slashes() -> None:
    assert parse_whose("schedule/a/b").name == "a/b"


def test_a_budget_of_no_jobs_is_met_and_has_no_share() -> None:
    budget = Budget(kind=Kind.TASK, name="send", objective=Objective(), since=START,
                    decided=Decided(), recent=(Decided(),))  # fmt: skip

    assert (budget.is_met, budget.left_share, budget.burn_rates) == (True, None, (None,))


def test_at_a_burn_rate_of_one_the_budget_is_just_used_up() -> None:
    objective = Objective(target=0.9, window=timedelta(days=1))
    decided = Decided(completed=90, failed=10)
    budget = Budget(kind=Kind.TASK, name="send", objective=objective, since=START, decided=decided,
                    recent=(decided,))  # fmt: skip

    assert (budget.left, budget.is_met) == (0, True)
    assert budget.burn_rates[0] == pytest.approx(1)
