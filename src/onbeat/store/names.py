"""Which tasks, schedules and queues are known: those that there are, that somebody told of, or of
which a job has ended; and which tags they have, or jobs that are kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, select

from onbeat.domain.health import Kind
from onbeat.domain.marks import tags_in
from onbeat.domain.patterns import is_name
from onbeat.domain.unheard import fits_any, unfitted
from onbeat.store import marks, queues, tasks
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


def unknown_tags(
    connection: Connection, now: datetime, wanted: Iterable[str], in_code: Collection[str]
) -> list[str]:
    """Which of these tags and patterns fit none that a task, a schedule or a job has, in words.

    Tasks are few, and asked first. Of schedules the different texts of their ties are read, and of
    jobs the index of tags is gone through from one tag to the next: however many have one, it is
    one step. Of very many not all are looked at, and nothing is said.
    """
    known = {*in_code, *tasks.list_tags(connection)}
    left = [each for each in wanted if not fits_any(each, known)]
    if not left:
        return []
    ties = connection.scalars(
        select(schedules.c.ties).where(schedules.c.ties.is_not(None)).distinct().limit(MOST)
    ).all()
    of_jobs = marks.list_tags(connection, MOST)
    known |= {*of_jobs, *(tag for each in ties for tag in tags_in(each))}
    if max(len(ties), len(of_jobs)) >= MOST:
        return []
    return [each for each in (unfitted("tag", tag, known) for tag in left) if each is not None]


def _some(connection: Connection, column: Any, name: str, *where: Any) -> set[str]:
    own = connection.scalars(select(column).where(column == name, *where).limit(1))
    return {*own, *connection.scalars(select(column).where(*where).distinct().limit(MOST))}
