"""Counting the jobs that were asked for: a slice of time at a time, each once.

The statements that enqueue count nothing: a row for all would hold up every transaction of users
behind the slowest. A job is in the slice in which it was stored, by the database's clock. There is
no index of that, so it is looked for among the ids of about then: those are made by who asks, on a
clock of its own, and all of a call before the first is stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select, text

from onbeat.domain.health import Slice
from onbeat.domain.jobs import JobId, made_at
from onbeat.domain.meters import Added, Meter
from onbeat.store import meters
from onbeat.store.changes import CLOCKS_DIFFER, first_id
from onbeat.store.folding import LOOKED_UP, move
from onbeat.store.schema import folds, jobs

ASKED = "asked"
"""The name under which it is kept how far jobs have been counted."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How far jobs have been counted, and what is there to go on with."""

    counted_to: datetime | None
    """None where none ever were: then those are counted that come."""
    first_at: datetime | None
    """From when on there may be jobs that are not counted yet; None where there are none."""


def reach(connection: Connection, now: datetime) -> Reach:
    """Look how far it has come."""
    counted_to = connection.scalar(select(folds.c.folded_to).where(folds.c.name == ASKED))
    if counted_to is None:
        return Reach(None, None)
    near = select(jobs.c.id).where(jobs.c.id >= first_id(counted_to - CLOCKS_DIFFER))
    first = connection.scalar(near.order_by(jobs.c.id).limit(1))
    if first is None:
        return Reach(counted_to, None)
    return Reach(counted_to, max(counted_to, made_at(JobId(first)) - CLOCKS_DIFFER))


def tallied(connection: Connection, now: datetime, wanted: Slice) -> list[Added]:
    """The jobs that were stored in the slice, by queue and task, and what asked for them."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(LOOKED_UP))
    return [
        Added(Meter.ENQUEUED, (queue, task, "schedule" if scheduled else "call"), 0, number, 0.0)
        for queue, task, scheduled, number in connection.execute(tallies_query(wanted))
    ]


def tallies_query(wanted: Slice) -> Select[Any]:
    """Of jobs that were stored in the slice, how many there are of each kind."""
    by = (jobs.c.queue, jobs.c.task, jobs.c.schedule.is_not(None))
    return (
        select(*by, func.count())
        .where(
            jobs.c.id >= first_id(wanted.since - CLOCKS_DIFFER),
            jobs.c.id < first_id(wanted.until + CLOCKS_DIFFER),
            jobs.c.created_at >= wanted.since, jobs.c.created_at < wanted.until,
        )
        .group_by(*by)
    )  # fmt: skip


def add(
    connection: Connection, now: datetime, was: datetime | None, to: datetime,
    found: Sequence[Added],
) -> bool:  # fmt: skip
    """Add what was found up to `to`, where it `was` counted so far; False where it is not so."""
    if not move(connection, ASKED, was, to):
        return False
    meters.add(connection, now, found)
    return True
