"""Who does a singleton duty now: one row each, held for a while.

Correctness never depends on it; it only keeps two from doing the same work.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, or_
from sqlalchemy.dialects import postgresql, sqlite

from onbeat.store.schema import duties


def take(connection: Connection, now: datetime, name: str, holder: str, term: timedelta) -> bool:
    """Take or keep the duty until `term` from now; whether `holder` has it."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    asked = insert(duties).values(name=name, holder=holder, expires_at=now + term)
    taken = asked.on_conflict_do_update(
        index_elements=[duties.c.name],
        set_={"holder": holder, "expires_at": now + term},
        where=or_(duties.c.holder == holder, duties.c.expires_at < now),
    ).returning(duties.c.holder)
    return connection.execute(taken).first() is not None


def give_up(connection: Connection, now: datetime, name: str, holder: str) -> None:
    """Let the next one have the duty at once."""
    connection.execute(delete(duties).where(duties.c.name == name, duties.c.holder == holder))
