"""How retention is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from onbeat.cli.output.tables import Cell, Column
from onbeat.cli.output.words import absolute
from onbeat.domain.retention import Rule, RuleState, kept_text

COLUMNS = (
    Column("SUBJECT", bends=True),
    Column("COMPLETED"),
    Column("FAILED"),
    Column("SET BY", bends=True),
)


def rule_data(state: RuleState) -> dict[str, Any]:
    """A rule as JSON has it."""
    return {
        "subject": str(state.subject),
        **_kept(state.rule),
        "declared": None if state.declared is None else _kept(state.declared),
        "by_hand": state.by_hand,
        "changed_at": absolute(state.changed_at),
        "changed_by": state.changed_by,
    }


def _kept(rule: Rule) -> dict[str, str | None]:
    return {
        "completed": kept_text(rule.completed_for, rule.completed_last),
        "failed": kept_text(rule.failed_for, rule.failed_last),
    }


def rows(states: Sequence[RuleState]) -> list[list[Cell]]:
    """A row for each rule."""
    return [
        [
            str(each.subject), *(kept or "as all" for kept in _kept(each.rule).values()),
            each.changed_by if each.by_hand else "code",
        ]
        for each in states
    ]  # fmt: skip


def told(state: RuleState) -> str:
    """One rule in a sentence."""
    said = [f"{kept} {name}" for name, kept in _kept(state.rule).items() if kept is not None]
    return f"of {state.subject} is kept: {'; '.join(said)}"
