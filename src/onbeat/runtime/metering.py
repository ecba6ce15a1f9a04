"""Adds what a process has counted to the sums of the fleet.

Of a commit that is not known to have come what is added may be counted twice, and of a process that
is killed what it had not added is missing: these are figures, not the record.
"""

from __future__ import annotations

from functools import partial

from onbeat.store import meters
from onbeat.store.store import Store


async def add_counted(store: Store) -> None:
    """Add what was counted on `store` since the last time, in a transaction of its own; where that
    fails, it is added with what comes next. Raises StoreError.
    """
    taken = store.counting.take()
    try:
        await store.write(partial(meters.add, counted=taken))
    except BaseException:
        store.counting.put_back(taken)
        raise
