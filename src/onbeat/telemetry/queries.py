"""How metrics are asked for in PromQL.

All processes tell the same figures but of answers, so that of several that are scraped the
largest is taken; a fleet is what has one `job` in the configuration of Prometheus.
"""

from __future__ import annotations

from onbeat.telemetry.metrics import Metric


def largest(metric: Metric, *by: str, where: str = "") -> str:
    """The metric, of each fleet and each value of `by`."""
    return f"max by ({_labels(by)}) ({selected(metric, where)})"


def increase(metric: Metric, window: str, *by: str, where: str = "") -> str:
    """By how much a counter grew in the `window`, of each fleet and each value of `by`."""
    grown = f"increase({selected(metric, where)}[{window}])"
    return total(f"max by ({_labels(metric.labels)}) ({grown})", *by)


def rate(metric: Metric, *by: str, where: str = "") -> str:
    """By how much a counter grows in a second, in the interval that a dashboard asks for."""
    grown = f"rate({selected(metric, where)}[$__rate_interval])"
    return total(f"max by ({_labels(metric.labels)}) ({grown})", *by)


def quantile(
    share: float, metric: Metric, *by: str, where: str = "", window: str = "$__rate_interval"
) -> str:
    """Below which value that `share` of a histogram is, in the interval of a dashboard or in the
    `window`.
    """
    grown = f"rate({selected(metric, where)}[{window}])"
    each = f"max by ({_labels((*metric.labels, 'le'))}) ({grown})"
    return f"histogram_quantile({share:g}, {total(each, *by, 'le')})"


def quantile_of_all(share: float, metric: Metric, *by: str, where: str = "") -> str:
    """The same of a histogram that each process has of its own."""
    return f"histogram_quantile({share:g}, {rate_of_all(metric, *by, 'le', where=where)})"


def rate_of_all(metric: Metric, *by: str, where: str = "") -> str:
    """As `rate`, of a counter that each process has of its own."""
    return total(f"rate({selected(metric, where)}[$__rate_interval])", *by)


def total(of: str, *by: str) -> str:
    """The sum over all that differs in other labels than `by`."""
    return f"sum by ({_labels(by)}) ({of})"


def selected(metric: Metric, where: str = "") -> str:
    """The metric's series that have those labels."""
    return f"{metric}{{{where}}}" if where else str(metric)


def _labels(by: tuple[str, ...]) -> str:
    return ", ".join(("job", *by))
