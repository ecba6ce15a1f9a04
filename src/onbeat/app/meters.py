"""What meters show, read at most once in a while however many look."""

from __future__ import annotations

import asyncio
from typing import Final
from weakref import WeakKeyDictionary

from onbeat.app.context import Context
from onbeat.store import readings
from onbeat.store.readings import Reading

FRESH_FOR: Final = 5.0
"""Seconds for which a reading is shown to all who ask."""


class Meters:
    """`ob.meters`: how the fleet is, in figures."""

    def __init__(self, context: Context) -> None:
        """Made by the application."""
        self._context = context
        self._locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = (
            WeakKeyDictionary()
        )
        self._reading: tuple[float, Reading] | None = None

    async def read(self) -> Reading:
        """The figures, a few seconds old at most."""
        lock = self._locks.setdefault(asyncio.get_running_loop(), asyncio.Lock())
        async with lock:
            store = await self._context.store()
            now = store.timing.monotonic()
            if self._reading is None or now - self._reading[0] >= FRESH_FOR:
                self._reading = now, await store.read(readings.read)
            return self._reading[1]
