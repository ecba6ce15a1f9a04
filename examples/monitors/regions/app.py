"""All of the application: `onbeat worker --app examples.monitors.regions.app:ob`."""

from __future__ import annotations

from datetime import timedelta

from examples.monitors.regions.checks import ob
from examples.monitors.regions.dispatching import BUDGET, dispatch
from onbeat.domain.incidents import Kind, Severity
from onbeat.domain.rules import Condition, Limits, Rule, Selector

__all__ = ["RULES", "dispatch", "ob"]

OF_CYCLES = Selector(tasks=(dispatch.name,))
RULES = (
    Rule(
        name="cycle-fails", condition=Condition.IN_A_ROW, kind=Kind.TASK,
        severity=Severity.CRITICAL, limits=Limits(times=3), selector=OF_CYCLES,
    ),
    Rule(
        name="cycle-near-limit", condition=Condition.SLOW, kind=Kind.TASK,
        severity=Severity.WARNING, selector=OF_CYCLES,
        limits=Limits(longer_than=BUDGET * 3 / 4, least=3, window=timedelta(hours=1)),
    ),
)  # fmt: skip
"""What people are told of: cycles that fail one after the other, or take nearly all their time."""
