"""The rates of clients, which the fleet shares: requests are booked a few at a time.

A rate stands in the slots of limits, in a row of its own that no job holds or waits for; one that
has been at rest is forgotten with them.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from onbeat.domain.clients import Pacing, booked
from onbeat.domain.requests import OF_CLIENT
from onbeat.store.column_types import EPOCH
from onbeat.store.schema import slots


def book(
    connection: Connection, now: datetime, client: str, pacing: Pacing, longest: timedelta
) -> tuple[bool, timedelta]:
    """Book a batch of requests: whether that was done, and how long the first of them waits."""
    limit = f"{OF_CLIENT}{client}"
    slot = f"{limit}:"
    put = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    fresh = put(slots).values(
        slot=slot, limit=limit, used=0, waiting=0, full=0, open_at=EPOCH, spent_at=now
    )
    connection.execute(fresh.on_conflict_do_nothing())
    here = slots.c.slot == slot
    spent_at = connection.execute(select(slots.c.spent_at).where(here).with_for_update()).scalar()
    after, wait = booked(pacing, spent_at or now, now, longest)
    if after is not None:
        connection.execute(update(slots).where(here).values(spent_at=after))
    return after is not None, wait
