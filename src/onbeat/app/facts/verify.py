"""What verifying the store found."""

from __future__ import annotations

from typing import Any

from onbeat.store.verify.laws import Report


def extent_data(report: Report, seconds: float) -> dict[str, Any]:
    """How much was read so far."""
    return {
        "jobs": report.jobs,
        "attempts": report.attempts,
        "occurrences": report.occurrences,
        "duration_s": round(seconds, 3),
    }


def report_data(report: Report, seconds: float) -> dict[str, Any]:
    """The report for programs."""
    return {
        "sound": not report.breaches,
        **extent_data(report, seconds),
        "breaches": [
            {"law": each.law, "id": each.subject, "wrong": each.law.wrong,
             "meaning": each.law.meaning, "detail": each.detail}
            for each in report.breaches
        ],
        "remarks": report.remarks,
    }  # fmt: skip
