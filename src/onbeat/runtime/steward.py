"""Tells the store how the services of this process stand, and does what is wished of them.

It is told with each heartbeat, and when a service has changed; a wish comes by a wakeup, or is
found with the next heartbeat. What the process has counted is added to the fleet's sums after it.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection

from onbeat.domain.errors import OnbeatError, StoreError
from onbeat.domain.processes import Process, Wish
from onbeat.domain.services import Snapshot
from onbeat.domain.url_passwords import hide_passwords
from onbeat.domain.workers import DEFAULT_HEARTBEAT, DEFAULT_RESCUE_AFTER
from onbeat.runtime.manager import ServiceManager
from onbeat.runtime.metering import add_counted
from onbeat.runtime.service import Service
from onbeat.store import processes
from onbeat.store.store import Store
from onbeat.store.wakeups import SERVICES

APART = 0.2
"""Seconds between two looks at least. On SQLite a hint for anybody wakes everybody, and services
that start change one after the other."""

MOMENT = 0.001
"""Seconds that make no difference, and floating point may be off by."""

LONGEST_ERROR = 500
"""Characters of an error that are told."""


class Steward(Service):
    """Keeps this process on record while it runs; it is no service that others see or steer."""

    def __init__(
        self,
        store: Store,
        manager: ServiceManager,
        process: Process,
        *,
        every: timedelta = DEFAULT_HEARTBEAT,
        expires_in: timedelta = DEFAULT_RESCUE_AFTER,
        **options: Any,
    ) -> None:
        """Tell of `process`, whose services `manager` has, `every` so often; unheard of, it is gone
        after `expires_in`.
        """
        super().__init__(**{"id": "steward", "timing": store.timing, **options})
        self._store = store
        self._manager = manager
        self.process = process
        self._every = every.total_seconds()
        self._expires_in = expires_in
        self._looked_at = self._told_at = float("-inf")
        self._has_news = True
        self._done: dict[str, str | None] = {}
        """Wishes that were seen to, and are not noted yet: why not, or None."""
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def set_up(self) -> None:
        """Be woken when something is wished, and when a service changes."""
        for service in self._manager:
            if service is not self:
                service.told_change = self._have_news
        self._store.wakeups.subscribe(self.woken, [SERVICES])

    async def clean_up(self) -> None:
        """See to what is under way, and take the process off the record."""
        self._store.wakeups.unsubscribe(self.woken)
        if self._under_way:
            await asyncio.wait(self._under_way.values())
        with suppress(StoreError):
            await self._store.write(partial(processes.leave, process=self.process.id))
        await self._add_counted()

    async def step(self) -> float:
        """Tell what there is to tell, begin what is wished, rest until the next heartbeat."""
        now = self.timing.monotonic()
        if (left := self._looked_at + APART - now) > MOMENT:
            return left
        self._looked_at = now
        is_due = self._has_news or now >= self._told_at + self._every - MOMENT
        if is_due:
            wishes = await self._tell()
        else:
            wishes = await self._store.read(partial(processes.wishes_of, process=self.process.id))
        for wish in wishes:
            if wish.id not in self._under_way and wish.id not in self._done:
                self._under_way[wish.id] = asyncio.create_task(self._see_to(wish))
        if is_due:
            await self._add_counted()
        if self._has_news:
            return APART
        return max(APART, self._told_at + self._every - self.timing.monotonic())

    async def _tell(self) -> list[Wish]:
        self._has_news, noted = False, dict(self._done)
        shown = [_shown(each) for each in self._manager.snapshots() if each.id != self.id]
        process = replace(self.process, services=tuple(shown))

        def tell(connection: Connection, now: datetime) -> list[Wish]:
            return processes.tell(connection, now, process, self._expires_in, noted)

        try:
            wishes = await self._store.write(tell)
        except BaseException:
            self._has_news = True
            raise
        self._told_at = self.timing.monotonic()
        for wish in noted:
            self._done.pop(wish)
        return wishes

    async def _add_counted(self) -> None:
        """Apart from the heartbeat: all processes add to the same rows, and may wait for each other
        there. What cannot be added now is the next time.
        """
        with suppress(StoreError):
            await add_counted(self._store)

    async def _see_to(self, wish: Wish) -> None:
        """Do what is wished, one thing after the other with each service."""
        error: str | None = None
        async with self._turns[wish.service]:
            try:
                await self._manager.act(wish.service, wish.action)
            except OnbeatError as refused:
                error = str(refused)
            except Exception as failed:  # of a service that others wrote, as it stopped
                error = f"{type(failed).__name__}: {failed}"
        self._done[wish.id] = None if error is None else _short(error)
        self._under_way.pop(wish.id, None)
        self._have_news()

    def _have_news(self) -> None:
        self._has_news = True
        self.wake()


def _shown(snapshot: Snapshot) -> Snapshot:
    error = snapshot.last_error
    return snapshot if error is None else replace(snapshot, last_error=_short(error))


def _short(error: str) -> str:
    return hide_passwords(error)[:LONGEST_ERROR]
