"""The figures of a fleet in Prometheus' text format (and OpenMetrics').

All are read from the database, so one process tells of all, and it does not matter which is asked.
Names follow the conventions of https://prometheus.io/docs/practices/naming/: base units, `_total`
on counters alone. A label has at most as many values as are read, 500.
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)

from onbeat.domain.health import Health, Kind
from onbeat.domain.states import State
from onbeat.store.readings import Reading


class _Shown:
    """What a registry collects from."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = tuple(families)

    def collect(self) -> Iterator[Metric]:
        """Each family."""
        yield from self._families


def exposition(reading: Reading, version: str, accept: str = "") -> tuple[str, bytes]:
    """The content type and the text, in the format that `accept` asks for."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Shown(families(reading, version)))
    encoder, content_type = choose_encoder(accept)
    return content_type, encoder(registry)


def families(reading: Reading, version: str) -> Iterator[Metric]:
    """All that is told."""
    build = {"version": version, "python": platform.python_version(), "engine": reading.engine}
    yield InfoMetricFamily("onbeat_build", "What tells this.", build)
    yield from _of_queues(reading)
    yield from _of_workers(reading)
    yield from _of_services(reading)
    for kind in Kind:
        yield from _of_fares(kind, reading.fares[kind])
    yield _gauge(
        "onbeat_schedule_overdue_seconds",
        "For how long the first schedule that is due has been; 0 where none is.",
        _since(reading.at, reading.due_at),
    )
    yield _gauge(
        "onbeat_folded_to_timestamp_seconds",
        "Up to when ends are counted in onbeat_jobs_finished and its like; 0 where none are.",
        _moment(reading.folded_to),
    )


def _of_queues(reading: Reading) -> Iterator[Metric]:
    jobs = GaugeMetricFamily(
        "onbeat_queue_jobs", "Jobs in each state, counted up to 10,000.", labels=("queue", "state")
    )
    oldest = GaugeMetricFamily(
        "onbeat_queue_oldest_pending_age_seconds",
        "How long the job has waited that is next; 0 where none is pending.", labels=("queue",),
    )  # fmt: skip
    paused = GaugeMetricFamily("onbeat_queue_paused", "1 where it is paused.", labels=("queue",))
    for queue in reading.queues:
        counts = {
            State.PENDING: queue.pending, State.RUNNING: queue.running,
            State.SCHEDULED: queue.delayed,
        }  # fmt: skip
        for state, count in counts.items():
            jobs.add_metric((queue.name, state), count)
        oldest.add_metric((queue.name,), _since(reading.at, queue.oldest_at))
        paused.add_metric((queue.name,), float(queue.paused_at is not None))
    yield from (jobs, oldest, paused)


def _of_workers(reading: Reading) -> Iterator[Metric]:
    workers = GaugeMetricFamily(
        "onbeat_workers", "Workers that are heard of.", labels=("queue", "draining")
    )
    slots = GaugeMetricFamily(
        "onbeat_worker_slots", "Jobs that all workers could run, and do run.", labels=("kind",)
    )
    serving = Counter(
        (queue, str(each.draining).lower()) for each in reading.sessions for queue in each.queues
    )
    for labels, count in sorted(serving.items()):
        workers.add_metric(labels, count)
    slots.add_metric(("total",), sum(each.slots for each in reading.sessions))
    slots.add_metric(("busy",), sum(each.running for each in reading.sessions))
    yield from (workers, slots)


def _of_services(reading: Reading) -> Iterator[Metric]:
    services = GaugeMetricFamily(
        "onbeat_services", "Services of all processes.", labels=("service", "status")
    )
    counted = Counter((each.snapshot.id, each.snapshot.status.lower()) for each in reading.services)
    for labels, count in sorted(counted.items()):
        services.add_metric(labels, count)
    yield services


NAMES = {Kind.TASK: "jobs", Kind.QUEUE: "queue_jobs", Kind.SCHEDULE: "schedule_jobs"}
"""What counts of ended jobs go by."""


def _of_fares(kind: Kind, fares: Sequence[Health]) -> Iterator[Metric]:
    finished = CounterMetricFamily(
        f"onbeat_{NAMES[kind]}_finished", f"Jobs that ended, by {kind}.", labels=(kind, "outcome")
    )
    attempts = CounterMetricFamily(
        f"onbeat_{NAMES[kind]}_attempts", f"Attempts of these, by {kind}.", labels=(kind,)
    )
    in_row = GaugeMetricFamily(
        f"onbeat_{kind}_failures_in_row", "Jobs that failed since the last that completed.",
        labels=(kind,),
    )  # fmt: skip
    success = GaugeMetricFamily(
        f"onbeat_{kind}_last_success_timestamp_seconds",
        "When a job last completed; 0 where none has.", labels=(kind,),
    )  # fmt: skip
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


def _gauge(name: str, told: str, value: float) -> Metric:
    return GaugeMetricFamily(name, told, value=value)


def _since(now: datetime, moment: datetime | None) -> float:
    return 0.0 if moment is None else max(0.0, (now - moment).total_seconds())


def _moment(moment: datetime | None) -> float:
    return 0.0 if moment is None else moment.timestamp()
