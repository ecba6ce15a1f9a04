"""What is known of a subject beside that a condition holds: each a probe of an index."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from onbeat.domain.advice import LONGEST_MESSAGE, facts_of
from onbeat.domain.attempts import Failure
from onbeat.domain.failures import raised_at
from onbeat.domain.incidents import Changed, Facts, Kind, LastError
from onbeat.domain.judging import RENEWED_AT_ONCE
from onbeat.domain.limits import queue_limit
from onbeat.domain.marks import tags_in
from onbeat.domain.rules import Condition, Finding, Rule, Subject
from onbeat.domain.states import State
from onbeat.store.schema import attempts, audit, finished, health, jobs, schedules, versions

MOST = RENEWED_AT_ONCE
"""Subjects of a round of which so much is looked up; of the others it comes when they are written
anew, some minutes later.
"""

FAILING = frozenset({Condition.FAILED, Condition.IN_A_ROW})
"""What goes on since the first failure after the last success."""

OF_ERRORS = FAILING | {Condition.FAILURE_RATE, Condition.STALE}
"""What comes of errors. Of anything else the last one would lead astray: of a queue without workers
it is whichever of its jobs failed last.
"""

MOST_FAILURES = 1_000
"""Failures of a task among which the first of a schedule is looked for."""

MOST_CHANGES = 3
CHANGED_WITHIN = timedelta(days=7)

_failure = msgspec.json.Decoder(Failure).decode


def gather(
    connection: Connection, now: datetime, rule: Rule, found: Sequence[Finding]
) -> dict[Subject, Facts]:
    """What an incident of each says, as far as so many are looked up."""
    return {each.key: _facts(connection, now, rule, each) for each in found[:MOST]}


def _facts(connection: Connection, now: datetime, rule: Rule, finding: Finding) -> Facts:
    if finding.kind not in (Kind.TASK, Kind.SCHEDULE, Kind.QUEUE):
        return facts_of(rule, finding)
    fares = connection.execute(
        select(health.c.last_success_at, health.c.last_failure_at).where(
            health.c.kind == finding.kind, health.c.subject == finding.subject
        )
    ).first()
    has_errors = fares is not None and rule.condition in OF_ERRORS
    failed_at = fares.last_failure_at if fares is not None and has_errors else None
    if fares is not None and rule.condition in FAILING:
        began = _first_failure(connection, finding, fares.last_success_at)
        finding = replace(finding, since=min(began or finding.since, finding.since))
    error = None if failed_at is None else _last_error(connection, finding, failed_at)
    if finding.kind is Kind.TASK and error is not None and error.job is not None:
        ties = connection.scalar(select(jobs.c.ties).where(jobs.c.id == error.job))
        finding = replace(finding, tags=tuple(dict.fromkeys((*finding.tags, *tags_in(ties)))))
    return facts_of(
        rule, finding,
        last_error=error,
        last_good_at=None if fares is None else fares.last_success_at,
        changed=_changed(connection, now, finding),
    )  # fmt: skip


def _first_failure(
    connection: Connection, finding: Finding, after: datetime | None
) -> datetime | None:
    """When it first failed after it last completed: a range of the index of its task."""
    if finding.task is None:
        return None
    query = select(finished.c.job, finished.c.finished_at).where(
        finished.c.task == finding.task, finished.c.outcome == State.FAILED,
        *(() if after is None else (finished.c.finished_at > after,)),
    ).order_by(finished.c.finished_at).limit(MOST_FAILURES)  # fmt: skip
    ends = query.subquery()
    own = select(ends.c.finished_at).order_by(ends.c.finished_at).limit(1)
    if finding.schedule is not None:
        own = own.join(jobs, jobs.c.id == ends.c.job).where(jobs.c.schedule == finding.schedule)
    first: datetime | None = connection.scalar(own)
    return first


def _last_error(connection: Connection, finding: Finding, at: datetime) -> LastError | None:
    """The error of the job that failed last, at that very moment."""
    job = _failed_job(connection, finding, at)
    if job is None:
        return None
    query = select(attempts.c.error).where(
        attempts.c.job == job, attempts.c.finished_at >= at - timedelta(hours=1)
    )
    text = connection.scalar(query.order_by(attempts.c.token.desc()).limit(1))
    if text is None:
        return LastError(at=at, job=job)
    failure = _failure(text)
    return LastError(
        at=at, type=failure.type, message=failure.message[:LONGEST_MESSAGE],
        place=raised_at(failure.traceback), job=job,
    )  # fmt: skip


def _failed_job(connection: Connection, finding: Finding, at: datetime) -> str | None:
    if finding.kind is Kind.SCHEDULE:
        last = select(schedules.c.last_job).where(schedules.c.id == finding.subject)
        job: str | None = connection.scalar(last)
        return job
    query = select(finished.c.job).where(
        finished.c.outcome == State.FAILED, finished.c.finished_at == at,
        finished.c[finding.kind] == finding.subject,
    )  # fmt: skip
    found: str | None = connection.scalar(query.limit(1))
    return found


def _changed(connection: Connection, now: datetime, finding: Finding) -> list[Changed]:
    """The last edits of it, of its queue, and of the limit of that."""
    subjects = [("task", finding.task), ("queue", finding.queue)]
    if finding.queue is not None:
        subjects.append(("limit", queue_limit(finding.queue)))
    found = [
        Changed(at=row.at, what=f"{row.action} {name}", by=row.actor_name)
        for kind, name in subjects if name is not None
        for row in _audited(connection, now, kind, name)
    ]  # fmt: skip
    if finding.schedule is not None:
        query = select(versions).where(
            versions.c.schedule == finding.schedule, versions.c.at >= now - CHANGED_WITHIN
        )
        rows = connection.execute(query.order_by(versions.c.version.desc()).limit(MOST_CHANGES))
        found += [
            Changed(at=row.at, by=row.by,
                    what=f"schedule {finding.name}, version {row.version}"
                    + (f": {row.why}" if row.why else ""))
            for row in rows
        ]  # fmt: skip
    return sorted(found, key=lambda each: each.at, reverse=True)[:MOST_CHANGES]


def _audited(connection: Connection, now: datetime, kind: str, name: str) -> Iterable[Any]:
    query = select(audit.c.at, audit.c.action, audit.c.actor_name).where(
        audit.c.subject_kind == kind, audit.c.subject == name,
        audit.c.at >= now - CHANGED_WITHIN,
    )  # fmt: skip
    return connection.execute(query.order_by(audit.c.id.desc()).limit(MOST_CHANGES))
