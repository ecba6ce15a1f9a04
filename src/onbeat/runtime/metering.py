"""Adds what a process has counted to the sums of the fleet.

Of a commit that is not known to have come what is added may be counted twice, and of a process that
is killed what it had not added is missing: these are figures, not the record.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection

from onbeat.store import meters
from onbeat.store.store import Store, Work

T = TypeVar("T")


async def add_counted(store: Store) -> None:
    """Add what was counted on `store` since the last time. Raises StoreError."""
    await adding_counted(store, lambda connection, now: None)


async def adding_counted(store: Store, work: Work[T]) -> T:
    """Do `work` and add what was counted, in one transaction; where that fails, it is added with
    what comes next. Raises StoreError, and what `work` does.
    """
    taken = store.counting.take()

    def both(connection: Connection, now: datetime) -> T:
        done = work(connection, now)
        meters.add(connection, now, taken)
        return done

    try:
        return await store.write(both)
    except BaseException:
        store.counting.put_back(taken)
        raise
