"""Load on a source, whatever its server is in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from redis.asyncio import Redis
from redis.exceptions import RedisError

from onbeat.runtime.manager import ServiceManager
from tests.sources.listening import waiting
from tests.waiting import wait_for

MOST_WAITING = 100

Send = Callable[[Redis, int], Awaitable[bool]]
"""Sends the message of that number; whether the server says that it has it, or has sent it."""


class Load:
    """Messages, numbered, sent as fast as they are taken."""

    def __init__(self, url: str, send: Send) -> None:
        self._url, self._send = url, send
        self.sent: list[int] = []
        """The numbers of those that the server has answered for."""
        self._number = 0
        self._ends = asyncio.Event()

    @asynccontextmanager
    async def on(self, manager: ServiceManager, name: str) -> AsyncIterator[None]:
        """Send until the block ends, whatever the server is in."""

        async def is_taken() -> bool:
            return waiting(manager, name) <= MOST_WAITING

        async def load() -> None:
            while not self._ends.is_set():
                async with Redis.from_url(self._url, retry=None) as client:
                    await self._send_on(client, is_taken)

        loading = asyncio.create_task(load())
        try:
            yield
        finally:
            self._ends.set()
            await loading

    async def more(self, count: int) -> None:
        """Wait until so many more were sent."""
        wanted = len(self.sent) + count

        async def are_sent() -> bool:
            return len(self.sent) >= wanted

        await wait_for(are_sent, 60, f"{count} more sent")

    async def _send_on(self, client: Redis, is_taken: Callable[[], Awaitable[bool]]) -> None:
        try:
            while not self._ends.is_set():
                await wait_for(is_taken, 60, "what was sent is taken")
                self._number += 1
                if await self._send(client, self._number):
                    self.sent.append(self._number)
        except (RedisError, OSError):
            await asyncio.sleep(0)
