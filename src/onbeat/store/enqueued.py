"""Counting the jobs that were asked for: a slice of their ids at a time, each once.

The statements that enqueue count nothing: a row for all would hold up every transaction of users
behind the slowest. An id tells when it was made, and what is committed by then is in its slice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select, text

from onbeat.domain.health import Slice
from onbeat.domain.jobs import JobId, made_at
from onbeat.domain.meters import Added, Meter
from onbeat.store import meters
from onbeat.store.changes import first_id
from onbeat.store.folding import LOOKED_UP, move
from onbeat.store.schema import folds, jobs

ASKED = "asked"
"""The name under which it is kept how far jobs have been counted."""

MILLISECOND = timedelta(milliseconds=1)
"""What the moment in an id is cut to."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How far jobs have been counted, and what is there to go on with."""

    counted_to: datetime | None
    """None where none ever were: then those are counted that come."""
    first_at: datetime | None
    """When the first was made that is not counted yet."""


def reach(connection: Connection, now: datetime) -> Reach:
    """Look how far it has come."""
    counted_to = connection.scalar(select(folds.c.folded_to).where(folds.c.name == ASKED))
    if counted_to is None:
        return Reach(None, None)
    next_one = select(jobs.c.id).where(jobs.c.id >= first_id(counted_to))
    first = connection.scalar(next_one.order_by(jobs.c.id).limit(1))
    return Reach(counted_to, None if first is None else made_at(JobId(first)))


def tallied(connection: Connection, now: datetime, wanted: Slice) -> list[Added]:
    """The jobs whose ids were made in the slice, by queue and task, and what asked for them."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(LOOKED_UP))
    is_of_schedule = jobs.c.schedule.is_not(None)
    by = (jobs.c.queue, jobs.c.task, is_of_schedule)
    query = (
        select(*by, func.count())
        .where(jobs.c.id >= first_id(wanted.since), jobs.c.id < first_id(wanted.until))
        .group_by(*by)
    )
    return [
        Added(Meter.ENQUEUED, (queue, task, "schedule" if scheduled else "call"), 0, number, 0.0)
        for queue, task, scheduled, number in connection.execute(query)
    ]


def add(
    connection: Connection, now: datetime, was: datetime | None, to: datetime,
    found: Sequence[Added],
) -> bool:  # fmt: skip
    """Add what was found up to `to`, where it `was` counted so far; False where it is not so."""
    if not move(connection, ASKED, was, to):
        return False
    meters.add(connection, now, found)
    return True
