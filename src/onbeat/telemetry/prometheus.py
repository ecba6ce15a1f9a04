"""The figures of a fleet in Prometheus' text format (and OpenMetrics').

All but those of answers and of dependencies are read from the database: one process tells of all,
and it does not matter which is asked.
Their names are in `metrics`. A label has at most as many values as are read, 500.
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.utils import floatToGoString

from onbeat.domain.health import Health, Kind
from onbeat.domain.incidents import Severity
from onbeat.domain.keeping import Figures
from onbeat.domain.processes import SCHEDULER
from onbeat.domain.requests import BOUNDS, RequestOutcome, Requests, by_kind
from onbeat.domain.states import State
from onbeat.store.readings import Reading
from onbeat.telemetry.metrics import (
    ANSWERS,
    ANSWERS_BYTES,
    BUILD,
    CHANNEL_OFF,
    CYCLE_MEAN,
    CYCLE_SECONDS,
    CYCLES,
    DEPENDENCY_UP,
    FARES,
    FOLDED_TO,
    INCIDENTS,
    NOTICES,
    OUTBOUND,
    OUTBOUND_SECONDS,
    OVERDUE,
    QUEUE_AGE,
    QUEUE_JOBS,
    QUEUE_NEEDS,
    QUEUE_PAUSED,
    REDIS_UP,
    SERVICES,
    SLOTS,
    WORKERS,
    Metric,
    MetricKind,
)


class Shown:
    """What a registry collects from."""

    def __init__(self, families: Iterable[Family]) -> None:
        self._families = tuple(families)

    def collect(self) -> Iterator[Family]:
        """Each family."""
        yield from self._families


def exposition(
    reading: Reading | None,
    version: str,
    accept: str = "",
    *,
    kept: Figures,
    up: Mapping[str, bool],
) -> tuple[str, bytes]:
    """The content type and the text, in the format that `accept` asks for; with what the process
    that is asked keeps, and whether what it depends on is up. Without a reading that alone.
    """
    registry = CollectorRegistry(auto_describe=False)
    read = () if reading is None else families(reading, version)
    registry.register(Shown((*read, *_of_answers(kept), _of_dependencies(up))))
    encoder, content_type = choose_encoder(accept)
    return content_type, encoder(registry)


def families(reading: Reading, version: str) -> Iterator[Family]:
    """All that is told."""
    build = {"version": version, "python": platform.python_version(), "engine": reading.engine}
    yield InfoMetricFamily(BUILD.family, BUILD.about, build)
    yield from _of_queues(reading)
    yield from _of_incidents(reading)
    yield from _of_workers(reading)
    yield from _of_services(reading)
    yield from _of_schedulers(reading)
    yield from _of_requests(reading)
    for kind in Kind:
        yield from _of_fares(kind, reading.fares[kind])
    yield single(OVERDUE, _since(reading.at, reading.due_at))
    yield single(FOLDED_TO, _moment(reading.folded_to))


def _of_queues(reading: Reading) -> Iterator[Family]:
    jobs, oldest, paused = family_of(QUEUE_JOBS), family_of(QUEUE_AGE), family_of(QUEUE_PAUSED)
    for queue in reading.queues:
        counts = {
            State.PENDING: queue.pending, State.RUNNING: queue.running,
            State.SCHEDULED: queue.delayed,
        }  # fmt: skip
        for state, count in counts.items():
            jobs.add_metric((queue.name, state), count)
        oldest.add_metric((queue.name,), _since(reading.at, queue.oldest_at))
        paused.add_metric((queue.name,), float(queue.paused_at is not None))
    needs = family_of(QUEUE_NEEDS)
    for load in reading.loads:
        needs.add_metric((load.queue.name,), load.needed_workers)
    yield from (jobs, oldest, paused, needs)


def _of_incidents(reading: Reading) -> Iterator[Family]:
    incidents, off, waiting = family_of(INCIDENTS), family_of(CHANNEL_OFF), family_of(NOTICES)
    for severity in Severity:
        incidents.add_metric((severity,), reading.incidents.get(severity, 0))
    for channel in reading.channels:
        off.add_metric((channel.name,), float(not channel.enabled))
        waiting.add_metric((channel.name,), reading.waiting.get(channel.id, 0))
    yield from (incidents, off, waiting)


def _of_workers(reading: Reading) -> Iterator[Family]:
    workers, slots = family_of(WORKERS), family_of(SLOTS)
    serving = Counter(
        (queue, str(each.draining).lower()) for each in reading.sessions for queue in each.queues
    )
    for labels, count in sorted(serving.items()):
        workers.add_metric(labels, count)
    slots.add_metric(("total",), sum(each.slots for each in reading.sessions))
    slots.add_metric(("busy",), sum(each.running for each in reading.sessions))
    yield from (workers, slots)


def _of_services(reading: Reading) -> Iterator[Family]:
    services = family_of(SERVICES)
    counted = Counter((each.snapshot.id, each.snapshot.status.lower()) for each in reading.services)
    for labels, count in sorted(counted.items()):
        services.add_metric(labels, count)
    yield services


def _of_schedulers(reading: Reading) -> Iterator[Family]:
    cycles, last, mean = family_of(CYCLES), family_of(CYCLE_SECONDS), family_of(CYCLE_MEAN)
    for each in reading.services:
        if each.snapshot.id != SCHEDULER:
            continue
        scheduler, seen = each.process.short, each.snapshot
        cycles.add_metric((scheduler, "success"), seen.successes)
        cycles.add_metric((scheduler, "failure"), seen.failures)
        for family, took in ((last, seen.last_duration), (mean, seen.mean_duration)):
            if took is not None:
                family.add_metric((scheduler,), took.total_seconds())
    yield from (cycles, last, mean)


def _of_requests(reading: Reading) -> Iterator[Family]:
    counts = family_of(OUTBOUND)
    took = HistogramMetricFamily(
        OUTBOUND_SECONDS.family, OUTBOUND_SECONDS.about, labels=OUTBOUND_SECONDS.labels
    )
    made: dict[str, list[Requests]] = {}
    for seen in reading.services:
        made.setdefault(seen.process.short, []).extend(seen.snapshot.requests)
    for process, requests in sorted(made.items()):
        for each in by_kind(requests):
            for outcome in RequestOutcome:
                counts.add_metric((process, each.kind, outcome), each.count(outcome))
            bounds = [*map(floatToGoString, BOUNDS), "+Inf"]
            buckets = list(zip(bounds, accumulate(each.within), strict=False))
            took.add_metric((process, each.kind), buckets, each.seconds)
    yield from (counts, took)


def _of_answers(kept: Figures) -> Iterator[Family]:
    answers = family_of(ANSWERS)
    for (name, place), count in kept.answers.items():
        answers.add_metric((name, place), count)
    yield answers
    yield single(ANSWERS_BYTES, kept.bytes)
    if kept.is_redis_up is not None:
        yield single(REDIS_UP, float(kept.is_redis_up))


def _of_dependencies(up: Mapping[str, bool]) -> Family:
    told = family_of(DEPENDENCY_UP)
    for name, is_up in sorted(up.items()):
        told.add_metric((name,), float(is_up))
    return told


def _of_fares(kind: Kind, fares: Sequence[Health]) -> Iterator[Family]:
    named = FARES[kind]
    finished, attempts = family_of(named.finished), family_of(named.attempts)
    in_row, success = family_of(named.failures_in_row), family_of(named.last_success)
    for each in fares:
        name, ever = each.name or "", each.ever
        outcomes = {
            State.COMPLETED: ever.completed, State.FAILED: ever.failed,
            State.CANCELLED: ever.cancelled,
        }  # fmt: skip
        for outcome, count in outcomes.items():
            finished.add_metric((name, outcome), count)
        attempts.add_metric((name,), ever.attempts)
        in_row.add_metric((name,), ever.failed_since)
        success.add_metric((name,), _moment(ever.last_success_at))
    yield from (finished, attempts, in_row, success)


def family_of(metric: Metric) -> CounterMetricFamily | GaugeMetricFamily:
    """The family of a counter or a gauge, yet without samples."""
    kind = CounterMetricFamily if metric.kind is MetricKind.COUNTER else GaugeMetricFamily
    return kind(metric.family, metric.about, labels=metric.labels)


def single(metric: Metric, value: float) -> Family:
    """A gauge of one sample, without labels."""
    return GaugeMetricFamily(metric.family, metric.about, value=value)


def _since(now: datetime, moment: datetime | None) -> float:
    return 0.0 if moment is None else max(0.0, (now - moment).total_seconds())


def _moment(moment: datetime | None) -> float:
    return 0.0 if moment is None else moment.timestamp()
