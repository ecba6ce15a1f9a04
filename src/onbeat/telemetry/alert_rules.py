"""Rules of alerts for Prometheus, over the metrics that `/metrics` tells.

Thresholds are those of `Thresholds`, which say why. A rule that compares with nothing at all (no
scheduler, no figures) is written so that it fires where a series is missing too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from onbeat.domain.health import Kind
from onbeat.domain.processes import SCHEDULER
from onbeat.domain.states import State
from onbeat.telemetry.metrics import (
    BUILD,
    CYCLE_SECONDS,
    DEPENDENCY_UP,
    FARES,
    FOLDED_TO,
    LATENESS,
    OVERDUE,
    QUEUE_AGE,
    QUEUE_JOBS,
    QUEUE_PAUSED,
    SERVICES,
    WORKERS,
)
from onbeat.telemetry.queries import increase, largest, quantile

GROUP = "onbeat"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """From where on something is an alert."""

    queue_age: timedelta = timedelta(minutes=5)
    """How long a job may wait to be claimed."""
    failure_rate: float = 0.2
    """Share of a task's jobs of an hour that failed, where there were five or more."""
    failures_in_row: int = 3
    dead_letters: int = 10
    """Jobs of a queue that failed for good in an hour."""
    lateness: timedelta = timedelta(seconds=60)
    """How long after its moment one in a hundred jobs of schedules may be made."""
    cycle: timedelta = timedelta(milliseconds=800)
    """A schedule may be due every second: a cycle that takes longer than one is late for the next.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """One rule, as Prometheus evaluates it."""

    name: str
    expr: str
    lasting: str
    """For how long it must hold."""
    severity: str
    summary: str
    description: str


def alert_rules(limits: Thresholds | None = None) -> tuple[AlertRule, ...]:
    """All rules."""
    limits = limits or Thresholds()
    return (
        *_of_the_fleet(),
        *_of_schedulers(limits),
        *_of_queues(limits),
        *_of_jobs(limits),
    )


def _of_the_fleet() -> Iterator[AlertRule]:
    folded, failing = largest(FOLDED_TO), largest(SERVICES, "service", where='status="error"')
    yield AlertRule(
        name="OnbeatGivesNoFigures", expr=f"absent({BUILD})", lasting="2m", severity="critical",
        summary="Nobody answers /metrics",
        description="No process that serves it runs, or none reaches the database: without it "
        "each tells of itself alone. Ask /health of each what it lacks.",
    )  # fmt: skip
    yield AlertRule(
        name="OnbeatDependencyDown",
        expr=f"min by (job, instance, dependency) ({DEPENDENCY_UP}) == 0", lasting="5m",
        severity="warning",
        summary="{{ $labels.instance }} is without {{ $labels.dependency }}",
        description="Ask its /health. Without the database it does no work; without anything else "
        "it goes on, more slowly or for a while.",
    )  # fmt: skip
    yield AlertRule(
        name="OnbeatNoWatcher", expr=f"time() - ({folded} > 0) > 300", lasting="5m",
        severity="warning", summary="Ends of jobs have not been counted for {{ $value | "
        "humanizeDuration }}",
        description="No process runs the watcher, or the database is so slow or so held up by a "
        "long transaction that it cannot follow: figures of ends, and alerts on them, stand still.",
    )  # fmt: skip
    yield AlertRule(
        name="OnbeatServiceFails",
        expr=f"{failing} > 0", lasting="2m",
        severity="warning", summary="Service {{ $labels.service }} fails again and again",
        description="`onbeat services ls` has its last error; where several fail it is most often "
        "the database.",
    )  # fmt: skip


def _of_schedulers(limits: Thresholds) -> Iterator[AlertRule]:
    there = largest(BUILD)
    at_work = largest(SERVICES, where=f'service="{SCHEDULER}",status="running"')
    cycle = f"max by (job, scheduler) (avg_over_time({CYCLE_SECONDS}[5m]))"
    yield AlertRule(
        name="OnbeatNoScheduler", expr=f"{there} unless on (job) ({at_work} > 0)", lasting="1m",
        severity="critical", summary="No scheduler is at work",
        description="No schedule makes jobs, and jobs that are to run later wait. See "
        "`onbeat services ls`; start `onbeat scheduler`, or resume the one that is paused.",
    )  # fmt: skip
    yield AlertRule(
        name="OnbeatScheduleOverdue", expr=f"{largest(OVERDUE)} > 60", lasting="1m",
        severity="critical", summary="A schedule is due since {{ $value | humanizeDuration }}",
        description="Schedulers run and do not keep up, or none runs: `onbeat schedules ls`, "
        "`onbeat schedules why NAME`.",
    )  # fmt: skip
    late = quantile(0.99, LATENESS, window="15m")
    yield AlertRule(
        name="OnbeatSchedulesLate", expr=f"{late} > {limits.lateness.total_seconds():g}",
        lasting="5m", severity="warning",
        summary="Jobs of schedules are made {{ $value | humanizeDuration }} late",
        description="One in a hundred of the last 15 minutes, or more. After downtime that passes; "
        "else schedulers do not keep up: see how long their cycles take.",
    )  # fmt: skip
    yield AlertRule(
        name="OnbeatCycleNearLimit", expr=f"{cycle} > {limits.cycle.total_seconds():g}",
        lasting="5m", severity="warning",
        summary="A cycle of scheduler {{ $labels.scheduler }} takes {{ $value | "
        "humanizeDuration }}",
        description="Schedules may be due each second. Run a further scheduler, or see what makes "
        "the database slow.",
    )  # fmt: skip


def _of_queues(limits: Thresholds) -> Iterator[AlertRule]:
    age, most = largest(QUEUE_AGE, "queue"), limits.queue_age.total_seconds()
    paused = f"{largest(QUEUE_PAUSED, 'queue')} == 1"
    waiting = largest(QUEUE_JOBS, "queue", where=f'state="{State.PENDING}"')
    serving = largest(WORKERS, "queue", where='draining="false"')
    yield AlertRule(
        name="OnbeatQueueOld", expr=f"{age} > {most:g} unless on (job, queue) ({paused})",
        lasting="1m", severity="warning",
        summary="A job waits in queue {{ $labels.queue }} since {{ $value | humanizeDuration }}",
        description="Its workers are too few, too slow or stuck: `onbeat queues ls`, "
        "`onbeat jobs why JOB`.",
    )  # fmt: skip
    yield AlertRule(
        name="OnbeatQueueWithoutWorkers",
        expr=f"{waiting} > 0 unless on (job, queue) ({serving} > 0)", lasting="2m",
        severity="critical", summary="No worker serves queue {{ $labels.queue }}",
        description="{{ $value }} jobs wait there. Start `onbeat worker` with "
        "ONBEAT_QUEUES={{ $labels.queue }}.",
    )  # fmt: skip


def _of_jobs(limits: Thresholds) -> Iterator[AlertRule]:
    of_tasks, of_queues = FARES[Kind.TASK].finished, FARES[Kind.QUEUE].finished
    is_failed = f'outcome="{State.FAILED}"'
    counted = f'outcome=~"{State.COMPLETED}|{State.FAILED}"'
    failed = increase(of_tasks, "1h", "task", where=is_failed)
    ended = increase(of_tasks, "1h", "task", where=counted)
    yield AlertRule(
        name="OnbeatFailureRate",
        expr=f"{failed} / {ended} > {limits.failure_rate:g} and on (job, task) {ended} >= 5",
        lasting="5m", severity="warning",
        summary="{{ $value | humanizePercentage }} of the jobs of {{ $labels.task }} fail",
        description="Of those that ended in the last hour: "
        "`onbeat jobs ls --state failed --task {{ $labels.task }}`.",
    )  # fmt: skip
    for kind in (Kind.TASK, Kind.SCHEDULE):
        in_row = largest(FARES[kind].failures_in_row, kind)
        yield AlertRule(
            name=f"Onbeat{kind.title()}FailsInRow",
            expr=f"{in_row} >= {limits.failures_in_row}", lasting="0m", severity="warning",
            summary=f"{{{{ $value }}}} jobs in a row of {kind} {{{{ $labels.{kind} }}}} failed",
            description=f"`onbeat {kind}s health {{{{ $labels.{kind} }}}}`.",
        )  # fmt: skip
    grown = increase(of_queues, "1h", "queue", where=is_failed)
    yield AlertRule(
        name="OnbeatDeadLettersGrow", expr=f"{grown} > {limits.dead_letters}", lasting="5m",
        severity="warning",
        summary="{{ $value | humanize }} jobs of queue {{ $labels.queue }} failed for good in an "
        "hour",
        description="`onbeat jobs ls --state failed --queue {{ $labels.queue }}`; once the cause "
        "is gone, `onbeat jobs redrive --queue {{ $labels.queue }}` runs them again.",
    )  # fmt: skip


def rules_document(rules: tuple[AlertRule, ...]) -> dict[str, object]:
    """The file of rules, as Prometheus' configuration has it."""
    return {"groups": [{"name": GROUP, "rules": [_rule(each) for each in rules]}]}


def _rule(rule: AlertRule) -> dict[str, object]:
    return {
        "alert": rule.name,
        "expr": rule.expr,
        "for": rule.lasting,
        "labels": {"severity": rule.severity},
        "annotations": {"summary": rule.summary, "description": rule.description},
    }


def rules_yaml(rules: tuple[AlertRule, ...]) -> Iterator[str]:
    """The same, line by line, as YAML that people can read and change.

    Texts are written as JSON has them, which YAML 1.2 §1.3 takes as its own.
    """
    yield "groups:"
    yield f"  - name: {GROUP}"
    yield "    rules:"
    for each in rules:
        yield f"      - alert: {each.name}"
        yield f"        expr: {_quoted(each.expr)}"
        yield f"        for: {each.lasting}"
        yield f"        labels: {{severity: {each.severity}}}"
        yield "        annotations:"
        yield f"          summary: {_quoted(each.summary)}"
        yield f"          description: {_quoted(each.description)}"


def _quoted(text: str) -> str:
    return json.dumps(text)
