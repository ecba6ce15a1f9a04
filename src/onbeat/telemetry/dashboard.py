"""A dashboard for Grafana, over the metrics that `/metrics` tells.

It names no data source and no id of its own, so that it can be imported anywhere; form: Grafana's
dashboard JSON model, schemaVersion 39 (Grafana 11 and later bring it up to their own).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from onbeat.domain.health import Kind
from onbeat.domain.processes import SCHEDULER
from onbeat.domain.states import State
from onbeat.telemetry.metrics import (
    ANSWERS,
    ANSWERS_BYTES,
    ATTEMPT_SECONDS,
    ATTEMPTS,
    BUILD,
    CHANNEL_OFF,
    CYCLE_MEAN,
    CYCLE_SECONDS,
    CYCLES,
    DELETED,
    DEPENDENCY_UP,
    ENQUEUED,
    FARES,
    FIRES,
    FOLDED_TO,
    HEARTBEAT_AGE,
    HTTP_SECONDS,
    INCIDENTS,
    LATENESS,
    NEXT_FIRE,
    NOTICES,
    NOTIFICATIONS,
    OUTBOUND,
    OUTBOUND_SECONDS,
    OVERDUE,
    POOL,
    QUERY_SECONDS,
    QUEUE_AGE,
    QUEUE_JOBS,
    QUEUE_NEEDS,
    QUEUE_PAUSED,
    REDIS_UP,
    SERVICES,
    SLOTS,
    SOURCE_BEHIND,
    SOURCE_MESSAGES,
    SOURCE_UP,
    SOURCE_WAITING,
    TICK_SECONDS,
    WAIT,
    WORKERS,
    WS_CLIENTS,
    Metric,
)
from onbeat.telemetry.queries import increase, largest, quantile, quantile_of_all, rate, rate_of_all

SCHEMA_VERSION = 39
UID = "onbeat"
"""The same each time: importing it again replaces it."""

COLUMNS = 24
"""Grafana's grid is so wide."""

HEIGHT = 8
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
FLEET = 'job="$job"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One picture, `width` columns wide."""

    title: str
    queries: Sequence[tuple[str, str]]
    """Each with what its lines are called."""
    unit: str = "short"
    kind: str = "timeseries"
    width: int = 8
    about: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Panels under a heading."""

    title: str
    panels: Sequence[Panel]


TASKS, SCHEDULES = FARES[Kind.TASK], FARES[Kind.SCHEDULE]
OF_QUEUE = f'{FLEET},queue=~"$queue"'
OF_TASK = f'{FLEET},task=~"$task"'


def sections() -> tuple[Section, ...]:
    """All that is shown."""
    return (
        Section("Overview", _overview()),
        Section("Incidents", _of_incidents()),
        Section("Queues", _of_queues()),
        Section("Tasks", _of_tasks()),
        Section("Schedules", _of_schedules()),
        Section("Workers and schedulers", _of_processes()),
        Section("Sources", _of_sources()),
        Section("Answers of the API", _of_answers()),
        Section("Database", _of_the_database()),
    )


def _overview() -> tuple[Panel, ...]:
    failed = increase(TASKS.finished, "1h", where=f'{FLEET},outcome="{State.FAILED}"')
    counted = f'{FLEET},outcome=~"{State.COMPLETED}|{State.FAILED}"'
    completed = increase(TASKS.finished, "1h", where=f'{FLEET},outcome="{State.COMPLETED}"')
    schedulers = largest(SERVICES, where=f'{FLEET},service="{SCHEDULER}",status="running"')
    return (
        _figure("Success in the last hour", "percentunit",
                f"{completed} / {increase(TASKS.finished, '1h', where=counted)}"),
        _figure("Failed in the last hour", "short", failed),
        _figure("Longest wait", "s", f"max by (job) ({QUEUE_AGE}{{{FLEET}}})"),
        _figure("Overdue", "s", largest(OVERDUE, where=FLEET)),
        _figure("Schedulers at work", "short", f"{schedulers} or vector(0)"),
        _figure("Counted up to", "s", f"time() - {largest(FOLDED_TO, where=FLEET)}"),
    )  # fmt: skip


def _of_incidents() -> tuple[Panel, ...]:
    return (
        _lines("Incidents", INCIDENTS, "severity", where=FLEET),
        _lines("Notices that wait", NOTICES, "channel", where=FLEET),
        _lines("Channels that are off", CHANNEL_OFF, "channel", where=FLEET),
        Panel(
            title="Requests to the outside a second",
            unit="reqps",
            queries=[
                (
                    rate(OUTBOUND, "kind", "outcome", where=FLEET),
                    "{{kind}} {{outcome}}",
                )
            ],
        ),
        _quantiles("How long 95 % of them take", OUTBOUND_SECONDS, "kind", where=FLEET),
        _rate("Notices a second", NOTIFICATIONS, "channel_type", "result", where=FLEET),
    )


def _of_sources() -> tuple[Panel, ...]:
    return (
        _lines("Connected", SOURCE_UP, "source", where=FLEET),
        _lines("Messages that wait", SOURCE_WAITING, "source", where=FLEET),
        _lines("How long the first has waited", SOURCE_BEHIND, "source", where=FLEET, unit="s"),
        Panel(title="Messages a second", unit="ops", queries=[(
            rate(SOURCE_MESSAGES, "source", "outcome", where=FLEET), "{{source}} {{outcome}}",
        )]),
    )  # fmt: skip


def _of_queues() -> tuple[Panel, ...]:
    return (
        _lines("Jobs by state", QUEUE_JOBS, "queue", "state", where=OF_QUEUE),
        _lines("How long the next job has waited", QUEUE_AGE, "queue", where=OF_QUEUE, unit="s"),
        _lines("Workers", WORKERS, "queue", "draining", where=OF_QUEUE),
        _lines("Workers that it takes", QUEUE_NEEDS, "queue", where=OF_QUEUE),
        Panel(title="Ends a second", unit="ops", queries=[(
            rate(FARES[Kind.QUEUE].finished, "queue", "outcome", where=OF_QUEUE),
            "{{queue}} {{outcome}}",
        )]),
        _lines("Paused", QUEUE_PAUSED, "queue", where=OF_QUEUE),
        _quantiles("How long 95 % of the jobs waited at most", WAIT, "queue", where=OF_QUEUE),
    )  # fmt: skip


def _of_tasks() -> tuple[Panel, ...]:
    return (
        _rate("Enqueued a second", ENQUEUED, "task", "source", where=OF_TASK),
        Panel(title="Ends a second", unit="ops", queries=[(
            rate(TASKS.finished, "task", "outcome", where=OF_TASK), "{{task}} {{outcome}}",
        )]),
        Panel(title="Attempts a second", unit="ops", queries=[(
            rate(TASKS.attempts, "task", where=OF_TASK), "{{task}}",
        )]),
        _lines("Failures in a row", TASKS.failures_in_row, "task", where=OF_TASK),
        _quantiles("How long 95 % of the attempts took at most", ATTEMPT_SECONDS, "task",
                   where=OF_TASK),
        _rate("What came of attempts, a second", ATTEMPTS, "task", "outcome", where=OF_TASK),
    )  # fmt: skip


def _of_schedules() -> tuple[Panel, ...]:
    last = largest(SCHEDULES.last_success, "schedule", where=FLEET)
    return (
        Panel(title="Ends in an hour", queries=[(
            increase(SCHEDULES.finished, "1h", "schedule", "outcome", where=FLEET),
            "{{schedule}} {{outcome}}",
        )]),
        _lines("Failures in a row", SCHEDULES.failures_in_row, "schedule", where=FLEET),
        Panel(title="Time since the last success", unit="s",
              queries=[(f"time() - ({last} > 0)", "{{schedule}}")]),
        Panel(title="Time to the next moment", unit="s", queries=[(
            f"{largest(NEXT_FIRE, 'schedule', where=FLEET)} - time()", "{{schedule}}",
        )], about=NEXT_FIRE.about),
        _quantiles("How late 95 % of the jobs were made at most", LATENESS, where=FLEET),
        _rate("What became of moments, a second", FIRES, "outcome", where=FLEET),
    )  # fmt: skip


def _of_processes() -> tuple[Panel, ...]:
    return (
        _lines("Slots", SLOTS, "kind", where=FLEET),
        _lines("Last heard", HEARTBEAT_AGE, "worker", where=FLEET, unit="s"),
        _lines("Services", SERVICES, "service", "status", where=FLEET),
        Panel(title="Cycles a second", unit="ops", queries=[(
            rate(CYCLES, "scheduler", "outcome", where=FLEET), "{{scheduler}} {{outcome}}",
        )]),
        _lines("Last cycle", CYCLE_SECONDS, "scheduler", where=FLEET, unit="s"),
        _lines("What processes depend on", DEPENDENCY_UP, "instance", "dependency", where=FLEET),
        _lines("Mean cycle", CYCLE_MEAN, "scheduler", where=FLEET, unit="s"),
        _quantiles("How long 95 % of the ticks took at most", TICK_SECONDS, where=FLEET),
        _rate("Taken off the record, a second", DELETED, "kind", where=FLEET),
        Panel(title="Versions", kind="table", queries=[(
            f"max by (version, python, engine, instance) ({BUILD}{{{FLEET}}})", "",
        )]),
    )  # fmt: skip


def _of_answers() -> tuple[Panel, ...]:
    return (
        Panel(title="Answers a second", unit="ops", queries=[(
            rate_of_all(ANSWERS, "answer", "source", where=FLEET), "{{answer}} {{source}}",
        )], about=ANSWERS.about),
        _lines("Kept", ANSWERS_BYTES, "instance", where=FLEET, unit="bytes"),
        _lines("Redis", REDIS_UP, "instance", where=FLEET),
        Panel(title="How long 95 % of the answers took at most", unit="s", queries=[(
            quantile_of_all(0.95, HTTP_SECONDS, "route", where=FLEET), "{{route}}",
        )], about=HTTP_SECONDS.about),
        _lines("Who follows live updates", WS_CLIENTS, "instance", where=FLEET),
    )  # fmt: skip


def _of_the_database() -> tuple[Panel, ...]:
    return (
        _quantiles("How long 95 % of the operations took at most", QUERY_SECONDS, "name",
                   where=FLEET),
        _lines("Connections of who answers", POOL, "instance", "state", where=FLEET),
    )  # fmt: skip


def _figure(title: str, unit: str, query: str) -> Panel:
    return Panel(title=title, unit=unit, kind="stat", width=4, queries=[(query, "")])


def _rate(title: str, metric: Metric, *by: str, where: str) -> Panel:
    called = " ".join(f"{{{{{label}}}}}" for label in by)
    queries = [(rate(metric, *by, where=where), called)]
    return Panel(title=title, unit="ops", queries=queries, about=metric.about)


def _quantiles(title: str, metric: Metric, *by: str, where: str) -> Panel:
    """What 95 % of a histogram's seconds do not exceed."""
    called = " ".join(f"{{{{{label}}}}}" for label in by)
    queries = [(quantile(0.95, metric, *by, where=where), called)]
    return Panel(title=title, unit="s", queries=queries, about=metric.about)


def _lines(title: str, metric: Metric, *by: str, where: str, unit: str = "short") -> Panel:
    called = " ".join(f"{{{{{label}}}}}" for label in by)
    query = largest(metric, *by, where=where)
    return Panel(title=title, unit=unit, queries=[(query, called)], about=metric.about)


def dashboard() -> dict[str, Any]:
    """The dashboard's JSON."""
    return {
        "id": None,
        "uid": UID,
        "title": "Onbeat",
        "tags": ["onbeat"],
        "timezone": "browser",
        "schemaVersion": SCHEMA_VERSION,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [*_variables()]},
        "annotations": {"list": []},
        "panels": [*_placed(sections())],
    }


def _variables() -> Iterator[dict[str, Any]]:
    yield {"name": "datasource", "label": "Data source", "type": "datasource",
           "query": "prometheus", "refresh": 1}  # fmt: skip
    yield _variable("job", "Fleet", f"label_values({BUILD}, job)", is_several=False)
    yield _variable("queue", "Queue", f"label_values({QUEUE_JOBS}{{{FLEET}}}, queue)")
    yield _variable("task", "Task", f"label_values({TASKS.finished}{{{FLEET}}}, task)")


def _variable(name: str, label: str, query: str, *, is_several: bool = True) -> dict[str, Any]:
    several = {"includeAll": True, "multi": True, "allValue": ".*"} if is_several else {}
    return {
        "name": name, "label": label, "type": "query", "datasource": SOURCE, "query": query,
        "refresh": 2, "sort": 1, **several,
    }  # fmt: skip


def _placed(shown: Iterable[Section]) -> Iterator[dict[str, Any]]:
    """Each panel at its place in the grid, row after row, each section under its heading."""
    number = y = 0
    for section in shown:
        number += 1
        yield {"id": number, "type": "row", "title": section.title, "collapsed": False,
               "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1}, "panels": []}  # fmt: skip
        x, y = 0, y + 1
        for panel in section.panels:
            number += 1
            if x + panel.width > COLUMNS:
                x, y = 0, y + HEIGHT
            yield _panel(panel, number, {"x": x, "y": y, "w": panel.width, "h": HEIGHT})
            x += panel.width
        y += HEIGHT


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    is_table = panel.kind == "table"
    targets = [
        {"refId": chr(ord("A") + place), "datasource": SOURCE, "expr": query,
         "legendFormat": called, "range": not is_table, "instant": is_table,
         "format": "table" if is_table else "time_series"}
        for place, (query, called) in enumerate(panel.queries)
    ]  # fmt: skip
    return {
        "id": number, "type": panel.kind, "title": panel.title, "description": panel.about,
        "gridPos": place, "datasource": SOURCE, "targets": targets,
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []}, "options": {},
    }  # fmt: skip
