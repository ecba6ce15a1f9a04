"""Virtual clocks, cold: made, looked at, moved; what is due on them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, text, update

from onbeat.domain.clocks import Clock
from onbeat.domain.errors import Conflict, NotFound
from onbeat.domain.jobs import JobId, NewJob
from onbeat.store import jobs as stored_jobs
from onbeat.store import keys, marks
from onbeat.store.column_types import to_micros
from onbeat.store.due import DueRow, decode_due, due_row
from onbeat.store.payloads import (
    FiringRows,
    advances,
    encode,
    encode_fired,
    encode_firing,
    job_values,
)
from onbeat.store.schema import blocked, clocks, jobs, schedules


def create(connection: Connection, now: datetime, name: str, at: datetime) -> Clock:
    """Make a clock that stands at `at`. Raises Conflict."""
    if connection.execute(select(clocks.c.name).where(clocks.c.name == name)).first() is not None:
        raise Conflict(f"a clock named {name!r} exists")
    connection.execute(insert(clocks).values(name=name, now_at=at, created_at=now, advanced_at=now))
    return find(connection, now, name)


def find(connection: Connection, now: datetime, name: str) -> Clock:
    """The clock of that name. Raises NotFound."""
    return _found(connection.execute(select(clocks).where(clocks.c.name == name)).first(), name)


def lock(connection: Connection, now: datetime, name: str) -> Clock:
    """The clock, which nobody else moves until this transaction ends. Raises NotFound."""
    query = select(clocks).where(clocks.c.name == name).with_for_update()
    return _found(connection.execute(query).first(), name)


def list_clocks(
    connection: Connection, now: datetime, *, after: str = "", limit: int | None = None
) -> list[Clock]:
    """Virtual clocks by name: all, or so many of those after a name."""
    query = select(clocks).where(clocks.c.name > after).order_by(clocks.c.name).limit(limit)
    return [_clock(row) for row in connection.execute(query)]


def remove(connection: Connection, now: datetime, name: str) -> None:
    """Take a clock away that nothing lives by. Raises NotFound and Conflict."""
    find(connection, now, name)
    for table, noun in ((schedules, "schedules"), (blocked, "jobs")):
        if connection.execute(select(table.c.clock).where(table.c.clock == name)).first():
            raise Conflict(f"{noun} live by the clock {name!r}; remove them first")
    connection.execute(delete(clocks).where(clocks.c.name == name))


def set_to(connection: Connection, now: datetime, name: str, at: datetime) -> None:
    """Put the clock to `at`; whoever does holds its lock."""
    connection.execute(
        update(clocks).where(clocks.c.name == name).values(now_at=at, advanced_at=now)
    )


def now_of(connection: Connection, now: datetime, name: str | None) -> datetime:
    """What time it is on that clock; the wall's where there is none. Raises NotFound."""
    return now if name is None else find(connection, now, name).now_at


def first_due(connection: Connection, name: str) -> datetime | None:
    """The first moment at which something is due on the clock."""
    schedule = select(func.min(schedules.c.next_due_at)).where(
        schedules.c.clock == name, schedules.c.paused_at.is_(None), schedules.c.broken.is_(None)
    )
    job = select(func.min(blocked.c.due_at)).where(blocked.c.clock == name)
    moments = [connection.scalar(schedule), connection.scalar(job)]
    return min((moment for moment in moments if moment is not None), default=None)


def due_schedules(
    connection: Connection, now: datetime, name: str, until: datetime, limit: int
) -> list[DueRow]:
    """Schedules due on the clock at `until` or before, locked."""
    if connection.dialect.name == "postgresql":
        from onbeat.store.postgres import statements  # noqa: PLC0415 - one engine is loaded

        asked = {"clock": name, "until": until, "limit": limit, "now": now}
        return [due_row(tuple(row)) for row in connection.execute(
            text(statements.DUE_ON_CLOCK), asked
        )]  # fmt: skip
    from onbeat.store.sqlite import statements as sqlite  # noqa: PLC0415 - as above

    asked = {"clock": name, "until": to_micros(until), "limit": limit}
    return decode_due(connection.execute(text(sqlite.DUE_ON_CLOCK), asked).scalar_one())


def fire(connection: Connection, now: datetime, rows: FiringRows) -> None:
    """Write what a tick of a clock decided."""
    if connection.dialect.name == "postgresql":
        from onbeat.store.postgres import statements  # noqa: PLC0415 - one engine is loaded

        asked_of = {"rows": encode(rows).decode(), "now": now}
        if connection.execute(text(statements.FIRE), asked_of).scalar_one():
            connection.execute(
                text(statements.SETTLE_FIRED), {"jobs": encode_fired(rows), "now": now}
            )
        return
    from onbeat.store.sqlite import enqueueing  # noqa: PLC0415 - as above
    from onbeat.store.sqlite import statements as sqlite  # noqa: PLC0415 - as above

    occurrences, later = encode_firing(rows)
    last = connection.execute(text(sqlite.LAST_JOB)).scalar_one()
    asked = {"occurrences": occurrences, "later": later, "last": last, "now": to_micros(now)}
    for statement in sqlite.FIRE:
        connection.execute(text(statement), asked)
    if rows.schedules:
        connection.exec_driver_sql(sqlite.ADVANCE, advances(rows, to_micros(now)))
    enqueueing.settle_fired(connection.exec_driver_sql, last, to_micros(now))


@dataclass(slots=True)
class Released:
    """What became of jobs that waited for a clock."""

    queues: list[str] = field(default_factory=list)
    """The queue of each that is pending now."""
    expired: int = 0
    """How many were called off."""


def release(
    connection: Connection, now: datetime, name: str, until: datetime, limit: int
) -> Released:
    """Make jobs pending that wait for the clock to come to `until`, in the order they are due; call
    off those past which it jumps by more than their grace.
    """
    released = Released()
    due = (
        select(blocked.c.job, blocked.c.expires_at)
        .where(blocked.c.clock == name, blocked.c.due_at <= until)
        .order_by(blocked.c.due_at, blocked.c.job)
        .limit(limit)
    )
    for job, expires_at in connection.execute(due).all():
        if expires_at is not None and expires_at < until:
            with suppress(Conflict, NotFound):
                stored_jobs.cancel(connection, now, job, f"the clock {name} jumped past it")
                released.expired += 1
            continue
        gone = connection.execute(
            delete(blocked)
            .where(blocked.c.job == job)
            .returning(blocked.c.queue, blocked.c.lane, blocked.c.attempt, blocked.c.losses)
        ).first()
        if gone is not None:
            stored_jobs.make_ready(
                connection, now, job, gone.queue, gone.lane, gone.attempt, gone.losses
            )
            released.queues.append(gone.queue)
    return released


@dataclass(slots=True)
class Placed:
    """What became of jobs that were asked for on a clock."""

    queues: list[str] = field(default_factory=list)
    """The queue of each that may run at once."""
    refused: dict[JobId, JobId] = field(default_factory=dict)
    """Of each whose unique key another job has, by id that job."""


def enqueue(connection: Connection, now: datetime, name: str, wanted: Sequence[NewJob]) -> Placed:
    """Book jobs that are due by the clock, if their unique keys are free. Raises NotFound.

    A job that is in the book already is left as it is. The time for which a key is had is the
    wall's.
    """
    clock = lock(connection, now, name)
    placed = Placed()
    for job in wanted:
        if connection.execute(select(jobs.c.id).where(jobs.c.id == job.id)).first() is not None:
            continue
        if not _takes_key(connection, now, job, placed):
            continue
        values = job_values(job)
        connection.execute(
            insert(jobs).values(
                id=job.id, task=job.task, queue=job.queue, lane=values["lane"],
                max_attempts=job.max_attempts, args=values["args"], options=values["options"],
                created_at=now, ties=values["ties"],
            )
        )  # fmt: skip
        marks.write(connection, job.id, values["ties"])
        due_at = job.due_at or (clock.now_at if job.delay is None else clock.now_at + job.delay)
        if due_at <= clock.now_at:
            stored_jobs.make_ready(connection, now, job.id, job.queue, values["lane"], 0, None)
            placed.queues.append(job.queue)
        else:
            connection.execute(
                insert(blocked).values(
                    job=job.id, queue=job.queue, lane=values["lane"], attempt=0, since_at=now,
                    reason=f"due at {due_at.isoformat()} by the clock {name}", clock=name,
                    due_at=due_at, expires_at=None if job.grace is None else due_at + job.grace,
                )
            )  # fmt: skip
    return placed


def _takes_key(connection: Connection, now: datetime, job: NewJob, placed: Placed) -> bool:
    """Whether the job has its unique key, if it has one."""
    unique = job.unique
    if unique is None:
        return True
    holder = keys.take(connection, now, job.id, unique.key, unique.within)
    if holder != job.id and unique.replaces:
        why = {holder: f"replaced by job {job.id}"}
        if stored_jobs.call_off(connection, now, why, windows=True):
            holder = keys.take(connection, now, job.id, unique.key, unique.within)
    if holder != job.id:
        placed.refused[job.id] = holder
    return holder == job.id


def _found(row: Row[Any] | None, name: str) -> Clock:
    if row is None:
        raise NotFound(f"no clock named {name!r}", "clocks")
    return _clock(row)


def _clock(row: Row[Any]) -> Clock:
    return Clock(row.name, row.now_at, row.created_at, row.advanced_at)
