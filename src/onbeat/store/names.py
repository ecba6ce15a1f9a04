"""Which tasks, schedules and queues are known: those that there are, that somebody told of, or of
which a job has ended.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, select

from onbeat.domain.health import Kind
from onbeat.domain.patterns import is_name
from onbeat.domain.unheard import unfitted
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


def unknown(
    connection: Connection,
    now: datetime,
    wanted: Iterable[tuple[Kind, str]],
    besides: Mapping[Kind, Collection[str]],
) -> list[str]:
    """Which of these names and patterns fit nothing that is known, in words; `besides` is known
    too.
    """
    told = []
    for kind, pattern in wanted:
        names = known(connection, now, kind, pattern) | {*besides.get(kind, ())}
        # Of very many not all were looked at, and a pattern may fit another of them.
        if is_name(pattern) or len(names) < MOST:
            told.append(unfitted(kind, pattern, names))
    return [each for each in told if each is not None]


def _some(connection: Connection, column: Any, name: str, *where: Any) -> set[str]:
    own = connection.scalars(select(column).where(column == name, *where).limit(1))
    return {*own, *connection.scalars(select(column).where(*where).distinct().limit(MOST))}
