"""Unique keys, cold: taken, let go, forgotten. The primary key decides who has one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, case, delete, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from onbeat.domain.jobs import JobId
from onbeat.domain.ties import TieKind, keys_of
from onbeat.store.schema import deadlines, uniques

HAD_AGAIN = (TieKind.UNIQUE, TieKind.WAITING)
"""Keys that a job has again when it is run again; a time it was alone in is over or goes on."""


def take(
    connection: Connection, now: datetime, job: JobId, key: str, within: timedelta | None = None
) -> JobId:
    """Take the key for the job, if it is free; whoever has it now."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    until = None if within is None else now + within
    asked = insert(uniques).values(key=key, job=job, expires_at=until)
    is_over = uniques.c.expires_at <= now
    taken = asked.on_conflict_do_update(
        index_elements=[uniques.c.key],
        set_={
            "job": case((is_over, asked.excluded.job), else_=uniques.c.job),
            "expires_at": case((is_over, asked.excluded.expires_at), else_=uniques.c.expires_at),
        },
    ).returning(uniques.c.job)
    return JobId(connection.execute(taken).scalar_one())


def take_again(connection: Connection, now: datetime, job: JobId, ties: str | None) -> JobId | None:
    """Take the keys of a job that is to run again; the job that has one of them, if any has."""
    for key in [key for kind in HAD_AGAIN for key in keys_of(ties, kind)]:
        holder = take(connection, now, job, key)
        if holder != job:
            return holder
    return None


def take_for_schedule(
    connection: Connection, now: datetime, job: JobId, ties: str | None
) -> JobId | None:
    """Take the keys that the jobs of a schedule have; the job that has one of them, if any has."""
    for text in keys_of(ties, TieKind.WITHIN):
        duration, _, key = text.partition(":")
        holder = take(connection, now, job, key, timedelta(microseconds=int(duration)))
        if holder != job:
            return holder
    return take_again(connection, now, job, ties)


def let_go(
    connection: Connection, ended: Mapping[JobId, str | None], *, windows: bool = False
) -> None:
    """Free the keys of jobs that end without having run, and forget their deadlines.

    `ended` are their ties by id. With `windows`, keys that they have for a time are freed too.
    """
    kinds = (*HAD_AGAIN, TieKind.WITHIN) if windows else HAD_AGAIN
    pairs = [
        (key.rpartition(":")[2], job)
        for job, ties in ended.items()
        for kind in kinds
        for key in keys_of(ties, kind)
    ]
    if pairs:
        connection.execute(delete(uniques).where(tuple_(uniques.c.key, uniques.c.job).in_(pairs)))
    dated = [job for job, ties in ended.items() if keys_of(ties, TieKind.EXPIRES)]
    if dated:
        connection.execute(delete(deadlines).where(deadlines.c.job.in_(dated)))


MOST_FORGOTTEN = 5_000


def forget_expired(connection: Connection, now: datetime) -> int:
    """Delete keys whose time is over, a bounded number; how many."""
    over = (
        select(uniques.c.key)
        .where(uniques.c.expires_at <= now)
        .order_by(uniques.c.expires_at)
        .limit(MOST_FORGOTTEN)
    )
    if connection.execute(over.limit(1)).first() is None:
        return 0
    still_over = uniques.c.key.in_(over.scalar_subquery()) & (uniques.c.expires_at <= now)
    return connection.execute(delete(uniques).where(still_over)).rowcount
