"""What of tasks, schedules and queues is not as usual, for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from onbeat.app.facts.moments import absolute
from onbeat.domain.anomalies import Anomaly
from onbeat.domain.anomaly_texts import anomaly_text, forecast_text
from onbeat.domain.outlook import Forecast, Judged


def judged_data(judged: Judged) -> dict[str, Any]:
    """What is not as usual of one."""
    return {
        "kind": judged.subject.kind,
        "name": judged.name,
        "known_days": judged.days,
        "anomalies": [anomaly_data(each, judged.until) for each in judged.anomalies],
        "predictions": [forecast_data(each) for each in judged.forecasts],
    }


def anomaly_data(found: Anomaly, until: datetime) -> dict[str, Any]:
    """One measure that is not as usual."""
    return {
        "measure": found.measure,
        "is_more": found.is_more,
        "text": anomaly_text(found, until),
        "value": _rounded(found.value),
        "usual_low": _rounded(found.low),
        "usual_high": _rounded(found.high),
        "jobs": found.of,
        "since": absolute(found.since),
        "until": absolute(found.until),
        "score": _rounded(found.score),
    }


def forecast_data(found: Forecast) -> dict[str, Any]:
    """One measure that will reach a limit."""
    one = found.prediction
    return {
        "measure": found.measure,
        "text": forecast_text(found),
        "value": _rounded(one.value),
        "per_day": _rounded(one.slope * 24),
        "limit": _rounded(one.limit),
        "at": absolute(one.at),
        "earliest": absolute(one.earliest),
        "latest": absolute(one.latest),
    }


def _rounded(value: float) -> float:
    return float(f"{min(value, 1e9):.3g}")
