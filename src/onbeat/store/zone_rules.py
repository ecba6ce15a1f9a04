"""Which editions of the world's zone rules the schedulers that live have.

A host with older rules would plan moments that are not the schedule's any longer. So it leaves them
to the others, as long as there are any.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from onbeat.store.duties import take
from onbeat.store.schema import duties

PREFIX = "zone rules "

TERM = timedelta(seconds=90)
"""How long an edition is believed to be there without being told of again."""


def tell(connection: Connection, now: datetime, rules: str) -> str:
    """Say that somebody has that edition; the newest that anybody has."""
    take(connection, now, PREFIX + rules, "schedulers", TERM)
    newest = newest_told(connection, now)
    assert newest is not None  # noqa: S101 - it has just been told
    return newest


def newest_told(connection: Connection, now: datetime) -> str | None:
    """The newest edition that a scheduler which lives has."""
    newest: str | None = connection.scalar(
        select(func.max(duties.c.name)).where(
            duties.c.name.startswith(PREFIX, autoescape=True), duties.c.expires_at >= now
        )
    )
    return None if newest is None else newest.removeprefix(PREFIX)
