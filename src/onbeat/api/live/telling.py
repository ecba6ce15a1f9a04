"""What is told of what a look saw. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

import msgspec

from onbeat.domain.access import Permission
from onbeat.domain.jobs import JobId, made_at
from onbeat.domain.live import Change, News, What, topics_of_job
from onbeat.domain.states import State
from onbeat.store.changes import Asked, Ended, Entry, Facts, Line, Progress, Running


def of_asked(asked: Iterable[Asked], facts: Facts) -> Iterator[News]:
    """Jobs that were asked for."""
    for each in asked:
        yield of_job(each, What.ASKED, facts, made_at(JobId(each.job)))


def of_late(asked: Iterable[Asked], facts: Facts, now: datetime) -> Iterator[News]:
    """Jobs whose ids tell nothing of when they were asked for."""
    for each in asked:
        yield of_job(each, What.ASKED, facts, now)


def of_begun(begun: Iterable[Running], facts: Facts, now: datetime) -> Iterator[News]:
    """Attempts that began."""
    for each in begun:
        job = _known(each.job, each.task, each.queue, facts)
        yield of_job(job, What.BEGAN, facts, now, State.RUNNING, each.attempt)


def of_ended(ended: Iterable[Ended], facts: Facts) -> Iterator[News]:
    """Jobs that ended."""
    for each in ended:
        job = _known(each.job, each.task, each.queue, facts)
        yield of_job(job, What.ENDED, facts, each.at, State(each.state), each.attempts)


def of_waiting(gone: Iterable[Running], facts: Facts, now: datetime) -> Iterator[News]:
    """Jobs that ran, and wait for another attempt."""
    for each in gone:
        job = _known(each.job, each.task, each.queue, facts)
        yield of_job(job, What.WAITS, facts, now, attempt=each.attempt)


def of_job(
    job: Asked, what: What, facts: Facts, key: datetime, state: State | None = None,
    attempt: int | None = None,
) -> News:  # fmt: skip
    """One change of a job."""
    schedule = facts.schedules.get(job.schedule or "", (None, None))[0]
    change = Change(
        kind="job", id=job.job, what=what, state=state, task=job.task, queue=job.queue,
        schedule=schedule, attempt=attempt,
    )  # fmt: skip
    return News(change, topics_of_job(job.job, job.task, job.queue), key, job.owner)


def of_entries(entries: Iterable[Entry], facts: Facts) -> Iterator[News]:
    """What was done by hand: that it was, for those who read the log, and what it changed."""
    owners = dict(facts.schedules.values())
    for each in entries:
        key = made_at(JobId(each.id))
        told = Change(
            kind="audit", id=each.id, what=What.CHANGED, subject_kind=each.subject_kind,
            subject=each.subject,
        )  # fmt: skip
        yield News(told, ("audit",), key)
        if each.subject_kind == "job" and each.subject in facts.jobs:
            yield of_job(facts.jobs[each.subject], What.CHANGED, facts, key)
        elif each.subject_kind == "queue":
            topics = ("queues", f"queue:{each.subject}")
            yield News(Change(kind="queue", id=each.subject, what=What.CHANGED), topics, key)
        elif each.subject_kind == "schedule":
            yield _of_schedule(each.subject, What.CHANGED, owners.get(each.subject), key)


def touched(jobs: Iterable[News], facts: Facts) -> Iterator[News]:
    """The queues and schedules whose jobs changed, each once."""
    queues: dict[str, datetime] = {}
    schedules: dict[str, datetime] = {}
    for each in jobs:
        for found, name in ((queues, each.change.queue), (schedules, each.change.schedule)):
            if name is not None:
                found[name] = max(found.get(name, each.key), each.key)
    owners = dict(facts.schedules.values())
    for name, key in queues.items():
        yield News(Change(kind="queue", id=name, what=What.TOUCHED), ("queues",), key)
    for name, key in schedules.items():
        yield _of_schedule(name, What.TOUCHED, owners.get(name), key)


def of_workers(
    before: Mapping[str, str], now: Mapping[str, str], at: datetime
) -> Iterator[News]:  # fmt: skip
    """Workers that have come, drain, or are gone."""
    for worker in before.keys() | now.keys():
        if before.get(worker) != now.get(worker):
            change = Change(kind="worker", id=worker, what=What.CHANGED)
            yield News(change, ("workers",), at)


def of_line(line: Line, attempt: int | None, owner: str | None) -> News:
    """A line of a job's log."""
    change = Change(
        kind="job", id=line.job, what=What.LINE, attempt=attempt, line=line.number, at=line.at,
        level=line.level, message=line.message, fields=msgspec.Raw(line.fields.encode()),
    )  # fmt: skip
    return News(change, (f"job:{line.job}",), line.at, owner, Permission.JOBS_ARGUMENTS)


def of_progress(job: str, progress: Progress, owner: str | None, now: datetime) -> News:
    """How far a job has come."""
    change = Change(
        kind="job", id=job, what=What.PROGRESS, attempt=progress.attempt,
        progress=progress.fraction, note=progress.note,
    )  # fmt: skip
    return News(change, (f"job:{job}",), now, owner)


def _of_schedule(name: str, what: What, owner: str | None, key: datetime) -> News:
    change = Change(kind="schedule", id=name, what=what)
    return News(change, ("schedules", f"schedule:{name}"), key, owner)


def _known(job: str, task: str, queue: str, facts: Facts) -> Asked:
    return facts.jobs.get(job) or Asked(job, task, queue, None, None)
