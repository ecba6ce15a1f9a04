"""What workers know of their tasks, for others who show jobs or ask for them: names, secrets,
tags.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, insert, select

from onbeat.domain.marks import tags_in
from onbeat.domain.secrets import EACH, Path
from onbeat.store.declaring import be_alone
from onbeat.store.schema import tasks


@dataclass(frozen=True, slots=True)
class KnownTask:
    """A name of a task, with what is to be known of it."""

    name: str
    runs_as: str | None = None
    """The task's name now, where `name` is a former one."""
    secrets: tuple[Path, ...] = ()
    """Where in its arguments the secrets are."""
    tags: tuple[str, ...] = ()
    """What all its jobs can be found by."""


def tell(connection: Connection, now: datetime, known: Sequence[KnownTask]) -> None:
    """Keep what a worker knows of its tasks; of others, nothing changes."""
    be_alone(connection)
    if known:
        names = [each.name for each in known]
        connection.execute(delete(tasks).where(tasks.c.name.in_(names)))
        connection.execute(insert(tasks), [_row(each, now) for each in known])


def _row(task: KnownTask, now: datetime) -> dict[str, object]:
    secrets = msgspec.json.encode(task.secrets).decode() if task.secrets else None
    tags = msgspec.json.encode(task.tags).decode() if task.tags else None
    return {"name": task.name, "runs_as": task.runs_as, "secrets": secrets, "changed_at": now,
            "tags": tags}  # fmt: skip


TOLD_TAGS: Final = "told_tags"
"""What the column is called in which the tags of a task stand that workers told of."""


def told_tags(task: ColumnElement[Any]) -> ColumnElement[Any]:
    """A column for a query that has the name of a task: by it `tags_by` reads a row."""
    return select(tasks.c.tags).where(tasks.c.name == task).scalar_subquery().label(TOLD_TAGS)


def tags_by(row: Any) -> tuple[str, ...]:
    """The tags in a row: those of a schedule, and of the task that workers told of."""
    own = tags_in(getattr(row, "ties", None))
    return tuple(dict.fromkeys((*own, *_read_tags(getattr(row, TOLD_TAGS)))))


@lru_cache(maxsize=1_000)
def _read_tags(text: str | None) -> tuple[str, ...]:
    return () if text is None else msgspec.json.decode(text, type=tuple[str, ...])


def tags_of(connection: Connection, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The tags of those of these tasks that have any."""
    query = select(tasks.c.name, tasks.c.tags).where(
        tasks.c.name.in_(list(names)), tasks.c.tags.is_not(None)
    )
    return {row.name: _read_tags(row.tags) for row in connection.execute(query)}


def list_tags(connection: Connection) -> set[str]:
    """The tags of all tasks that workers told of."""
    texts = connection.scalars(select(tasks.c.tags).where(tasks.c.tags.is_not(None)).distinct())
    return {tag for text in texts for tag in _read_tags(text)}


@lru_cache(maxsize=1_000)
def read_places(text: str | None) -> tuple[Path, ...]:
    """Where secrets are; everywhere, where that cannot be read."""
    if text is None:
        return ()
    try:
        return msgspec.json.decode(text, type=tuple[Path, ...])
    except msgspec.MsgspecError:
        return ((EACH,),)


def list_names(connection: Connection, now: datetime) -> list[str]:
    """All names of tasks that a worker has told of, former ones too."""
    return list(connection.scalars(select(tasks.c.name)))


def names_of(connection: Connection, task: str) -> list[str]:
    """All names that jobs of a task may be stored under, its own first."""
    former = select(tasks.c.name).where(tasks.c.runs_as == task).order_by(tasks.c.name)
    return [task, *connection.scalars(former)]
