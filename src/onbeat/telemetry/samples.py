"""Families of samples, as prometheus_client has them, of metrics by our definitions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.utils import floatToGoString

from onbeat.telemetry.metrics import Metric, MetricKind


def family(metric: Metric) -> CounterMetricFamily | GaugeMetricFamily:
    """One without samples yet, of a counter or a gauge."""
    kind = CounterMetricFamily if metric.kind is MetricKind.COUNTER else GaugeMetricFamily
    return kind(metric.family, metric.about, labels=metric.labels)


def single(metric: Metric, value: float) -> Family:
    """That of a gauge without labels."""
    return GaugeMetricFamily(metric.family, metric.about, value=value)


def histogram(metric: Metric) -> HistogramMetricFamily:
    """One without samples yet."""
    return HistogramMetricFamily(metric.family, metric.about, labels=metric.labels)


def steps(bounds: Sequence[float], within: Sequence[int]) -> list[tuple[str, float]]:
    """How many lie up to each bound, the last of them infinite, of how many lie between two."""
    told = [*map(floatToGoString, bounds), "+Inf"]
    return list(zip(told, map(float, accumulate(within)), strict=True))
