"""Figures of jobs, for programs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from onbeat.app.facts.moments import absolute
from onbeat.domain.records import STATES, Standing
from onbeat.domain.states import FINAL_STATES, State
from onbeat.domain.stats import Figures, Stats


def stats_data(stats: Stats) -> dict[str, Any]:
    """All figures, and how far was looked."""
    return {
        "by": stats.by,
        "since": absolute(stats.since),
        "until": absolute(stats.until),
        "looked_at": stats.looked_at,
        "oldest_at": absolute(stats.oldest_at),
        "is_exact": stats.is_exact,
        "is_cut": stats.is_cut,
        "total": figures_data(stats, stats.total),
        "data": [figures_data(stats, each) for each in stats.groups],
    }


def figures_data(stats: Stats, figures: Figures) -> dict[str, Any]:
    """The figures of some jobs."""
    return {
        "name": figures.name,
        "states": {
            state: {"number": figures.states.get(state, 0), "is_exact": _is_exact(stats, state)}
            for state in State
        },
        "success_rate": figures.success_rate,
        "mean_s": _seconds(figures.mean),
        "p50_s": _seconds(figures.p50),
        "p95_s": _seconds(figures.p95),
    }


def _is_exact(stats: Stats, state: State) -> bool:
    return stats.is_exact if state in FINAL_STATES else state in stats.exact_states


def run_stats_data(stats: Stats) -> dict[str, Any]:
    """The same under the names that the history has."""
    return {
        "from": absolute(stats.since),
        "to": absolute(stats.until),
        "lookedAt": stats.looked_at,
        "isExact": stats.is_exact and len(stats.exact_states) == len(State) - len(FINAL_STATES),
        "isCut": stats.is_cut,
        "total": _run_figures(stats.total),
        "jobs": [{"jobName": each.name, **_run_figures(each)} for each in stats.groups],
    }


def _run_figures(figures: Figures) -> dict[str, Any]:
    counts: dict[str, int] = {
        standing: sum(figures.states.get(state, 0) for state in STATES[standing])
        for standing in Standing
    }
    return {
        **counts,
        "successRate": figures.success_rate,
        "averageDuration": _millis(figures.mean),
        "p50Duration": _millis(figures.p50),
        "p95Duration": _millis(figures.p95),
    }


def _seconds(duration: timedelta | None) -> float | None:
    return None if duration is None else duration.total_seconds()


def _millis(duration: timedelta | None) -> float | None:
    return None if duration is None else round(duration.total_seconds() * 1000, 3)
