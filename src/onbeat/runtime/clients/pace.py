"""A client's rate: one for the fleet, booked in the store a few requests at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Final
from weakref import WeakKeyDictionary

from onbeat.domain.client_errors import held_back
from onbeat.domain.clients import pacing_of
from onbeat.domain.limits import Bounds
from onbeat.store import paces
from onbeat.store.store import Store

STALE: Final = 1.0
"""Seconds after which what was booked and not used is let go."""


class _Lane:
    """What one event loop has booked: when requests may begin, by its clock."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.booked: deque[float] = deque()


class Pace:
    """Lets requests begin as the rate allows."""

    def __init__(self, client: str, rate: Bounds, store: Callable[[], Awaitable[Store]]) -> None:
        """Keep requests of `client` to `rate`."""
        self._client = client
        self._pacing = pacing_of(rate)
        self._store = store
        self._lanes: WeakKeyDictionary[asyncio.AbstractEventLoop, _Lane] = WeakKeyDictionary()

    async def wait(self, longest: timedelta) -> None:
        """Wait until a request may begin. Raises CallHeldBack where that is not within `longest`,
        and StoreError.
        """
        loop = asyncio.get_running_loop()
        lane = self._lanes.setdefault(loop, _Lane())
        async with lane.lock:
            while lane.booked and lane.booked[0] < loop.time() - STALE:
                lane.booked.popleft()
            if not lane.booked:
                await self._book(lane, longest)
            at = lane.booked.popleft()
        await asyncio.sleep(max(0.0, at - loop.time()))

    async def _book(self, lane: _Lane, longest: timedelta) -> None:
        book = partial(paces.book, client=self._client, pacing=self._pacing, longest=longest)
        is_booked, wait = await (await self._store()).write(book)
        if not is_booked:
            told = (
                f"so many requests wait that the next would begin in {wait.total_seconds():.1f} s"
            )
            raise held_back(self._client, told, wait.total_seconds())
        begins = asyncio.get_running_loop().time() + wait.total_seconds()
        apart = self._pacing.interval.total_seconds()
        lane.booked.extend(begins + number * apart for number in range(self._pacing.batch))
