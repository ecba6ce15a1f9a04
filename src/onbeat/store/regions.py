"""Regions, cold: how their queues are, and moving what is stranded in one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Table,
    delete,
    func,
    insert,
    or_,
    select,
    text,
    update,
)

from onbeat.domain.jobs import JobId
from onbeat.domain.regions import (
    Health,
    Healths,
    Regions,
    RegionState,
    Route,
    moves_at,
    open_queues,
    read_regions,
    refusal,
    route,
)
from onbeat.store.column_types import to_micros
from onbeat.store.declaring import be_alone
from onbeat.store.payloads import encode
from onbeat.store.schema import blocked, jobs, queues, ready, regions, sessions

MOVED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Look:
    """How the queues were at a moment."""

    health: Healths
    now: datetime


@dataclass(frozen=True, slots=True)
class Wish:
    """Which jobs of a queue are meant: those wanted in `asked`; None for those wanted in none of
    the regions that are `known`.
    """

    asked: str | None
    known: Sequence[str]


def declare(connection: Connection, now: datetime, wanted: Regions, source: str) -> None:
    """Bring the regions of an application to what it says."""
    be_alone(connection)
    said = encode(wanted.spec()).decode()
    rows = {**wanted.by_queue, wanted.default: None}
    known = {row.queue for row in connection.execute(select(regions.c.queue))}
    connection.execute(
        delete(regions).where(regions.c.source == source, regions.c.queue.not_in(rows))
    )
    for queue, region in rows.items():
        values = {"region": region, "source": source, "said": said}
        if queue in known:
            connection.execute(update(regions).where(regions.c.queue == queue).values(**values))
        else:
            connection.execute(insert(regions).values(queue=queue, declared_at=now, **values))


def look(connection: Connection, now: datetime, wanted: Regions) -> Look:
    """How the queues are: one look at all workers, and a bounded count for each queue."""
    names = [*wanted.queues.values(), wanted.default]
    working, heard = _heard(connection, now)
    paused = set(
        connection.scalars(
            select(queues.c.name).where(queues.c.name.in_(names), queues.c.paused_at.is_not(None))
        )
    )
    served = {
        row.queue: row.served_at
        for row in connection.execute(select(regions.c.queue, regions.c.served_at))
    }
    backlogs = _backlogs(connection, names, wanted.backlog)
    health = {
        name: Health(
            working.get(name, 0),
            max(filter(None, (heard.get(name), served.get(name))), default=None),
            backlog,
            name in paused,
        )
        for name, backlog in zip(names, backlogs, strict=True)
    }
    return Look(health, now)


def _heard(connection: Connection, now: datetime) -> tuple[dict[str, int], dict[str, datetime]]:
    """How many live workers serve each queue, and when one that does was last heard."""
    working: dict[str, int] = {}
    heard: dict[str, datetime] = {}
    columns = (sessions.c.queues, sessions.c.heartbeat_at, sessions.c.expires_at,
               sessions.c.ended_at)  # fmt: skip
    for row in connection.execute(select(*columns).where(sessions.c.draining == 0)):
        lives = row.ended_at is None and row.expires_at >= now
        for name in msgspec.json.decode(row.queues):
            heard[name] = max(heard.get(name, row.heartbeat_at), row.heartbeat_at)
            working[name] = working.get(name, 0) + lives
    return working, heard


def _backlogs(connection: Connection, names: Sequence[str], most: int) -> list[int]:
    counts = []
    for name in names:
        mine = select(ready.c.job).where(ready.c.queue == name).limit(most + 1).subquery()
        counts.append(select(func.count()).select_from(mine).scalar_subquery())
    return list(connection.execute(select(*counts)).one())


def see(connection: Connection, now: datetime, wanted: Regions) -> Look:
    """The same, and note which queues are served now."""
    seen = look(connection, now, wanted)
    served = [name for name, health in seen.health.items() if health.workers]
    connection.execute(update(regions).where(regions.c.queue.in_(served)).values(served_at=now))
    return seen


def declared_at(connection: Connection, now: datetime) -> dict[str, datetime]:
    """Since when each queue is on record."""
    rows = connection.execute(select(regions.c.queue, regions.c.declared_at))
    return {row.queue: row.declared_at for row in rows}


def list_regions(connection: Connection, now: datetime) -> list[RegionState]:
    """All regions on record, each application's default queue last."""
    rows = connection.execute(
        select(regions).order_by(regions.c.source, regions.c.region.is_(None), regions.c.region)
    ).all()
    return [_state(connection, now, row) for row in rows]


def of_queue(
    connection: Connection, now: datetime, queue: str, asked: str | None
) -> RegionState | None:
    """The region whose queue it is, as for a job wanted in `asked`; None where it is none's."""
    row = connection.execute(select(regions).where(regions.c.queue == queue)).first()
    return None if row is None else _state(connection, now, row, asked)


def _state(
    connection: Connection, now: datetime, row: Row[Any], asked: str | None = None
) -> RegionState:
    said = read_regions(_text(row.said))
    seen = look(connection, now, said)
    health = seen.health[row.queue]
    wanted = row.region or (asked if asked in said.queues else None)
    to = route(wanted, said, seen.health, 0, now)
    return RegionState(
        region=row.region,
        queue=row.queue,
        health=health,
        refusal=refusal(said, health, now),
        goes_to=to.queue,
        moves_at=moves_at(said, health, row.declared_at),
        spread=said.spread,
        spread_over=() if row.region is not None else open_queues(said, seen.health, now),
    )


def _text(said: Any) -> str:
    return said if isinstance(said, str) else encode(said).decode()


def move(
    connection: Connection,
    now: datetime,
    queue: str,
    to: Route,
    why: str,
    wish: Wish | None = None,
) -> list[JobId]:
    """Move jobs that are pending in `queue`, or wait there for a slot, to another; at most 500.

    What somebody else has in hand is left to them. Those that are to run later are moved when they
    are pending.
    """
    for table in (ready, blocked):
        moved = _move(connection, now, table, queue, to.queue, wish)
        if moved:
            _note(connection, moved, to, {"moved_from": queue, "moved_at": now.isoformat(),
                                          "region": to.region, "why": why})  # fmt: skip
            return moved
    return []


def _move(
    connection: Connection, now: datetime, table: Table, queue: str, to: str, wish: Wish | None
) -> list[JobId]:
    wanted = select(table.c.job).where(table.c.queue == queue)
    if wish is not None:
        wanted = wanted.where(_wishes(connection, table, wish))
    if table is blocked:
        wanted = wanted.where(blocked.c.slot.is_not(None))
    else:
        wanted = wanted.order_by(ready.c.lane, ready.c.order_key, ready.c.job)
    found = connection.scalars(wanted.limit(MOVED_AT_ONCE).with_for_update(skip_locked=True)).all()
    if not found:
        return []
    mine = (table.c.job.in_(found)) & (table.c.queue == queue)
    gone = connection.execute(delete(table).where(mine).returning(*table.c)).mappings().all()
    again = {"queue": to} if table is blocked else {"queue": to, "order_key": to_micros(now)}
    connection.execute(insert(table), [{**row, **again} for row in gone])
    return [JobId(row["job"]) for row in gone]


def _wishes(connection: Connection, table: Table, wish: Wish) -> ColumnElement[bool]:
    """Whether a job was wanted there; a subquery, for a join would lock the book's rows too."""
    kept = jobs.c.options
    asked = (
        func.jsonb_extract_path_text(kept, "route", "asked")
        if connection.dialect.name == "postgresql"
        else func.json_extract(kept, "$.route.asked")
    )
    mine = select(asked).where(jobs.c.id == table.c.job).scalar_subquery()
    if wish.asked is not None:
        return mine == wish.asked
    return or_(mine.is_(None), mine.not_in(wish.known))


_NOTE = {
    "postgresql": """
        UPDATE onbeat_jobs SET queue = :queue, options = coalesce(options, CAST('{}' AS jsonb))
            || jsonb_build_object('route', coalesce(options -> 'route', CAST('{}' AS jsonb))
                                  || CAST(CAST(:route AS text) AS jsonb))
        WHERE id = ANY (ARRAY(SELECT CAST(value AS uuid) FROM jsonb_array_elements_text(
            CAST(CAST(:jobs AS text) AS jsonb))))
    """,
    "sqlite": """
        UPDATE onbeat_jobs SET queue = :queue,
            options = json_patch(coalesce(options, '{}'), json_object('route', json(:route)))
        WHERE id IN (SELECT value FROM json_each(:jobs))
    """,
}


def _note(
    connection: Connection, moved: Sequence[JobId], to: Route, told: dict[str, str | None]
) -> None:
    """Say in the book where the jobs are now, and where they were."""
    values = {
        "queue": to.queue,
        "route": encode(told).decode(),
        "jobs": encode(list(moved)).decode(),
    }
    connection.execute(text(_NOTE[connection.dialect.name]), values)
