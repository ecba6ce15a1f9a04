"""Reports, for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from onbeat.app.facts.health import SHARES, counts_data, in_seconds
from onbeat.app.facts.moments import absolute
from onbeat.app.facts.objectives import budget_data, standing_data
from onbeat.domain.failures import FailureGroup, Failures
from onbeat.domain.health import Tally
from onbeat.domain.reports import Compared, Point, Report


def report_data(report: Report, *, with_errors: bool) -> dict[str, Any]:
    """A report; what errors say only `with_errors`."""
    return {
        "kind": report.kind,
        "made_at": absolute(report.made_at),
        "since": absolute(report.span.since),
        "until": absolute(report.span.until),
        "before_since": absolute(report.span.before),
        "folded_to": absolute(report.folded_to),
        "total": compared_data(report.whole),
        "rows": [compared_data(each) for each in report.rows],
        "is_cut": report.is_cut,
        "untimed": report.untimed,
        "step_s": report.span.step.total_seconds(),
        "points": [point_data(each) for each in report.points],
        "slowest": [each.name for each in report.slowest],
        "worst": [each.name for each in report.worst],
        "failures": failures_data(report.failures, with_errors=with_errors),
        "objectives": [budget_data(each) for each in report.budgets],
    }


def compared_data(row: Compared) -> dict[str, Any]:
    """What came of jobs, and how that differs from before."""
    trend = row.trend
    return {
        "name": row.name,
        **figures_data(row.now),
        "attempts_per_job": _short(row.attempts_per_job),
        "before": figures_data(row.before),
        "trend": {
            "rate_points": _short(trend.rate_points),
            "p95_ratio": _short(trend.p95_ratio),
            "volume_ratio": _short(trend.volume_ratio),
        },
    }


def figures_data(tally: Tally) -> dict[str, Any]:
    """What came of jobs, and how long runs took."""
    return counts_data(tally) | {
        name: in_seconds(tally.took.quantile(share)) for name, share in SHARES.items()
    }


def point_data(point: Point) -> dict[str, Any]:
    """A step of the window."""
    return {"at": absolute(point.at), **figures_data(point.tally)}


def failures_data(failures: Failures, *, with_errors: bool) -> dict[str, Any]:
    """What failed, by fingerprint."""
    return {
        "looked_at": failures.looked_at,
        "oldest_at": absolute(failures.oldest_at),
        "is_exact": failures.is_exact,
        "groups": [group_data(each, with_errors=with_errors) for each in failures.groups],
        "untold": failures.untold,
    }


def group_data(group: FailureGroup, *, with_errors: bool) -> dict[str, Any]:
    """Failures that are the same; what they say often holds arguments."""
    return {
        "fingerprint": group.fingerprint.id,
        "type": group.fingerprint.type,
        "place": group.fingerprint.place,
        "message": group.fingerprint.message if with_errors else None,
        "number": group.number,
        "final": group.final,
        "tasks": dict(group.tasks),
        "first_at": absolute(group.first_at),
        "last_at": absolute(group.last_at),
        "example": group.example,
        "text": group.text if with_errors else None,
    }


FIGURES = ("completed", "failed", "cancelled", "attempts", "success_rate", *SHARES)
TRENDS = ("rate_points", "p95_ratio", "volume_ratio")
BUDGET = ("target", "is_default", "allowed", "failed", "left", "burn_rate_1h", "burn_rate_6h")


def report_rows(report: Report) -> Iterator[Sequence[Any]]:
    """The same as a table for spreadsheets: a line for all jobs, and for each task, schedule or
    queue; the first names the columns. Failures and points are no part of it.
    """
    yield ("kind", "name", *FIGURES, "attempts_per_job", *(f"before_{each}" for each in FIGURES),
           *TRENDS, *(f"objective_{each}" for each in BUDGET))  # fmt: skip
    budgets = {each.name: standing_data(each) for each in report.budgets}
    yield _line("all", compared_data(report.whole), {})
    for row in report.rows:
        yield _line(report.kind, compared_data(row), budgets.get(row.name or "", {}))


def _line(kind: str, row: dict[str, Any], budget: dict[str, Any]) -> Sequence[Any]:
    return (
        kind, row["name"], *(row[each] for each in FIGURES), row["attempts_per_job"],
        *(row["before"][each] for each in FIGURES), *(row["trend"][each] for each in TRENDS),
        *(budget.get(each) for each in BUDGET),
    )  # fmt: skip


def _short(number: float | None) -> float | None:
    return None if number is None else round(number, 4)
