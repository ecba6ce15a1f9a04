"""Ends of jobs that have an owner, told to the owner's webhooks: from ends to jobs that deliver.

It is done in the transaction in which the ends are followed (store/ends.py), so each end is told
once. The job that delivers has an id that is made of the end and the webhook: told of a second
time, whatever brought that about, the end makes no second job.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select

from onbeat.domain.jobs import DEFAULT_PRIORITY, JobId
from onbeat.domain.marks import marks
from onbeat.domain.states import State
from onbeat.domain.ties import TieKind, encode_ties, keys_of, tie
from onbeat.domain.webhooks import (
    EVENT_OF,
    QUEUE,
    RETRY,
    TASK,
    JobEnd,
    delivery_id,
    message_of,
)
from onbeat.store import marks as found_by
from onbeat.store.among import among
from onbeat.store.column_types import to_micros
from onbeat.store.payloads import encode, lane_of
from onbeat.store.schema import attempts, finished, jobs, ready, schedules, webhooks

HAS_OWNER = f'"{tie(TieKind.OWNER)}'
"""What the ties have in them of a job that has an owner."""

_events = msgspec.json.Decoder(list[str]).decode
"""As texts: a newer Onbeat may know of others, and no end must be held up by them."""


def announce(
    connection: Connection, now: datetime, ended: Mapping[JobId, datetime]
) -> frozenset[str]:
    """Make a job for each webhook that is to hear of one of these ends, each with its moment; the
    queues of those jobs.

    Of a job that has no owner, whose owner has no webhooks, or that runs again already, nobody
    hears; nor of a delivery's own end.
    """
    if not ended or not _is_anybody_there(connection):
        return frozenset()
    owners = _owners(connection, ended)
    hooks = _listening(connection, set(owners.values())) if owners else {}
    heard = {job: ended[job] for job, owner in owners.items() if owner in hooks}
    rows = {
        delivery_id(end, hook): _job_row(now, end, hook, owners[end.job])
        for end in (_ends(connection, heard) if heard else ())
        for hook, events in hooks[owners[end.job]]
        if EVENT_OF[end.state] in events
    }
    return _place(connection, now, rows)


def _is_anybody_there(connection: Connection) -> bool:
    """Whether there are webhooks at all: where none are, that is all it costs."""
    there = select(webhooks.c.id).where(webhooks.c.enabled == 1).limit(1)
    return connection.execute(there).first() is not None


def _owners(connection: Connection, ended: Iterable[JobId]) -> dict[JobId, str]:
    """Whose these jobs are, of those that are anybody's; deliveries are left out."""
    rows = connection.execute(
        select(jobs.c.id, jobs.c.ties).where(
            among(connection, jobs.c.id, list(ended)),
            jobs.c.ties.contains(HAS_OWNER, autoescape=True),
            jobs.c.task != TASK,
        )
    )
    found = ((JobId(row.id), keys_of(row.ties, TieKind.OWNER)) for row in rows)
    return {job: owners[0] for job, owners in found if owners}


def _ends(connection: Connection, ended: Mapping[JobId, datetime]) -> list[JobEnd]:
    """What a message tells of each of these ends."""
    # The bounds let PostgreSQL look into the days of the ends alone.
    first, last = min(ended.values()), max(ended.values())
    rows = connection.execute(
        select(
            jobs.c.id, jobs.c.task, schedules.c.name.label("schedule"), finished.c.outcome,
            finished.c.attempts, finished.c.finished_at,
        )
        .select_from(
            jobs.join(finished, finished.c.job == jobs.c.id)
            .outerjoin(schedules, schedules.c.id == jobs.c.schedule)
        )
        .where(
            among(connection, jobs.c.id, ended),
            finished.c.finished_at.between(first, last),
        )
    ).all()  # fmt: skip
    errors = _errors(connection, [row for row in rows if row.outcome == State.FAILED])
    return [_end(row, errors) for row in rows]


class _Error(msgspec.Struct):
    """What a message tells of an error: not what it says, which may be anything."""

    type: str | None = None
    error_class: str | None = None


_NO_ERROR = _Error()


def _end(row: Any, errors: Mapping[str, _Error]) -> JobEnd:
    error = errors.get(row.id, _NO_ERROR)
    return JobEnd(
        job=JobId(row.id),
        task=row.task,
        schedule=row.schedule,
        state=State(row.outcome),
        attempts=row.attempts,
        finished_at=row.finished_at,
        error=error.type,
        error_class=error.error_class,
    )


def _errors(connection: Connection, failed: Iterable[Any]) -> dict[str, _Error]:
    """What each job failed with, by its last attempt, which ended in the moment the job did."""
    moments = {row.id: row.finished_at for row in failed}
    if not moments:
        return {}
    rows = connection.execute(
        select(attempts.c.job, attempts.c.finished_at, attempts.c.error).where(
            among(connection, attempts.c.job, moments),
            attempts.c.finished_at.between(min(moments.values()), max(moments.values())),
            attempts.c.error.is_not(None),
        )
    )
    return {
        row.job: msgspec.json.decode(row.error, type=_Error)
        for row in rows
        if row.finished_at == moments[row.job]
    }


def _listening(connection: Connection, owners: set[str]) -> dict[str, list[tuple[str, list[str]]]]:
    """The webhooks of these owners, each with the events it wants."""
    rows = connection.execute(
        select(webhooks.c.id, webhooks.c.owner, webhooks.c.events)
        .where(webhooks.c.owner.in_(sorted(owners)), webhooks.c.enabled == 1)
        .order_by(webhooks.c.id)
    )
    found: defaultdict[str, list[tuple[str, list[str]]]] = defaultdict(list)
    for row in rows:
        found[row.owner].append((row.id, _events(row.events)))
    return found


def _job_row(now: datetime, end: JobEnd, webhook: str, owner: str) -> dict[str, Any]:
    """A job that delivers: it is the owner's too, and nobody waits for its end."""
    message = message_of(end)
    args = {"webhook": webhook, "message": message.id, "body": message.body}
    return {
        "task": TASK, "queue": QUEUE, "lane": lane_of(DEFAULT_PRIORITY),
        "max_attempts": RETRY.attempts, "args": encode(args).decode(), "created_at": now,
        "ties": encode_ties(marks((), owner)),
    }  # fmt: skip


def _place(
    connection: Connection, now: datetime, rows: Mapping[JobId, dict[str, Any]]
) -> frozenset[str]:
    """Store the jobs, pending, but for those that are on record; their queues."""
    if not rows:
        return frozenset()
    known = set(connection.scalars(select(jobs.c.id).where(among(connection, jobs.c.id, rows))))
    fresh = {job: row for job, row in rows.items() if job not in known}
    if not fresh:
        return frozenset()
    connection.execute(insert(jobs), [{"id": job, **row} for job, row in fresh.items()])
    placed = [
        {
            "queue": QUEUE, "lane": row["lane"], "order_key": to_micros(now), "job": job,
            "attempt": 0,
        }
        for job, row in fresh.items()
    ]  # fmt: skip
    connection.execute(insert(ready), placed)
    for job, row in fresh.items():
        found_by.write(connection, job, row["ties"])
    return frozenset([QUEUE])
