"""Who does a singleton duty now: one row each, held for a while.

Correctness never depends on it; it only keeps two from doing the same work.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from onbeat.store.schema import duties

LEAPT = 2
"""Terms: a duty that would last for longer was taken before the store's clock was set back. Whoever
has it keeps it within seconds, with a new term; one that died with it would be waited for.
"""


def take(
    connection: Connection,
    now: datetime,
    name: str,
    holder: str,
    term: timedelta,
    *,
    is_neglected: bool = False,
) -> bool:
    """Take or keep the duty until `term` from now; whether `holder` has it.

    One that `is_neglected` is taken from whoever has it.
    """
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    asked = insert(duties).values(name=name, holder=holder, expires_at=now + term)
    is_over = or_(duties.c.expires_at < now, duties.c.expires_at > now + LEAPT * term)
    may_be_had = or_(duties.c.holder == holder, is_over)
    taken = asked.on_conflict_do_update(
        index_elements=[duties.c.name],
        set_={"holder": holder, "expires_at": now + term},
        where=None if is_neglected else may_be_had,
    ).returning(duties.c.holder)
    return connection.execute(taken).first() is not None


def held_by_another(name: str, holder: str, now: ColumnElement[datetime]) -> Select[Any]:
    """Until when (`expires_at`) the duty will be another's, and the moment (`now`); no row when
    `holder` may take it.

    Asked with a lock, so that it fails as taking would, where nothing can be written.
    """
    others = (duties.c.name == name) & (duties.c.holder != holder) & (duties.c.expires_at >= now)
    duty = select(duties.c.expires_at, now.label("now")).where(others)
    return duty.with_for_update(read=True, key_share=True, of=duties)


def is_held(connection: Connection, now: datetime, name: str) -> bool:
    """Whether somebody has the duty, or died with it less than its term ago."""
    held = select(duties.c.holder).where(duties.c.name == name, duties.c.expires_at >= now)
    return connection.execute(held).first() is not None


NOBODY: Final = ""
"""Who holds a duty that was given up."""


def give_up(connection: Connection, now: datetime, name: str, holder: str) -> None:
    """Let the next one have the duty at once; when it was given up stays on record."""
    own = update(duties).where(duties.c.name == name, duties.c.holder == holder)
    connection.execute(own.values(holder=NOBODY, expires_at=now - timedelta.resolution))


@dataclass(frozen=True, slots=True)
class Left:
    """A duty that nobody has."""

    at: datetime
    """When its term was over, or it was given up."""
    is_given_up: bool


def left(connection: Connection, now: datetime, name: str) -> Left | None:
    """Since when nobody has the duty; None where somebody does, or nobody ever had."""
    row = connection.execute(
        select(duties).where(duties.c.name == name, duties.c.expires_at < now)
    ).first()
    return None if row is None else Left(row.expires_at, row.holder == NOBODY)
