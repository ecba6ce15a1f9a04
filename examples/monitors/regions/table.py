"""The users' own table of monitors: what is due, found by its index; when each is due next.

Moments are in UTC, without a zone, as both engines keep them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Engine,
    Float,
    Index,
    Integer,
    MetaData,
    Select,
    Table,
    Text,
    bindparam,
    create_engine,
    func,
    select,
    update,
)
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from onbeat import sqlite_engine

POOL = 5
"""Connections to PostgreSQL that are kept open; one cycle uses one."""

tables = MetaData()
monitors = Table(
    "monitors",
    tables,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("criticality", Text, nullable=False),
    Column("preferred_region", Text),
    Column("check_interval_minutes", Float, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("next_check_at", DateTime, nullable=False),
    Column("last_scheduled_at", DateTime),
    Column("problem", Text),
    sqlite_autoincrement=True,
)
Index(
    "monitors_due",
    monitors.c.next_check_at,
    sqlite_where=monitors.c.is_active.is_(True),
    postgresql_where=monitors.c.is_active.is_(True),
)

SCHEDULED = (
    update(monitors)
    .where(monitors.c.id == bindparam("this"))
    .values({name: bindparam(f"new_{name}") for name in (
        "is_active", "next_check_at", "last_scheduled_at", "problem"
    )})
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Due:
    """A monitor whose time has come, as its row has it."""

    id: int
    name: str
    url: str
    criticality: str
    preferred_region: str | None
    check_interval_minutes: float
    next_check_at: datetime


READ = tuple(monitors.c[name] for name in Due.__dataclass_fields__)


def open_table(url: str) -> Engine:
    """Pooled connections to the database that Onbeat is on too."""
    if url.startswith("sqlite"):
        return sqlite_engine(url)
    return create_engine(make_url(url).set(drivername="postgresql+psycopg"), pool_size=POOL)


def utc_now() -> datetime:
    """The moment it is."""
    return datetime.now(UTC).replace(tzinfo=None)


def due_at(now: datetime) -> Select[Any]:
    """All that is active and whose time has passed, what has waited longest first."""
    # `IS true` word for word as in the index: else SQLite would not take it.
    is_due = monitors.c.is_active.is_(True) & (monitors.c.next_check_at <= now)
    return select(*READ).where(is_due).order_by(monitors.c.next_check_at)


def take_due(session: Session, now: datetime, most: int) -> list[Due]:
    """So many of these, which nobody else takes until the transaction ends."""
    # On SQLite there is one writer at a time, and it renders no FOR UPDATE.
    query = due_at(now).limit(most).with_for_update(skip_locked=True)
    return [Due(*row) for row in session.execute(query)]


def count_due(session: Session, now: datetime) -> int:
    """How many wait for their check."""
    return session.scalar(select(func.count()).select_from(due_at(now).subquery())) or 0


def write_scheduled(session: Session, changes: Iterable[Mapping[str, Any]]) -> None:
    """Write back in one batch when each was scheduled, and when it is due next."""
    if rows := list(changes):
        session.connection().execute(SCHEDULED, rows)


def next_check(due: datetime, every: timedelta, now: datetime) -> datetime:
    """The first of its moments after `now`: what was missed is not made up for one by one."""
    return due + ((now - due) // every + 1) * every
