"""Counts that the fleet shares: how often something is asked for, how often a secret is guessed at.

A row is there before it is counted on, so that whoever comes at the same time waits for its lock.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.dialects import postgresql, sqlite

from onbeat.store.schema import guesses


def allow(
    connection: Connection, now: datetime, subject: str, most: int, window: timedelta
) -> timedelta:
    """Count one more; how long to wait where it is more than `most` in the window, else nothing.

    A window begins with the first that comes after the one before is over.
    """
    found = locked(connection, now, subject)
    if found.closed_until is None or found.closed_until <= now:
        count(connection, now, subject, 1, now + window)
    elif found.times >= most:
        return timedelta(seconds=(found.closed_until - now).total_seconds())
    else:
        count(connection, now, subject, found.times + 1, found.closed_until)
    return timedelta()


def locked(connection: Connection, now: datetime, subject: str) -> Row[Any, Any]:
    """How often (`times`), and until when it is shut (`closed_until`); others wait for us."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    fresh = insert(guesses).values(subject=subject, count=0, last_at=now)
    connection.execute(fresh.on_conflict_do_nothing())
    wanted = select(guesses.c["count"].label("times"), guesses.c.closed_until)
    return connection.execute(wanted.where(guesses.c.subject == subject).with_for_update()).one()


def count(
    connection: Connection, now: datetime, subject: str, times: int, closed_until: datetime | None
) -> None:
    """Set what `locked` gave."""
    connection.execute(
        update(guesses)
        .where(guesses.c.subject == subject)
        .values(count=times, last_at=now, closed_until=closed_until)
    )
