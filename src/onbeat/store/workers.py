"""Worker sessions, cold: begun, drained, ended, and found dead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import (
    Connection,
    Integer,
    Row,
    ScalarSelect,
    Text,
    cast,
    delete,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    table,
    update,
)

from onbeat.domain.jobs import JobId
from onbeat.domain.workers import Held, Session, StopRequest
from onbeat.store.payloads import encode
from onbeat.store.schema import leases, sessions

REMEMBERED = timedelta(seconds=60)
"""How long an ended session stays on record: a claim it sent before may be committed after, up to
the server's deadline of 30 s for a statement.
"""


AHEAD = timedelta(seconds=60)
"""How far in the future a heartbeat must lie to be from before a clock was set back."""


@dataclass(frozen=True, slots=True)
class LostLease:
    """A lease whose session is gone."""

    token: int
    job: JobId
    task: str
    queue: str
    attempt: int
    session: str
    stop_asked: str | None
    losses: int
    """How many workers have died under the job before."""
    may_have_begun: bool
    """Whether it may have killed its worker: not where it was to be told that it begins, and was
    not."""


def begin(connection: Connection, now: datetime, session: Session, expires_in: timedelta) -> None:
    """Put a new session on record; it may claim from now on."""
    connection.execute(
        insert(sessions).values(
            id=session.id,
            instance=session.instance,
            host=session.host,
            pid=session.pid,
            version=session.version,
            queues=encode(list(session.queues)).decode(),
            slots=session.slots,
            region=session.region,
            started_at=now,
            heartbeat_at=now,
            expires_at=now + expires_in,
            draining=0,
        )
    )


def drain(connection: Connection, now: datetime, session: str) -> None:
    """Show that the session takes no more jobs."""
    connection.execute(update(sessions).where(sessions.c.id == session).values(draining=1))


def end(connection: Connection, now: datetime, session: str) -> None:
    """End the session; leases it may still have are found by the rescue."""
    connection.execute(update(sessions).where(sessions.c.id == session).values(ended_at=now))


def expire(connection: Connection, now: datetime) -> list[str]:
    """End the sessions whose time is over: from here on they are dead, whatever they do.

    So are those that were last heard in the future: the clock was set back since, and of a worker
    that lives one would have heard again. Whoever calls this has waited for a term.
    """
    silent = or_(sessions.c.expires_at < now, sessions.c.heartbeat_at > now + AHEAD)
    over = silent & sessions.c.ended_at.is_(None)
    held = select(func.count()).where(leases.c.session == sessions.c.id).scalar_subquery()
    gone = connection.execute(
        update(sessions).where(over).values(ended_at=now, lost=held).returning(sessions.c.id)
    )
    ended = [row.id for row in gone]
    forget(connection, now)
    return ended


def adopt(connection: Connection, now: datetime) -> None:
    """Put on record, as ended, the sessions of leases whose session is not: then they are rescued.

    An Onbeat of before schema 0002, and a hand in the database, take sessions off the record.
    """
    known = exists().where(sessions.c.id == leases.c.session)
    found = connection.scalars(select(leases.c.session).where(~known).distinct()).all()
    for session in found:
        connection.execute(
            insert(sessions).values(
                id=session, instance="", host="", pid=0, version="", queues="[]", slots=0,
                started_at=now, heartbeat_at=now, expires_at=now, draining=1, ended_at=now,
            )
        )  # fmt: skip


def forget(connection: Connection, now: datetime) -> None:
    """Take off the record the sessions that ended so long ago that nothing of theirs can come."""
    over = sessions.c.ended_at < now - REMEMBERED
    is_held = exists().where(leases.c.session == sessions.c.id)
    connection.execute(delete(sessions).where(over & ~is_held))


def first_to_expire(connection: Connection, now: datetime) -> timedelta | None:
    """How long until the first session's time is over, if it is not heard of; None without any."""
    first = select(func.min(sessions.c.expires_at)).where(
        sessions.c.expires_at >= now, sessions.c.ended_at.is_(None)
    )
    expires_at: datetime | None = connection.scalar(first)
    return None if expires_at is None else expires_at - now


def first_left_lying() -> tuple[ScalarSelect[Any], ScalarSelect[Any]]:
    """Since when there has been something to rescue, or will be if a session is not heard of again:
    the first end of a session that is not on record yet, and of one with leases not given back.
    """
    is_held = exists().where(leases.c.session == sessions.c.id)
    lives = sessions.c.ended_at.is_(None)
    return (
        select(func.min(sessions.c.expires_at)).where(lives).scalar_subquery(),
        select(func.min(sessions.c.ended_at)).where(~lives & is_held).scalar_subquery(),
    )


@dataclass(frozen=True, slots=True)
class HeldLease:
    """A lease of a session that lives."""

    token: int
    attempt: int


def leases_of(connection: Connection, session: str) -> list[HeldLease]:
    """All that is leased to a session."""
    held = select(leases.c.token, leases.c.attempt).where(leases.c.session == session)
    return [HeldLease(row.token, row.attempt) for row in connection.execute(held)]


def lost_leases(connection: Connection, now: datetime, limit: int) -> list[LostLease]:
    """Leases whose session has ended, found by the few such sessions: among all leases, and all
    that vacuum has left of them, one would look in vain, every few seconds.
    """
    ended = connection.scalars(select(sessions.c.id).where(sessions.c.ended_at.is_not(None)))
    lost = select(leases).where(leases.c.session.in_(ended.all())).limit(limit)
    return [_lost(row) for row in connection.execute(lost).all()]


def _lost(row: Row[Any]) -> LostLease:
    return LostLease(
        row.token, JobId(row.job), row.task, row.queue, row.attempt, row.session, row.stop_asked,
        row.losses or 0, may_have_begun=row.losses is None or row.begun_at is not None,
    )  # fmt: skip


def list_stops(connection: Connection, now: datetime, session: str) -> list[StopRequest]:
    """The running jobs of a session that are asked to stop."""
    asked = select(leases.c.token, leases.c.stop_asked).where(
        leases.c.session == session, leases.c.stop_asked.is_not(None)
    )
    return [StopRequest(row.token, row.stop_asked) for row in connection.execute(asked)]


def tell_begun(connection: Connection, now: datetime, token: int) -> bool:
    """Put on record that a job begins that has lost a worker before; False if the lease is gone."""
    told = update(leases).where(leases.c.token == token).values(begun_at=now)
    return connection.execute(told).rowcount == 1


def connections_in_use(connection: Connection, now: datetime) -> tuple[int, int]:
    """How many clients are connected to the PostgreSQL server, and how many may be."""
    used = (
        select(func.count())
        .select_from(table("pg_stat_activity"))
        .where(literal_column("backend_type") == "client backend")
    )
    most = cast(func.current_setting("max_connections", type_=Text), Integer)
    row = connection.execute(select(used.scalar_subquery(), most)).one()
    return row[0], row[1]


def list_sessions(connection: Connection, now: datetime) -> list[Session]:
    """All live sessions and how many jobs each runs."""
    held = select(leases.c.session, func.count().label("running")).group_by(leases.c.session)
    counted = held.subquery()
    query = (
        select(sessions, func.coalesce(counted.c.running, 0).label("running"))
        .outerjoin_from(sessions, counted, counted.c.session == sessions.c.id)
        .where(sessions.c.ended_at.is_(None))
        .order_by(sessions.c.started_at)
    )
    return [_session(row) for row in connection.execute(query)]


def list_held(connection: Connection, now: datetime, most: int) -> list[Held]:
    """Up to `most` of the jobs that run, those that have run longest first."""
    shown = (leases.c.session, leases.c.job, leases.c.task, leases.c.queue, leases.c.attempt)
    query = select(*shown, leases.c.started_at).order_by(leases.c.started_at, leases.c.token)
    return [
        Held(
            session=row.session, job=row.job, task=row.task, queue=row.queue,
            attempt=row.attempt, started_at=row.started_at,
        )
        for row in connection.execute(query.limit(most))
    ]  # fmt: skip


def _session(row: Row[Any]) -> Session:
    return Session(
        id=row.id,
        instance=row.instance,
        host=row.host,
        pid=row.pid,
        version=row.version,
        queues=tuple(msgspec.json.decode(row.queues)),
        slots=row.slots,
        region=row.region,
        started_at=row.started_at,
        heartbeat_at=row.heartbeat_at,
        expires_at=row.expires_at,
        draining=bool(row.draining),
        running=row.running,
    )
