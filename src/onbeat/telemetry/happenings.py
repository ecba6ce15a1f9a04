"""Every event as a log line: its name, its level, its fields. One place, so that names are kept.

Names are event-first (`job.failed`), durations say their unit, and arguments of jobs are never in
a line.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, assert_never

from onbeat.domain.events import (
    AckRefused,
    AcksDelayed,
    AcksDropped,
    BreakerClosed,
    BreakerOpened,
    ClockLeapt,
    Event,
    JobEnded,
    JobsMoved,
    JobsRemoved,
    JobsRescued,
    JobStarted,
    KeyFailed,
    MessagesDropped,
    MessageSetAside,
    NoticeSent,
    OccurrenceDecided,
    ScheduleBroken,
    SchedulePaused,
    ScheduleRepaired,
    SchedulesReconciled,
    ServiceChanged,
    SessionLost,
    SourceConnected,
    SourceCut,
    SwitchChanged,
    TasksUnknown,
    Ticked,
    ZoneRulesOld,
)
from onbeat.domain.services import Status
from onbeat.runtime.tasks import enabling

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


@dataclass(frozen=True, slots=True)
class Happening:
    """One line to be written."""

    level: str
    name: str
    fields: dict[str, Any] = field(default_factory=dict)


OfWorker = (
    AckRefused
    | AcksDelayed
    | AcksDropped
    | JobsRescued
    | SessionLost
    | TasksUnknown
    | BreakerOpened
    | BreakerClosed
)
OfSource = SourceConnected | SourceCut | MessageSetAside | MessagesDropped
Rest = OfWorker | OfSource | NoticeSent | SwitchChanged

ENDINGS = {
    "complete": ("debug", "job.completed"),
    "retry": ("warning", "job.retrying"),
    "bury": ("error", "job.failed"),
    "snooze": ("debug", "job.snoozed"),
    "release": ("info", "job.released"),
    "stop": ("info", "job.cancelled"),
}
"""By the move that ends an attempt: the line's level and name."""

STATUSES = {
    Status.STARTING: "debug",
    Status.RUNNING: "info",
    Status.PAUSED: "info",
    Status.STOPPED: "info",
    Status.ERROR: "error",
}
"""The level of a service's change to a status; the line is `service.<status>`."""


def happening_of(event: Event) -> Happening:
    """The line that tells of `event`."""
    match event:
        case JobStarted(job, task, attempt):
            return Happening("debug", "job.started", {"job": job, "task": task, "attempt": attempt})
        case JobEnded():
            return _ended(event)
        case Ticked() | OccurrenceDecided():
            return _of_scheduler(event)
        case ScheduleBroken() | SchedulePaused() | ScheduleRepaired() | SchedulesReconciled():
            return _of_schedule(event)
        case ClockLeapt() | ZoneRulesOld():
            return _of_time(event)
        case JobsMoved() | JobsRemoved():
            return _of_jobs(event)
        case ServiceChanged() | KeyFailed():
            return _of_service(event)
        case _:
            return _of_the_rest(event)


def _of_the_rest(event: Rest) -> Happening:
    if isinstance(event, NoticeSent | SwitchChanged):
        return _of_telling(event)
    if isinstance(event, OfSource):
        return _of_source(event)
    return _of_worker(event)


def _of_source(event: OfSource) -> Happening:
    match event:
        case SourceConnected(source, away, may_have_lost):
            told: dict[str, Any] = {"source": source}
            if away is None:
                return Happening("info", "source.connected", told)
            told["away_s"] = _seconds(away)
            if may_have_lost:
                told["then"] = "what was sent meanwhile is lost"
            return Happening("warning" if may_have_lost else "info", "source.connected", told)
        case SourceCut(source, error):
            return Happening("error", "source.cut", {"source": source, "error": error})
        case MessageSetAside(source, channel, message, reason):
            told = {"source": source, "channel": channel, "message": message, "reason": reason}
            return Happening("warning", "message.set_aside", told)
        case MessagesDropped(source, count, why):
            told = {"source": source, "count": count, "why": why}
            return Happening("error", "messages.dropped", told)


def _of_service(event: ServiceChanged | KeyFailed) -> Happening:
    if isinstance(event, KeyFailed):
        told = {"service": event.service, "key": event.key, "error": event.error}
        return Happening("error", "key.failed", told)
    told = {"service": event.service} | ({} if event.error is None else {"error": event.error})
    return Happening(STATUSES[event.status], f"service.{event.status.lower()}", told)


def _of_telling(event: NoticeSent | SwitchChanged) -> Happening:
    match event:
        case NoticeSent(channel, kind, notice, state, error):
            told = {"channel": channel, "kind": kind, "notice": notice}
            if error is None:
                return Happening("info", "notice.sent", told)
            name = "notice.retrying" if state is None else "notice.failed"
            return Happening("warning" if state is None else "error", name, told | {"error": error})
        case SwitchChanged(why):
            if why is None:
                return Happening("info", "deadman.pressed")
            return Happening("error", "deadman.released", {"why": why})


def _of_schedule(
    event: ScheduleBroken | SchedulePaused | ScheduleRepaired | SchedulesReconciled,
) -> Happening:
    match event:
        case SchedulesReconciled():
            return _reconciled(event)
        case ScheduleBroken(schedule, reason):
            return Happening("error", "schedule.broken", {"schedule": schedule, "reason": reason})
        case SchedulePaused(schedule, reason):
            told = {"schedule": schedule, "reason": reason}
            return Happening("warning", "schedule.paused", told)
        case ScheduleRepaired(schedule, wrong, next_due_at):
            told = {"schedule": schedule, "wrong": wrong, "next_due_at": str(next_due_at)}
            return Happening("error", "schedule.repaired", told)


def _of_time(event: ClockLeapt | ZoneRulesOld) -> Happening:
    match event:
        case ClockLeapt(leap, held):
            told = {"leap_s": _seconds(leap), "held_s": _seconds(held)}
            return Happening("warning", "clock.leapt", told)
        case ZoneRulesOld(own, newest):
            rules = {"own": own, "newest": newest, "then": "update tzdata here"}
            return Happening("warning", "zones.old", rules)


def _of_breaker(event: BreakerOpened | BreakerClosed) -> Happening:
    match event:
        case BreakerOpened(breaker, reason, until):
            told = {"breaker": breaker, "reason": reason, "until": str(until)}
            return Happening("error", "breaker.opened", told)
        case BreakerClosed(breaker):
            return Happening("info", "breaker.closed", {"breaker": breaker})


def _of_jobs(event: JobsMoved | JobsRemoved) -> Happening:
    match event:
        case JobsMoved(region, to, queue, count, reason):
            moved = {"region": region, "to": to, "queue": queue, "jobs": count, "reason": reason}
            return Happening("warning", "jobs.moved", moved)
        case JobsRemoved(what, count):
            return Happening("info", "jobs.removed", {"what": what, "count": count})


def _of_worker(event: OfWorker) -> Happening:
    match event:
        case BreakerOpened() | BreakerClosed():
            return _of_breaker(event)
        case AckRefused(token):
            return Happening("warning", "job.ack_refused", {"token": token})
        case AcksDelayed(count, tries, reason):
            delayed = {"acks": count, "tries": tries, "reason": reason}
            return Happening("warning", "worker.acks_delayed", delayed)
        case AcksDropped(count, waited):
            dropped = {"acks": count, "waited_s": _seconds(waited), "then": "their jobs run again"}
            return Happening("error", "worker.acks_dropped", dropped)
        case JobsRescued(session, released, set_aside, jobs):
            told = {
                "session": session, "released": released, "set_aside": set_aside,
                "jobs": list(jobs),
            }  # fmt: skip
            return Happening("warning", "jobs.rescued", told)
        case SessionLost(session, reason):
            lost = {"session": session, "reason": reason}
            return Happening("error", "worker.session_lost", lost)
        case TasksUnknown(tasks):
            return Happening("warning", "tasks.unknown", _unknown(tasks))
        case _:
            assert_never(event)


def _unknown(tasks: tuple[str, ...]) -> dict[str, Any]:
    enabled = "".join(enabling(task) for task in tasks)
    then = f"their jobs wait for a worker that knows them{enabled}"
    return {"tasks": list(tasks), "then": then}


def _ended(event: JobEnded) -> Happening:
    level, name = ENDINGS[event.move]
    told: dict[str, Any] = {
        "job": event.job,
        "task": event.task,
        "attempt": f"{event.attempt}/{event.max_attempts}",
        "duration_s": _seconds(event.duration),
    }
    if event.retry_in is not None:
        told["retry_in_s"] = _seconds(event.retry_in)
    if event.outcome not in ("succeeded", "failed"):
        told["outcome"] = event.outcome
    if event.error_class is not None:
        told["error_class"] = str(event.error_class)
    if event.reason is not None:
        told["reason"] = event.reason
    return Happening(level, name, told)


def _of_scheduler(event: Ticked | OccurrenceDecided) -> Happening:
    return _decided(event) if isinstance(event, OccurrenceDecided) else _ticked(event)


def _ticked(event: Ticked) -> Happening:
    told = {
        "fired": event.fired,
        "skipped": event.skipped,
        "promoted": event.promoted,
        "lateness_s": _seconds(event.lateness),
    }
    return Happening("debug", "scheduler.ticked", told)


def _decided(event: OccurrenceDecided) -> Happening:
    """What a schedule did at a moment is for who looks closely; what it did not do, for all."""
    told: dict[str, Any] = {"schedule": event.schedule, "due_at": event.due_at.isoformat()}
    if event.through_at is not None:
        told["through_at"] = event.through_at.isoformat()
    if event.job is not None:
        told["job"] = event.job
    if event.reason is not None:
        told["reason"] = event.reason
    level = "info" if event.job is None else "debug"
    return Happening(level, f"schedule.{event.outcome}", told)


def _reconciled(event: SchedulesReconciled) -> Happening:
    told: dict[str, Any] = {
        word: list(names)
        for word, names in (
            ("added", event.added),
            ("changed", event.changed),
            ("retired", event.retired),
        )
        if names
    }
    if event.retired:
        hint = "where another application declares them, give each a name: Onbeat(name=…)"
        return Happening("warning", "schedules.reconciled", {**told, "hint": hint})
    return Happening("info" if told else "debug", "schedules.reconciled", told)


def _seconds(duration: timedelta) -> float:
    return round(duration.total_seconds(), 3)
