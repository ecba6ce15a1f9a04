"""Objectives and what is left of their budgets, for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from onbeat.app.facts.moments import absolute
from onbeat.domain.durations import format_duration
from onbeat.domain.objectives import Budget, Whose


def budget_data(budget: Budget, warnings: Sequence[str] = ()) -> dict[str, Any]:
    """An objective, whose it is, what came of it, and what may not be meant by whose it is."""
    return {
        "subject": str(Whose(budget.kind, budget.name)),
        "kind": budget.kind,
        "name": budget.name,
        **standing_data(budget),
        "warnings": list(warnings),
    }


def standing_data(budget: Budget) -> dict[str, Any]:
    """An objective and what came of it."""
    return {
        **said_data(budget),
        "since": absolute(budget.since),
        "is_met": budget.is_met,
        "completed": budget.decided.completed,
        "failed": budget.decided.failed,
        "allowed": _short(budget.allowed),
        "left": _short(budget.left),
        "left_share": _short(budget.left_share),
        "burn_rate_1h": _short(budget.burn_rates[0]),
        "burn_rate_6h": _short(budget.burn_rates[1]),
    }


def said_data(budget: Budget) -> dict[str, Any]:
    """What was set."""
    said = budget.objective
    return {
        "target": said.target,
        "window": format_duration(said.window),
        "is_default": said.is_default,
        "changed_at": absolute(said.changed_at),
        "changed_by": said.changed_by,
    }


def _short(number: float | None) -> float | None:
    return None if number is None else round(number, 4)
