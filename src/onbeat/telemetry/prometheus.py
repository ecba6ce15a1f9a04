"""The figures of a fleet in Prometheus' text format (and OpenMetrics').

All but what the process that is asked tells of itself (`own`) is read from the database: one
process tells of all, and it does not matter which.
Their names are in `metrics`. A label has at most as many values as are read, 500.
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import InfoMetricFamily
from prometheus_client.metrics_core import Metric as Family

from onbeat.app.sources import seen_sources
from onbeat.domain.health import Health, Kind
from onbeat.domain.incidents import Severity
from onbeat.domain.processes import SCHEDULER, SHORT_DIGITS
from onbeat.domain.requests import BOUNDS, RequestOutcome, Requests, by_kind
from onbeat.domain.sources.listening import Reception
from onbeat.domain.states import State
from onbeat.store.readings import MOST, Reading
from onbeat.telemetry.metrics import (
    BUILD,
    CHANNEL_OFF,
    CYCLE_MEAN,
    CYCLE_SECONDS,
    CYCLES,
    FARES,
    FOLDED_TO,
    HEARTBEAT_AGE,
    INCIDENTS,
    NEXT_FIRE,
    NOTICES,
    OUTBOUND,
    OUTBOUND_SECONDS,
    OVERDUE,
    QUEUE_AGE,
    QUEUE_JOBS,
    QUEUE_LIMIT,
    QUEUE_NEEDS,
    QUEUE_PAUSED,
    SERVICES,
    SLOTS,
    SOURCE_BEHIND,
    SOURCE_MESSAGES,
    SOURCE_UP,
    SOURCE_WAITING,
    WORKERS,
)
from onbeat.telemetry.own import Own, of_process
from onbeat.telemetry.samples import family, histogram, single, steps
from onbeat.telemetry.sums import of_sums, posted


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
    own: Own,
) -> tuple[str, bytes]:
    """The content type and the text, in the format that `accept` asks for; with what the process
    that is asked tells of itself. Without a reading that alone.
    """
    registry = CollectorRegistry(auto_describe=False)
    read = () if reading is None else families(reading, version)
    registry.register(Shown((*read, *of_process(own))))
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
    yield from of_sums(reading.sums)
    yield from _of_sources(reading)
    for kind in Kind:
        yield from _of_fares(kind, reading.fares[kind])
    coming = family(NEXT_FIRE)
    for name, moment in reading.next_due.items():
        coming.add_metric((name,), moment.timestamp())
    yield coming
    yield single(OVERDUE, _since(reading.at, reading.due_at))
    yield single(FOLDED_TO, _moment(reading.folded_to))


def _of_queues(reading: Reading) -> Iterator[Family]:
    jobs, oldest, paused = family(QUEUE_JOBS), family(QUEUE_AGE), family(QUEUE_PAUSED)
    for queue in reading.queues:
        counts = {
            State.PENDING: queue.pending, State.RUNNING: queue.running,
            State.SCHEDULED: queue.delayed,
        }  # fmt: skip
        for state, count in counts.items():
            jobs.add_metric((queue.name, state), count)
        oldest.add_metric((queue.name,), _since(reading.at, queue.oldest_at))
        paused.add_metric((queue.name,), float(queue.paused_at is not None))
    limits = family(QUEUE_LIMIT)
    for name, limit in reading.queue_limits.items():
        limits.add_metric((name,), limit)
    needs = family(QUEUE_NEEDS)
    for load in reading.loads:
        needs.add_metric((load.queue.name,), load.needed_workers)
    yield from (jobs, oldest, paused, limits, needs)


def _of_incidents(reading: Reading) -> Iterator[Family]:
    incidents, off, waiting = family(INCIDENTS), family(CHANNEL_OFF), family(NOTICES)
    for severity in Severity:
        incidents.add_metric((severity,), reading.incidents.get(severity, 0))
    for channel in reading.channels:
        off.add_metric((channel.name,), float(not channel.enabled))
        waiting.add_metric((channel.name,), reading.waiting.get(channel.id, 0))
    yield from (incidents, off, waiting)


def _of_workers(reading: Reading) -> Iterator[Family]:
    workers, slots = family(WORKERS), family(SLOTS)
    serving = Counter(
        (queue, str(each.draining).lower()) for each in reading.sessions for queue in each.queues
    )
    for labels, count in sorted(serving.items()):
        workers.add_metric(labels, count)
    slots.add_metric(("total",), sum(each.slots for each in reading.sessions))
    slots.add_metric(("busy",), sum(each.running for each in reading.sessions))
    heard = family(HEARTBEAT_AGE)
    for each in reading.sessions[:MOST]:
        heard.add_metric((each.id[-SHORT_DIGITS:],), _since(reading.at, each.heartbeat_at))
    yield from (workers, slots, heard)


def _of_services(reading: Reading) -> Iterator[Family]:
    services = family(SERVICES)
    counted = Counter((each.snapshot.id, each.snapshot.status.lower()) for each in reading.services)
    for labels, count in sorted(counted.items()):
        services.add_metric(labels, count)
    yield services


def _of_schedulers(reading: Reading) -> Iterator[Family]:
    cycles, last, mean = family(CYCLES), family(CYCLE_SECONDS), family(CYCLE_MEAN)
    for each in reading.services:
        if each.snapshot.id != SCHEDULER:
            continue
        scheduler, seen = each.process.short, each.snapshot
        cycles.add_metric((scheduler, "success"), seen.successes)
        cycles.add_metric((scheduler, "failure"), seen.failures)
        for told, took in ((last, seen.last_duration), (mean, seen.mean_duration)):
            if took is not None:
                told.add_metric((scheduler,), took.total_seconds())
    yield from (cycles, last, mean)


def _of_requests(reading: Reading) -> Iterator[Family]:
    counts = family(OUTBOUND)
    took = histogram(OUTBOUND_SECONDS)
    made: dict[str, list[Requests]] = {}
    for seen in reading.services:
        made.setdefault(seen.process.short, []).extend(seen.snapshot.requests)
    for process, requests in sorted(made.items()):
        for each in by_kind(requests):
            for outcome in RequestOutcome:
                counts.add_metric((process, each.kind, outcome), each.count(outcome))
            took.add_metric((process, each.kind), steps(BOUNDS, each.within), each.seconds)
    yield from (counts, took)


def _of_sources(reading: Reading) -> Iterator[Family]:
    connected, waiting = family(SOURCE_UP), family(SOURCE_WAITING)
    behind, messages = family(SOURCE_BEHIND), family(SOURCE_MESSAGES)
    for each in seen_sources(reading.services):
        label, heard = (each.name,), each.listening
        connected.add_metric(label, float(heard is not None and heard.is_connected))
        if heard is not None:
            waiting.add_metric(label, heard.waiting)
            behind.add_metric(label, heard.behind.total_seconds())
            for outcome in Reception:
                count = getattr(heard, outcome)
                messages.add_metric((each.process or "", each.name, outcome), count)
    for (source, came), count in posted(reading.sums).items():
        messages.add_metric(("", source, came), count)
    yield from (connected, waiting, behind, messages)


def _of_fares(kind: Kind, fares: Sequence[Health]) -> Iterator[Family]:
    named = FARES[kind]
    finished, attempts = family(named.finished), family(named.attempts)
    in_row, success = family(named.failures_in_row), family(named.last_success)
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


def _since(now: datetime, moment: datetime | None) -> float:
    return 0.0 if moment is None else max(0.0, (now - moment).total_seconds())


def _moment(moment: datetime | None) -> float:
    return 0.0 if moment is None else moment.timestamp()
