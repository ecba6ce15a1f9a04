"""What jobs are found by, cold: the rows of their tags and owners, written and removed with them.

A row is found by what the ties of its job say, for it has no index of jobs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    tuple_,
)
from sqlalchemy.dialects import postgresql

from onbeat.domain.marks import marks_in
from onbeat.domain.ties import TieKind, tie
from onbeat.store.schema import marks

Mark = tuple[str, str]
"""A tag or an owner, as its tie is written, and the job that has it."""

AFTER_COLON = chr(ord(":") + 1)
"""What follows every text that begins with a word and a colon, in the order of the index."""

_TEXTS = postgresql.ARRAY(postgresql.TEXT)
_IDS = postgresql.ARRAY(postgresql.UUID(as_uuid=False))


def marks_of(jobs: Iterable[tuple[str, str | None]]) -> list[Mark]:
    """The rows that belong to jobs, of which each comes with its ties."""
    return [(mark, job) for job, ties in jobs for mark in marks_in(ties)]


def write(connection: Connection, job: str, ties: str | None) -> None:
    """Write what a new job is found by."""
    rows = [{"mark": mark, "job": job} for mark in marks_in(ties)]
    if rows:
        connection.execute(insert(marks), rows)


def remove(connection: Connection, jobs: Iterable[tuple[str, str | None]]) -> None:
    """Remove the rows of jobs that are removed, of which each comes with its ties."""
    gone = marks_of(jobs)
    if gone:
        connection.execute(delete(marks).where(_among(connection, gone)))


def kept(connection: Connection, wanted: Collection[Mark]) -> set[Mark]:
    """Those of `wanted` that have their row."""
    if not wanted:
        return set()
    query = select(marks.c.mark, marks.c.job).where(_among(connection, wanted))
    return {(row.mark, row.job) for row in connection.execute(query)}


def page(connection: Connection, after: Mark | None, limit: int) -> Sequence[Mark]:
    """Rows in their order, a page at a time."""
    query = select(marks.c.mark, marks.c.job).order_by(marks.c.mark, marks.c.job).limit(limit)
    if after is not None:
        place = (marks.c.mark, marks.c.job)
        last = (literal(value, column.type) for column, value in zip(place, after, strict=True))
        query = query.where(tuple_(*place) > tuple_(*last))
    return [(row.mark, row.job) for row in connection.execute(query)]


def list_tags(connection: Connection, most: int) -> list[str]:
    """The tags that jobs have, the first so many in their order: one step of the index for each,
    whatever number of jobs has it.
    """
    first, end = tie(TieKind.TAG), tie(TieKind.TAG)[:-1] + AFTER_COLON
    walk = (
        select(func.min(marks.c.mark).label("mark"))
        .where(marks.c.mark > first, marks.c.mark < end)
        .cte("walk", recursive=True)
    )
    following = select(func.min(marks.c.mark)).where(marks.c.mark > walk.c.mark, marks.c.mark < end)
    walk = walk.union_all(select(following.scalar_subquery()).where(walk.c.mark.is_not(None)))
    found = select(walk.c.mark).where(walk.c.mark.is_not(None)).limit(most)
    return [each.removeprefix(first) for each in connection.scalars(found)]


def _among(connection: Connection, wanted: Collection[Mark]) -> ColumnElement[bool]:
    """Whether a row is one of `wanted`, looked up by its key: two parameters, however many."""
    place = tuple_(marks.c.mark, marks.c.job)
    if connection.dialect.name == "postgresql":
        texts = bindparam(None, [mark for mark, _ in wanted], type_=_TEXTS, unique=True)
        ids = bindparam(None, [job for _, job in wanted], type_=_IDS, unique=True)
        listed = func.unnest(texts, ids).table_valued("mark", "job").render_derived()
        return place.in_(select(listed.c.mark, listed.c.job))
    text = msgspec.json.encode(list(wanted)).decode()
    rows = func.json_each(text).table_valued("value")
    mark, job = (func.json_extract(rows.c.value, f"$[{at}]") for at in (0, 1))
    return place.in_(select(mark, job))
