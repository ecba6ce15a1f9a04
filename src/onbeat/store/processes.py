"""Processes and what is wished of their services, cold: told, listed, wished, noted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, bindparam, delete, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from onbeat.domain.processes import Action, Process, Wish, with_services
from onbeat.domain.services import Snapshot
from onbeat.domain.workers import Session
from onbeat.store.among import among
from onbeat.store.schema import processes, wishes
from onbeat.store.workers import AHEAD, list_sessions

REMEMBERED = timedelta(hours=1)
"""How long a wish stays on record."""

_read = msgspec.json.Decoder(list[Snapshot]).decode


def tell(
    connection: Connection,
    now: datetime,
    process: Process,
    expires_in: timedelta,
    done: Mapping[str, str | None],
) -> list[Wish]:
    """Say that the process lives and how its services stand; what is wished of them.

    `done` are wishes that were seen to, by id why not, or None. Processes whose time is over leave
    the record, and so does what was wished of them: those that live say so before.
    """
    _note(connection, now, done)
    _put(connection, now, process, expires_in)
    _forget(connection, now)
    return wishes_of(connection, now, process.id)


def _put(connection: Connection, now: datetime, process: Process, expires_in: timedelta) -> None:
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    changing = {
        "heartbeat_at": now,
        "expires_at": now + expires_in,
        "services": msgspec.json.encode(process.services).decode(),
    }
    asked = make(processes).values(
        id=process.id, instance=process.instance, host=process.host, pid=process.pid,
        version=process.version, region=process.region, started_at=now, **changing,
    )  # fmt: skip
    connection.execute(asked.on_conflict_do_update(index_elements=[processes.c.id], set_=changing))


def _note(connection: Connection, now: datetime, done: Mapping[str, str | None]) -> None:
    if not done:
        return
    noted = update(wishes).where(wishes.c.id == bindparam("wish"))
    connection.execute(
        noted.values(done_at=now, error=bindparam("why")),
        [{"wish": wish, "why": error} for wish, error in done.items()],
    )
    connection.execute(delete(wishes).where(wishes.c.asked_at < now - REMEMBERED))


def _forget(connection: Connection, now: datetime) -> None:
    is_over = or_(processes.c.expires_at < now, processes.c.heartbeat_at > now + AHEAD)
    # Those that are heard of again at this moment stay: after an outage all of them may be late.
    silent = select(processes.c.id).where(is_over).with_for_update(skip_locked=True)
    for process in connection.scalars(silent).all():
        leave(connection, now, process)


def leave(connection: Connection, now: datetime, process: str) -> None:
    """Take a process off the record, and what is wished of it."""
    connection.execute(delete(processes).where(processes.c.id == process))
    connection.execute(delete(wishes).where(wishes.c.process == process))


def list_processes(connection: Connection, now: datetime) -> list[Process]:
    """The processes that are heard of, the first to start first."""
    lives = processes.c.expires_at >= now
    found = select(processes).where(lives).order_by(processes.c.started_at, processes.c.id)
    return [_process(row) for row in connection.execute(found)]


def list_workers(connection: Connection, now: datetime) -> list[Session]:
    """All live workers, each with its service, and whether that is paused."""
    return with_services(list_sessions(connection, now), list_processes(connection, now))


def wish(connection: Connection, now: datetime, asked: Sequence[Wish]) -> None:
    """Put on record what is wished."""
    connection.execute(
        insert(wishes),
        [
            {"id": each.id, "process": each.process, "service": each.service,
             "action": each.action, "asked_at": now, "asked_by": each.asked_by}
            for each in asked
        ],
    )  # fmt: skip


def wishes_of(connection: Connection, now: datetime, process: str) -> list[Wish]:
    """What is wished of a process and not seen to yet, the first first."""
    open_ones = (wishes.c.process == process) & wishes.c.done_at.is_(None)
    found = select(wishes).where(open_ones).order_by(wishes.c.id)
    return [_wish(row) for row in connection.execute(found)]


def find_wishes(connection: Connection, now: datetime, ids: Collection[str]) -> list[Wish]:
    """Those of the wishes that are on record."""
    found = select(wishes).where(among(connection, wishes.c.id, ids)).order_by(wishes.c.id)
    return [_wish(row) for row in connection.execute(found)]


def _process(row: Row[Any]) -> Process:
    return Process(
        id=row.id, instance=row.instance, host=row.host, pid=row.pid, version=row.version,
        region=row.region, started_at=row.started_at, heartbeat_at=row.heartbeat_at,
        expires_at=row.expires_at, services=tuple(_read(row.services)),
    )  # fmt: skip


def _wish(row: Row[Any]) -> Wish:
    return Wish(
        id=row.id, process=row.process, service=row.service, action=Action(row.action),
        asked_at=row.asked_at, asked_by=row.asked_by, done_at=row.done_at, error=row.error,
    )  # fmt: skip
