"""How loaded queues are, cold: what stands in them, who serves them, how long their jobs take."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from onbeat.domain.health import SPANS, Kind, Took, begins
from onbeat.domain.loads import Load, load_of
from onbeat.store.health import lately
from onbeat.store.processes import list_workers
from onbeat.store.queues import list_names, one

LATELY = timedelta(hours=1)
"""Over how long the time is looked at that jobs take."""

AT_ONCE = 500


def loads(
    connection: Connection,
    now: datetime,
    *,
    within: timedelta,
    only: str | None = None,
    most: int | None = None,
) -> list[Load]:
    """How loaded each queue is, or that one; the first so many by their names."""
    names = list_names(connection, now)[:most] if only is None else [only]
    found = [one(connection, name) for name in names]
    since = begins(now - LATELY, SPANS[0])
    took: dict[str, Took] = {}
    for at in range(0, len(found), AT_ONCE):
        some = names[at : at + AT_ONCE]
        tallies = lately(connection, Kind.QUEUE, some, since, SPANS[0])
        took |= {name: tally.took for name, tally in tallies.items()}
    sessions = list_workers(connection, now)
    return [load_of(each, sessions, took.get(each.name, Took()).mean, within) for each in found]
