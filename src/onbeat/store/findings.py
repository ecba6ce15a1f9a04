"""Of which subjects the condition of a rule holds now: each a bounded reading, never of the record.

At most MOST subjects of a rule are followed at once; a reading that finds as many is not whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, func, select

from onbeat.domain.durations import format_duration
from onbeat.domain.incidents import Kind
from onbeat.domain.outlooks import RISING, UNUSUAL, Outlooks
from onbeat.domain.processes import CYCLE, SCHEDULER, at_rest, slow_cycles
from onbeat.domain.rules import Condition, Finding, Rule
from onbeat.domain.words import moment
from onbeat.store import (
    duties,
    expectations,
    failing,
    failing_deliveries,
    processes,
    queues,
    unusual,
)
from onbeat.store.among import among
from onbeat.store.delays import has_scheduler
from onbeat.store.failing import MOST, given
from onbeat.store.schema import expectations as expected
from onbeat.store.schema import (
    leases,
    schedules,
    sessions,
)
from onbeat.store.tasks import tags_by, told_tags


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """How the judge itself fares: what no table tells."""

    took: timedelta = timedelta()
    """Its last round."""
    has: timedelta = timedelta(seconds=15)
    """How long a round may take."""
    slowest: timedelta = timedelta()
    """The slowest reading of the last round."""
    trouble_for: timedelta = timedelta()
    """For how long the database was out of reach, where it was until now."""
    trouble: str = ""
    absence: tuple[datetime, datetime] | None = None
    """From when to when no judge was at work, where that was lately."""
    began_at: datetime | None = None
    """When this process began to look."""
    outlooks: Outlooks = field(default_factory=Outlooks)
    """What it keeps of what is usual."""
    rules: Sequence[Rule] = ()
    """All that are on."""


Read = Callable[[Connection, datetime, Rule, Vitals], list[Finding]]


def find_all(
    connection: Connection, now: datetime, rules: Sequence[Rule], vitals: Vitals
) -> dict[str, list[Finding]]:
    """The same of each rule, by its name."""
    vitals = replace(vitals, rules=rules)
    return {rule.name: find(connection, now, rule, vitals) for rule in rules}


def find(connection: Connection, now: datetime, rule: Rule, vitals: Vitals) -> list[Finding]:
    """The subjects of which its condition holds."""
    return READINGS[rule.condition](connection, now, rule, vitals)


def _of_schedule(row: Any, since: datetime, **said: Any) -> Finding:
    return Finding(
        kind=Kind.SCHEDULE, subject=row.id, name=row.name, since=since, task=row.task,
        queue=row.queue, schedule=row.id, tags=tags_by(row), **said,
    )  # fmt: skip


TERM: Final = timedelta(seconds=15)
"""How long the duty of a scheduler that died lasts at most."""

AT_ONCE: Final = 1_000
"""Overdue schedules that are looked up at once."""

SAID = (schedules.c.id, schedules.c.name, schedules.c.task, schedules.c.queue, schedules.c.ties,
        told_tags(schedules.c.task))  # fmt: skip


def _stale(connection: Connection, now: datetime, rule: Rule, _: Vitals) -> list[Finding]:
    """The schedules that were due so long ago, and have not succeeded since.

    Not those whose last job still runs: that is told by what is stuck or silent.
    """
    overdue = expectations.overdue(connection, now - given(rule.limits.longer_than))
    found: list[Finding] = []
    for at in range(0, len(overdue), AT_ONCE):
        if len(found) >= MOST:
            break
        found += _those_stale(connection, now, overdue[at : at + AT_ONCE])
    return found[:MOST]


def _those_stale(connection: Connection, now: datetime, overdue: Sequence[Any]) -> list[Finding]:
    since = {each.schedule: each for each in overdue}
    runs = select(leases.c.job).where(leases.c.job == schedules.c.last_job).exists()
    query = select(*SAID, schedules.c.last_due_at, schedules.c.version, runs.label("runs")).where(
        among(connection, schedules.c.id, list(since)), expectations.AT_WORK == 1
    )
    return [
        _of_schedule(row, of.since_at, news_at=row.last_due_at,
                     figures={"no success for": _age(now, of.since_at)})
        for row in connection.execute(query)
        if (of := since[row.id]).version == row.version and not row.runs
        and row.last_due_at is not None and row.last_due_at >= of.since_at
    ]  # fmt: skip


def _late(connection: Connection, now: datetime, rule: Rule, _: Vitals) -> list[Finding]:
    """What is due and waits for its last job to end is not late: that is its policy."""
    query = (
        select(*SAID, schedules.c.next_due_at)
        .where(
            schedules.c.next_due_at < now - given(rule.limits.longer_than),
            schedules.c.awaits_job.is_(None), *expectations.IS_AT_WORK,
        )
        .order_by(schedules.c.next_due_at)
        .limit(MOST)
    )  # fmt: skip
    return [
        _of_schedule(row, row.next_due_at, figures={"late by": _age(now, row.next_due_at)})
        for row in connection.execute(query)
    ]


def _missed(connection: Connection, now: datetime, rule: Rule, vitals: Vitals) -> list[Finding]:
    query = (
        select(*SAID, expected.c.missed_at, expected.c.missed)
        .join_from(expected, schedules, schedules.c.id == expected.c.schedule)
        .where(expected.c.missed_at > now - given(rule.limits.window))
        .limit(MOST)
    )
    return [
        _of_schedule(row, row.missed_at, news_at=row.missed_at,
                     figures={"missed in all": f"{row.missed:,}"})
        for row in connection.execute(query)
    ]  # fmt: skip


def _backlog(connection: Connection, now: datetime, rule: Rule, _: Vitals) -> list[Finding]:
    since = now - given(rule.limits.longer_than)
    return [
        _of_queue(each, now, each.oldest_at)
        for each in queues.waiting(connection, now)
        if each.oldest_at is not None and each.oldest_at < since and each.paused_at is None
    ]


def _of_queue(queue: Any, now: datetime, since: datetime) -> Finding:
    figures = {"the next job has waited for": _age(now, since)}
    return Finding(kind=Kind.QUEUE, subject=queue.name, name=queue.name, queue=queue.name,
                   since=since, figures=figures)  # fmt: skip


def _no_workers(connection: Connection, now: datetime, rule: Rule, _: Vitals) -> list[Finding]:
    served = queues.served(connection, now)
    return [
        _of_queue(each, now, each.oldest_at)
        for each in queues.waiting(connection, now)
        if each.name not in served and each.oldest_at is not None and each.oldest_at <= now
        and each.paused_at is None
    ]  # fmt: skip


def _worker_lost(connection: Connection, now: datetime, rule: Rule, _: Vitals) -> list[Finding]:
    held = select(func.count()).where(leases.c.session == sessions.c.id).scalar_subquery()
    jobs = func.coalesce(sessions.c.lost, held).label("jobs")
    given_up = sessions.c.lost.is_not(None) | (sessions.c.ended_at.is_(None) & (
        sessions.c.expires_at < now - timedelta(seconds=30)
    ))  # fmt: skip
    query = select(sessions, jobs).where(given_up).limit(MOST)
    return [
        Finding(
            kind=Kind.WORKER, subject=row.id, name=f"{row.instance} on {row.host}",
            since=row.heartbeat_at, figures={"jobs it had": f"{row.jobs:,}"},
        )
        for row in connection.execute(query)
        if row.jobs >= given(rule.limits.times)
    ]  # fmt: skip


def _no_scheduler(
    connection: Connection, now: datetime, rule: Rule, vitals: Vitals
) -> list[Finding]:
    due: ColumnElement[Any] = func.min(schedules.c.next_due_at, type_=schedules.c.next_due_at.type)
    due_at = connection.scalar(select(due).where(
        schedules.c.paused_at.is_(None), schedules.c.broken.is_(None), schedules.c.clock.is_(None)
    ))  # fmt: skip
    if due_at is None:
        return []
    resting = due_at < now and at_rest(processes.list_processes(connection, now), SCHEDULER)
    if has_scheduler(connection, now) and not resting:
        return _absent(vitals)
    left = duties.left(connection, now, "watchdog")
    figures = {"first due": moment(due_at)}
    found = _of_system("scheduler", now if left is None else left.at, figures)
    return [replace(found, counted_from=_counted_from(left, vitals))]


def _counted_from(left: duties.Left | None, vitals: Vitals) -> datetime | None:
    """From when on it counts that none is at work: one that says goodbye has as long as one that
    dies, for another mostly comes. Who has just begun to look began with the scheduler, in a
    restart, and that has as long too.
    """
    if left is None:
        return None
    over = left.at + TERM if left.is_given_up else left.at
    return over if vitals.began_at is None else max(over, vitals.began_at)


def _absent(vitals: Vitals) -> list[Finding]:
    if vitals.absence is None:
        return []
    since, until = vitals.absence
    found = _of_system("scheduler", since, {"until": moment(until)})
    return [replace(found, counted_from=since)]


def _of_system(name: str, since: datetime, figures: Mapping[str, str]) -> Finding:
    return Finding(kind=Kind.SYSTEM, subject=name, name=name, since=since, figures=figures)


def _cycle(connection: Connection, now: datetime, rule: Rule, vitals: Vitals) -> list[Finding]:
    """Each scheduler whose cycles are near their limit, and the judge whose own rounds are."""
    share = given(rule.limits.share)
    found = {
        each.id: (each.snapshot.last_duration or timedelta(), CYCLE)
        for each in slow_cycles(processes.list_processes(connection, now), share)
    }
    if vitals.took >= share * vitals.has:
        found["judge"] = vitals.took, vitals.has
    return [
        _of_system(name, now, {"took": _seconds(took), "of": format_duration(has)})
        for name, (took, has) in found.items()
    ]


def _database(connection: Connection, now: datetime, rule: Rule, vitals: Vitals) -> list[Finding]:
    if vitals.trouble_for > given(rule.limits.longer_than):
        figures = {"out of reach for": _seconds(vitals.trouble_for), "error": vitals.trouble}
        since = now - vitals.trouble_for
        return [replace(_of_system("database", since, figures), counted_from=since)]
    if vitals.slowest > given(rule.limits.longer_than):
        return [_of_system("database", now, {"slowest reading": _seconds(vitals.slowest)})]
    return []


def _age(now: datetime, since: datetime) -> str:
    return _seconds(now - since)


def _seconds(duration: timedelta) -> str:
    """A duration in whole seconds, or in milliseconds where it is less."""
    whole = timedelta(seconds=int(duration.total_seconds()))
    return format_duration(
        whole if whole else timedelta(milliseconds=duration.microseconds // 1000)
    )


def _slow(connection: Connection, now: datetime, rule: Rule, vitals: Vitals) -> list[Finding]:
    return failing.slow(connection, now, rule, vitals.rules, vitals.outlooks)


def _unusual(connection: Connection, now: datetime, rule: Rule, vitals: Vitals) -> list[Finding]:
    return unusual.unusual(connection, now, rule, vitals.outlooks)


def _rising(connection: Connection, now: datetime, rule: Rule, vitals: Vitals) -> list[Finding]:
    return unusual.rising(connection, now, rule, vitals.rules, vitals.outlooks)


def _without_vitals(read: Callable[[Connection, datetime, Rule], list[Finding]]) -> Read:
    return lambda connection, now, rule, _: read(connection, now, rule)


READINGS: Final[Mapping[Condition, Read]] = {
    Condition.FAILED: _without_vitals(failing.failed),
    Condition.IN_A_ROW: _without_vitals(failing.in_a_row),
    Condition.FAILURE_RATE: _without_vitals(failing.failure_rate),
    Condition.SLOW: _slow,
    Condition.STALE: _stale,
    Condition.SILENT: _without_vitals(failing.silent),
    Condition.LATE: _late,
    Condition.MISSED: _missed,
    Condition.STUCK: _without_vitals(failing.stuck),
    Condition.BACKLOG: _backlog,
    Condition.NO_WORKERS: _no_workers,
    Condition.WORKER_LOST: _worker_lost,
    Condition.NO_SCHEDULER: _no_scheduler,
    Condition.CYCLE: _cycle,
    Condition.DATABASE: _database,
    Condition.DELIVERIES: _without_vitals(failing_deliveries.failing),
    **dict.fromkeys(UNUSUAL, _unusual),
    **dict.fromkeys(RISING, _rising),
}
