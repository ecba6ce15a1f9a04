"""Which tasks, schedules and queues are known: those that there are, that somebody told of, or of
which a job has ended.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, select

from onbeat.domain.health import Kind
from onbeat.store import queues, tasks
from onbeat.store.schema import health, schedules

MOST: Final = 2_000
"""Names of a kind among which the nearest is looked for."""


def known(connection: Connection, now: datetime, kind: Kind, name: str) -> set[str]:
    """Names of that kind: `name` itself where there is one, and so many others."""
    if kind is Kind.SCHEDULE:
        return _some(connection, schedules.c.name, name)
    found = _some(connection, health.c.subject, name, health.c.kind == kind)
    if kind is Kind.QUEUE:
        return (
            found
            | {*queues.list_names(connection, now)}
            | _some(connection, schedules.c.queue, name)
        )
    return found | {*tasks.list_names(connection, now)}


def _some(connection: Connection, column: Any, name: str, *where: Any) -> set[str]:
    own = connection.scalars(select(column).where(column == name, *where).limit(1))
    return {*own, *connection.scalars(select(column).where(*where).distinct().limit(MOST))}
