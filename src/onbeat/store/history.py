"""What is remembered of runs: attempts, their log lines, their progress."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Row, and_, bindparam, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from onbeat.domain.attempts import Attempt, Failure, LogLine
from onbeat.domain.jobs import JobId
from onbeat.domain.json_text import compact
from onbeat.domain.states import State
from onbeat.store.among import among
from onbeat.store.schema import attempts, finished, leases, logs
from onbeat.store.texts import storable_json

SET_BACK = timedelta(days=1)
"""So far the clock may have been set back since a job was asked for."""

_failure = msgspec.json.Decoder(Failure)


class LinePlace(NamedTuple):
    """Where a line stands."""

    token: int
    """Of its attempt."""
    line: int
    """Its number within that."""


@dataclass(frozen=True, slots=True)
class StoredLine:
    """A log line and the attempt it belongs to."""

    job: JobId
    token: int
    number: int
    """Its place among the attempt's lines, from 1."""
    line: LogLine


@dataclass(frozen=True, slots=True)
class StoredProgress:
    """How far a running attempt has come."""

    token: int
    fraction: float | None
    note: str | None


def write_lines(connection: Connection, now: datetime, lines: Sequence[StoredLine]) -> None:
    """Keep log lines; those that are kept already, because an answer was lost, are passed over."""
    if lines:
        own = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        kept = own(logs).on_conflict_do_nothing()
        connection.execute(kept, [_line_row(stored) for stored in lines])


def _line_row(stored: StoredLine) -> dict[str, Any]:
    line = stored.line
    return {
        "job": stored.job,
        "token": stored.token,
        "line": stored.number,
        "at": line.at,
        "level": line.level,
        "message": line.message,
        "fields": storable_json(line.fields),
    }


def write_progress(connection: Connection, now: datetime, told: Sequence[StoredProgress]) -> None:
    """Keep how far running attempts have come; those that ended meanwhile are passed over."""
    if told:
        connection.execute(
            update(leases)
            .where(leases.c.token == bindparam("of_token"))
            .values(progress=bindparam("fraction"), note=bindparam("told_note")),
            [
                {"of_token": each.token, "fraction": each.fraction, "told_note": each.note}
                for each in told
            ],
        )


def list_attempts(connection: Connection, now: datetime, job: JobId) -> list[Attempt]:
    """A job's ended attempts, oldest first."""
    query = select(attempts).where(attempts.c.job == job).order_by(attempts.c.token)
    return [_attempt(row) for row in connection.execute(query)]


def result_of(connection: Connection, now: datetime, job: JobId) -> Attempt | None:
    """A job's last ended attempt."""
    query = select(attempts).where(attempts.c.job == job).order_by(attempts.c.token.desc())
    row = connection.execute(query.limit(1)).first()
    return None if row is None else _attempt(row)


def last_began(
    connection: Connection, now: datetime, job: JobId, asked_at: datetime
) -> datetime | None:
    """When the last ended attempt began of a job that was asked for at `asked_at`; None without
    one. Nothing ended before that: PostgreSQL looks into no day's partition of before.
    """
    its = (attempts.c.job == job) & (attempts.c.finished_at >= asked_at - SET_BACK)
    began: datetime | None = connection.scalar(select(func.max(attempts.c.started_at)).where(its))
    return began


def results_of(connection: Connection, now: datetime, wanted: Sequence[JobId]) -> dict[JobId, str]:
    """The results of those of the jobs that completed, as JSON."""
    rows = connection.execute(
        select(attempts.c.job, attempts.c.result)
        .join(finished, finished.c.job == attempts.c.job)
        .where(
            among(connection, attempts.c.job, wanted),
            attempts.c.outcome == "succeeded",
            finished.c.outcome == str(State.COMPLETED),
        )
        .order_by(attempts.c.token)
    )
    return {JobId(row.job): row.result or "null" for row in rows}


def _attempt(row: Row[Any]) -> Attempt:
    error = None if row.error is None else _failure.decode(row.error)
    return Attempt(
        job=JobId(row.job),
        attempt=row.attempt,
        token=row.token,
        session=row.session,
        outcome=row.outcome,
        started_at=row.started_at,
        finished_at=row.finished_at,
        reason=row.reason,
        error=error,
        result=None if row.result is None else compact(row.result),
    )


def list_lines(
    connection: Connection, now: datetime, job: JobId, *, limit: int = 1_000,
    before: LinePlace | None = None,
) -> list[StoredLine]:  # fmt: skip
    """A job's last `limit` log lines in the order they were written, attempt after attempt; of
    those before one, where that is given.
    """
    newest_first = (logs.c.token.desc(), logs.c.line.desc())
    query = select(logs).where(logs.c.job == job).order_by(*newest_first).limit(limit)
    if before is not None:
        token, line = before
        query = query.where(
            or_(logs.c.token < token, and_(logs.c.token == token, logs.c.line < line))
        )
    return [_stored(row) for row in reversed(connection.execute(query).all())]


def _stored(row: Row[Any]) -> StoredLine:
    line = LogLine(at=row.at, level=row.level, message=row.message, fields=compact(row.fields))
    return StoredLine(JobId(row.job), row.token, row.line, line)
