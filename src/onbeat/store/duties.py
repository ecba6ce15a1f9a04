"""Who does a singleton duty now: one row each, held for a while.

Correctness never depends on it; it only keeps two from doing the same work.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from onbeat.store.schema import duties


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
    may_be_had = or_(duties.c.holder == holder, duties.c.expires_at < now)
    taken = asked.on_conflict_do_update(
        index_elements=[duties.c.name],
        set_={"holder": holder, "expires_at": now + term},
        where=None if is_neglected else may_be_had,
    ).returning(duties.c.holder)
    return connection.execute(taken).first() is not None


def held_for(connection: Connection, now: datetime, name: str, holder: str) -> timedelta | None:
    """How long the duty will still be another's; None when `holder` may take it.

    Asked with a lock, so that it fails as taking would, where nothing can be written.
    """
    duty = select(duties.c.holder, duties.c.expires_at).where(duties.c.name == name)
    row = connection.execute(duty.with_for_update(read=True, key_share=True)).first()
    if row is None or row.holder == holder or row.expires_at < now:
        return None
    left: timedelta = row.expires_at - now
    return left


def give_up(connection: Connection, now: datetime, name: str, holder: str) -> None:
    """Let the next one have the duty at once."""
    connection.execute(delete(duties).where(duties.c.name == name, duties.c.holder == holder))
