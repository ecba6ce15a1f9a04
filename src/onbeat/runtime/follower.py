"""Follows ends that somebody waits for: what waited goes on, or is called off.

A worker follows what it has acked, right after the ack. What it has not come to when it dies is
followed by the next who looks: any worker that has such an end itself, a scheduler within a second,
else the rescuer.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from onbeat.crash_points import CrashPoint, reach
from onbeat.domain.errors import StoreError
from onbeat.runtime.service import FOREVER, Service
from onbeat.store import ends
from onbeat.store.ends import Followed
from onbeat.store.store import Store
from onbeat.store.wakeups import ENDS

LONG = 0.01
"""Seconds; 10,000 jobs that wait for one take a tenth of a second."""


async def follow(store: Store) -> None:
    """Follow all ends there are, but for those that others are following."""
    while True:
        followed = await store.write(_follow)
        if followed.count:
            reach(CrashPoint.ENDS_COMMITTED)
        store.wakeups.send(followed.queues)
        if followed.count < ends.AT_ONCE:
            return


def _follow(connection: Connection, now: datetime) -> Followed:
    followed = ends.follow(connection, now)
    if followed.count:
        reach(CrashPoint.ENDS_FOLLOWED)
    return followed


class Follower(Service):
    """Follows ends whenever this process has stored some."""

    def __init__(self, store: Store, held_up: Callable[[], None], **options: Any) -> None:
        """Follow ends in `store`; `held_up` hears when that took so long that claims, which share
        SQLite's one writer with it, may have waited for it.
        """
        super().__init__(**{"id": "follower", "timing": store.timing, **options})
        self._store = store
        self._held_up = held_up
        self._has_looked = False

    async def set_up(self) -> None:
        """Be woken when ends were stored."""
        self._store.wakeups.subscribe(self.woken, [ENDS])

    async def clean_up(self) -> None:
        """Be woken no more."""
        self._store.wakeups.unsubscribe(self.woken)

    async def close(self) -> None:
        """Follow what was stored last, and stop; what cannot be is left to others."""
        if self.woken.is_set():
            with suppress(StoreError):
                await follow(self._store)
        await self.stop()

    async def step(self) -> float:
        """Follow what there is, and rest until there is more."""
        if not self._has_looked:  # at the start nothing has been stored here: nothing is written
            self._has_looked = True
            if not await self._store.read(ends.are_left):
                return FOREVER
        began = self.timing.monotonic()
        await follow(self._store)
        if self.timing.monotonic() - began > LONG:
            self._held_up()
        return FOREVER
