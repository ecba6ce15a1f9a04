"""Queues, cold: pause, resume, and how much stands in each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, Table, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from onbeat.domain.queues import COUNT_LIMIT, Queue
from onbeat.store.column_types import from_micros
from onbeat.store.schema import blocked, delayed, leases, queues, ready, sessions


def pause(connection: Connection, now: datetime, name: str, by: str) -> None:
    """Let no more jobs of the queue be claimed; running ones go on."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    connection.execute(insert(queues).values(name=name).on_conflict_do_nothing())
    connection.execute(
        update(queues)
        .where(queues.c.name == name, queues.c.paused_at.is_(None))
        .values(paused_at=now, paused_by=by)
    )


def resume(connection: Connection, now: datetime, name: str) -> None:
    """Let the queue's jobs be claimed again."""
    connection.execute(
        update(queues).where(queues.c.name == name).values(paused_at=None, paused_by=None)
    )


def list_queues(connection: Connection, now: datetime) -> list[Queue]:
    """Every queue that was paused once, has jobs, or is served by a worker; in order of name."""
    known = {row.name: row for row in connection.execute(select(queues))}
    return [_queue(connection, name, known.get(name)) for name in list_names(connection, now)]


def list_names(connection: Connection, now: datetime) -> list[str]:
    """The names of the same."""
    names = set(connection.scalars(select(queues.c.name))) | _served(connection)
    for table in (ready, delayed, blocked, leases):
        names |= _names_in(connection, table)
    return sorted(names)


def waiting(connection: Connection, now: datetime) -> list[Queue]:
    """The queues in which jobs are pending, and since when the next one is; without counts."""
    known = {row.name: row for row in connection.execute(select(queues))}
    return [
        Queue(
            name=name,
            paused_at=known[name].paused_at if name in known else None,
            oldest_at=_oldest(connection, name),
        )
        for name in sorted(_walk_names(connection))
    ]


def served(connection: Connection, now: datetime) -> set[str]:
    """The queues that a worker serves which is heard of."""
    lives = (sessions.c.ended_at.is_(None), sessions.c.expires_at >= now)
    texts = connection.scalars(select(sessions.c.queues).where(*lives))
    return {name for text in texts for name in msgspec.json.decode(text)}


def one(connection: Connection, name: str) -> Queue:
    """The queue of that name; one that nobody has used yet is empty."""
    known = connection.execute(select(queues).where(queues.c.name == name)).first()
    return _queue(connection, name, known)


def _served(connection: Connection) -> set[str]:
    served = connection.scalars(select(sessions.c.queues).where(sessions.c.ended_at.is_(None)))
    return {name for text in served for name in msgspec.json.decode(text)}


def _names_in(connection: Connection, table: Table) -> set[str]:
    """The queues in a table: one step of an index, or of a bounded sample, for each."""
    if table is ready:
        return _walk_names(connection)
    sample = select(table.c.queue).limit(COUNT_LIMIT).subquery()
    return set(connection.scalars(select(sample.c.queue).distinct()))


def _walk_names(connection: Connection) -> set[str]:
    names: set[str] = set()
    found = connection.scalar(select(func.min(ready.c.queue)))
    while found is not None:
        names.add(found)
        found = connection.scalar(select(func.min(ready.c.queue)).where(ready.c.queue > found))
    return names


def count_pending(connection: Connection, name: str) -> int:
    """How many jobs are pending in it, counted up to 10,000."""
    return connection.scalar(_count(ready, name)) or 0


def _queue(connection: Connection, name: str, known: Any) -> Queue:
    return Queue(
        name=name,
        paused_at=known.paused_at if known else None,
        paused_by=known.paused_by if known else None,
        pending=count_pending(connection, name),
        running=connection.scalar(_count(leases, name)) or 0,
        delayed=connection.scalar(_count(delayed, name)) or 0,
        oldest_at=_oldest(connection, name),
    )


def _oldest(connection: Connection, name: str) -> datetime | None:
    """Since when the job has waited that is next."""
    head = (
        select(ready.c.order_key)
        .where(ready.c.queue == name)
        .order_by(ready.c.lane, ready.c.order_key)
        .limit(1)
    )
    oldest = connection.scalar(head)
    return None if oldest is None else from_micros(oldest)


def _count(table: Table, name: str) -> Select[Any]:
    bounded = select(table.c.job).where(table.c.queue == name).limit(COUNT_LIMIT).subquery()
    return select(func.count()).select_from(bounded)
