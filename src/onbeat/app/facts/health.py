"""How tasks, schedules and queues fare, for programs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from onbeat.app.facts.moments import absolute
from onbeat.app.facts.objectives import standing_data
from onbeat.domain.health import Health, HealthPage, Tally
from onbeat.domain.objectives import Budget

SHARES = {"p50_s": 0.5, "p95_s": 0.95, "p99_s": 0.99}


def health_data(health: Health, budget: Budget) -> dict[str, Any]:
    """How one fares, and what is left of what may fail."""
    return {
        "kind": health.subject.kind,
        "name": health.name,
        "last_success_at": absolute(health.ever.last_success_at),
        "last_failure_at": absolute(health.ever.last_failure_at),
        "failures_in_row": health.ever.failed_since,
        "successes_in_row": health.ever.completed_since,
        "ever": counts_data(health.ever),
        "objective": standing_data(budget),
        "window": counts_data(health.lately)
        | {name: in_seconds(health.lately.took.quantile(each)) for name, each in SHARES.items()},
    }


def counts_data(tally: Tally) -> dict[str, Any]:
    """What came of jobs."""
    return {
        "completed": tally.completed,
        "failed": tally.failed,
        "cancelled": tally.cancelled,
        "attempts": tally.attempts,
        "success_rate": tally.success_rate,
    }


def window_data(page: HealthPage) -> dict[str, Any]:
    """Of what window it is."""
    return {"since": absolute(page.since), "folded_to": absolute(page.folded_to)}


def in_seconds(duration: timedelta | None) -> float | None:
    """Seconds, of three digits."""
    return None if duration is None else float(f"{duration.total_seconds():.3g}")
