"""Breakers."""

from __future__ import annotations

from typing import Any

from onbeat.app.facts.moments import absolute
from onbeat.domain.breakers import BreakerStanding
from onbeat.domain.durations import format_duration
from onbeat.domain.jobs import kind_of_error


def breaker_data(breaker: BreakerStanding, *, with_args: bool = True) -> dict[str, Any]:
    """A breaker as JSON has it; what the error says that opened it, where arguments may be seen."""
    standing = breaker.standing
    return {
        "name": breaker.name,
        "state": breaker.state,
        "failures": standing.counted,
        "threshold": breaker.rule.threshold,
        "open_for": format_duration(breaker.rule.open_for),
        "probes": breaker.rule.probes,
        "opened_at": absolute(standing.opened_at),
        "open_until": absolute(standing.open_until),
        "reason": standing.reason if with_args else kind_of_error(standing.reason),
        "waiting": breaker.waiting,
        "changed_at": absolute(breaker.changed_at),
        "changed_by": breaker.changed_by,
    }
