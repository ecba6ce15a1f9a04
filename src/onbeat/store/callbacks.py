"""Callbacks, cold: what jobs wait for that a target works on, and what it has said."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from onbeat.domain.callbacks import FORGOTTEN_AFTER, Callback
from onbeat.domain.errors import Conflict, NotFound
from onbeat.domain.jobs import JobId
from onbeat.store import jobs
from onbeat.store.schema import callbacks


def open_for(connection: Connection, now: datetime, job: JobId, wait: timedelta) -> None:
    """Let the job be called back for from now on; what was said already stays."""
    put = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    until = {"expires_at": now + wait}
    made = put(callbacks).values(job=job, **until)
    connection.execute(made.on_conflict_do_update(index_elements=[callbacks.c.job], set_=until))


def accept(connection: Connection, now: datetime, job: JobId, wait: timedelta) -> Callback:
    """The target has taken it, and works on: how it stands, for it may have called back already."""
    connection.execute(
        update(callbacks)
        .where(callbacks.c.job == job)
        .values(accepted_at=now, expires_at=now + wait)
    )
    found = find(connection, now, job)
    return found or Callback(job=job, accepted_at=now, expires_at=now)


def find(connection: Connection, now: datetime, job: JobId) -> Callback | None:
    """What the job waits for, if it does."""
    row = connection.execute(select(callbacks).where(callbacks.c.job == job)).first()
    return None if row is None else _read(row)


def say(connection: Connection, now: datetime, job: JobId, said: str, *, is_done: bool) -> JobId:
    """Note what the target says, once, and wake the job. Raises NotFound where it waits for
    nothing, and Conflict for something else than was said before.
    """
    query = select(callbacks).where(callbacks.c.job == job).with_for_update()
    row = connection.execute(query).first()
    if row is None or not jobs.is_open(connection, job):
        raise NotFound(f"job {job} waits for no callback: it has ended, or was told before")
    if row.said_at is not None:
        if (bool(row.is_done), row.said) != (is_done, said):
            raise Conflict(f"job {job} was told something else before; that holds")
        return job
    connection.execute(
        update(callbacks)
        .where(callbacks.c.job == job)
        .values(said_at=now, is_done=int(is_done), said=said)
    )
    with suppress(Conflict):  # it runs, or its time has come just now: it looks by itself
        jobs.hasten(connection, now, job)
    return job


def expire(connection: Connection, now: datetime, job: JobId) -> Callback | None:
    """Wait no longer for what was not said in time; what the job waits for, if it still does."""
    is_over = callbacks.c.said_at.is_(None) & (callbacks.c.expires_at <= now)
    connection.execute(delete(callbacks).where(callbacks.c.job == job, is_over))
    return find(connection, now, job)


def sweep(connection: Connection, now: datetime) -> None:
    """Forget those whose job has ended."""
    is_old = callbacks.c.expires_at < now - FORGOTTEN_AFTER
    connection.execute(delete(callbacks).where(is_old, ~jobs.stands(callbacks.c.job)))


def _read(row: Row[Any]) -> Callback:
    return Callback(
        job=JobId(row.job), accepted_at=row.accepted_at, expires_at=row.expires_at,
        said_at=row.said_at, is_done=None if row.is_done is None else bool(row.is_done),
        said=None if row.said is None else msgspec.json.decode(row.said),
    )  # fmt: skip
