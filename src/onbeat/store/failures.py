"""The newest failures of a window, cold: by an index of failures alone, so many and no more.

They are read a batch at a time, each with its traceback, of which no more than a batch is held.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, and_, or_, select, text

from onbeat.domain.attempts import Failure
from onbeat.domain.failures import MOST_GROUPS, Failures, Grouping, SeenFailure
from onbeat.domain.jobs import JobId
from onbeat.domain.states import State
from onbeat.store.folding import LOOKED_UP
from onbeat.store.schema import attempts, finished, jobs
from onbeat.store.schema.places import FAILED

MOST = 5_000
"""Failures that are looked at."""

AT_ONCE = 500

COLUMNS = ("job", "token", "finished_at", "outcome", "reason", "error")

_error = msgspec.json.Decoder(Failure).decode


def look(
    connection: Connection,
    now: datetime,
    since: datetime,
    until: datetime,
    *,
    most: int = MOST,
    at_once: int = AT_ONCE,
) -> Failures:
    """What failed in the window, by fingerprint, of the newest `most`."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(LOOKED_UP))  # each is looked up, and no table is read whole
    grouping, is_exact = Grouping(), True
    for rows in _batches(connection, since, until, most + 1, at_once):
        left = most - grouping.looked_at
        grouping.add([_seen(row) for row in rows[:left]])
        is_exact = len(rows) <= left
    groups = grouping.groups()
    return Failures(
        since=since, until=until, looked_at=grouping.looked_at, oldest_at=grouping.oldest_at,
        is_exact=is_exact, groups=groups[:MOST_GROUPS], untold=max(0, len(groups) - MOST_GROUPS),
    )  # fmt: skip


def _batches(
    connection: Connection, since: datetime, until: datetime, most: int, at_once: int
) -> Iterator[Sequence[Row[Any]]]:
    """The newest first."""
    before: Row[Any] | None = None
    while most > 0:
        rows = _batch(connection, since, until, before, min(at_once, most))
        if rows:
            yield rows
        if len(rows) < at_once:
            return
        before, most = rows[-1], most - len(rows)


def _batch(
    connection: Connection, since: datetime, until: datetime, before: Row[Any] | None, limit: int
) -> Sequence[Row[Any]]:
    last = until if before is None else before.finished_at
    columns = [attempts.c[each] for each in COLUMNS]
    query = select(*columns).where(
        FAILED, attempts.c.finished_at >= since, attempts.c.finished_at <= last
    )
    if before is not None:
        query = query.where(or_(attempts.c.finished_at < last, attempts.c.token < before.token))
    newest = (attempts.c.finished_at.desc(), attempts.c.token.desc())
    some = query.order_by(*newest).limit(limit).subquery("some")
    its_end = and_(
        finished.c.job == some.c.job, finished.c.finished_at == some.c.finished_at,
        finished.c.outcome == State.FAILED,
        # PostgreSQL looks into the days of the window alone.
        finished.c.finished_at >= since, finished.c.finished_at <= last,
    )  # fmt: skip
    whole: Select[Any] = (
        select(some, jobs.c.task, finished.c.job.label("end"))
        .select_from(some.join(jobs, jobs.c.id == some.c.job).outerjoin(finished, its_end))
        .order_by(some.c.finished_at.desc(), some.c.token.desc())
    )
    return connection.execute(whole).all()


def _seen(row: Row[Any]) -> SeenFailure:
    return SeenFailure(
        job=JobId(row.job), task=row.task, at=row.finished_at, outcome=row.outcome,
        reason=row.reason, error=None if row.error is None else _error(row.error),
        is_final=row.end is not None,
    )  # fmt: skip
