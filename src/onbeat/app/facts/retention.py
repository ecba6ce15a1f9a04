"""For how long, and how many, are kept."""

from __future__ import annotations

from typing import Any

from onbeat.app.facts.moments import absolute
from onbeat.domain.retention import Rule, RuleState, kept_text


def rule_data(state: RuleState) -> dict[str, Any]:
    """A rule as JSON has it."""
    return {
        "subject": str(state.subject),
        **kept_data(state.rule),
        "declared": None if state.declared is None else kept_data(state.declared),
        "by_hand": state.by_hand,
        "changed_at": absolute(state.changed_at),
        "changed_by": state.changed_by,
    }


def kept_data(rule: Rule) -> dict[str, str | None]:
    """What a rule keeps, as JSON has it."""
    return {
        "completed": kept_text(rule.completed_for, rule.completed_last),
        "failed": kept_text(rule.failed_for, rule.failed_last),
    }
