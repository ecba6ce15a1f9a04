"""docs/reference/metrics.md, from the definitions that `/metrics` is written by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from onbeat.telemetry import metrics as defined
from onbeat.telemetry.metrics import FARES, Metric
from tests.docs.reference.rows import code, table

OF_A_PROCESS = "onbeat_process_"


def all_metrics() -> list[Metric]:
    """Every metric that is defined, by name."""
    single = [each for each in vars(defined).values() if isinstance(each, Metric)]
    of_ends = [
        metric
        for fares in FARES.values()
        for metric in (fares.finished, fares.attempts, fares.failures_in_row, fares.last_success)
    ]
    return sorted([*single, *of_ends], key=str)


def metrics() -> Iterator[str]:
    """The page."""
    yield "# Metrics"
    yield ""
    yield (
        "What `GET /metrics` tells, in its own words. How each is counted, and what it costs: "
        "[Health](../health.md#metrics). A dashboard and rules of alerts over them: "
        "[Telemetry](../telemetry.md#dashboard-and-alerts). Of a histogram there are `_sum` and "
        "`_count` beside `_bucket`."
    )
    yield ""
    yield from _told(each for each in all_metrics() if not each.family.startswith(OF_A_PROCESS))
    yield "## Of one process"
    yield ""
    yield "On its [probe port](../operations.md#probes), where it serves no API."
    yield ""
    yield from _told(each for each in all_metrics() if each.family.startswith(OF_A_PROCESS))


def _told(metrics: Iterable[Metric]) -> Iterator[str]:
    return table(
        "metric", "kind", "labels", "means",
        rows=(
            (code(str(each)), str(each.kind), ", ".join(each.labels), each.about)
            for each in metrics
        ),
    )  # fmt: skip
