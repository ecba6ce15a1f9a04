"""What came of the last moments of many schedules, cold: in one statement, by index."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, case, func, literal, select, true

from onbeat.domain.schedule_filters import LAST_MOMENTS, Came
from onbeat.domain.states import State
from onbeat.store.among import among_given, given
from onbeat.store.column_types import EPOCH, Moment
from onbeat.store.job_rows import near_ends
from onbeat.store.schema import (
    blocked,
    delayed,
    leases,
    occurrences,
    ready,
    schedules,
)

OPEN = (leases, ready, blocked, delayed)


def last_moments(connection: Connection, ids: Collection[str]) -> Mapping[str, Sequence[Came]]:
    """Of each of the schedules with these ids its last moments, the newest first."""
    engine = connection.dialect.name
    found: dict[str, list[Came]] = defaultdict(list)
    if ids:
        for row in connection.execute(_query(engine), {"ids": given(engine, ids)}):
            found[row.schedule].append(
                Came(
                    due_at=row.due_at, through_at=row.through_at, came=row.state or row.outcome,
                    job=row.job,
                )
            )  # fmt: skip
    return found


@cache
def _query(engine: str) -> Select[Any]:
    """Asks for those of `ids`. Kept: to make it takes longer than to run it."""
    last, is_its = _last(engine)
    ends, is_its_end = near_ends(engine, last.c.job, last.c.decided_at)
    joined: Any = schedules.join(last, is_its).outerjoin(ends, is_its_end)
    for table in OPEN:
        joined = joined.outerjoin(table, table.c.job == last.c.job)
    state = case(
        (ends.c.outcome.is_not(None), ends.c.outcome),
        (leases.c.job.is_not(None), literal(State.RUNNING)),
        (ready.c.job.is_not(None), literal(State.PENDING)),
        (blocked.c.job.is_not(None), literal(State.BLOCKED)),
        (delayed.c.attempt > 0, literal(State.RETRYING)),
        (delayed.c.job.is_not(None), literal(State.SCHEDULED)),
    )
    return (
        select(last.c.schedule, last.c.due_at, last.c.through_at, last.c.outcome, last.c.job,
               state.label("state"))
        .select_from(joined)
        .where(among_given(engine, schedules.c.id, "ids"))
        .order_by(last.c.schedule, last.c.due_at.desc())
    )  # fmt: skip


def _last(engine: str) -> tuple[Any, Any]:
    """The last entries of each schedule, and the condition to join them by.

    SQLite knows no LATERAL: there they are those from the last but so many on.
    """
    mine = occurrences.c.schedule == schedules.c.id
    if engine == "postgresql":
        newest = select(occurrences).where(mine).order_by(occurrences.c.due_at.desc())
        return newest.limit(LAST_MOMENTS).correlate(schedules).lateral("last"), true()
    other = occurrences.alias("other")
    first = (
        select(other.c.due_at)
        .where(other.c.schedule == schedules.c.id)
        .order_by(other.c.due_at.desc())
        .limit(1)
        .offset(LAST_MOMENTS - 1)
        .correlate(schedules)
        .scalar_subquery()
    )
    return occurrences, mine & (occurrences.c.due_at >= func.coalesce(first, BEFORE_ALL))


BEFORE_ALL = literal(EPOCH.replace(year=1), Moment)
