"""A source whose messages a test sends itself, and whose connection it cuts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from onbeat.domain.errors import SourceUnavailable
from onbeat.domain.sources.messages import Message, Pattern
from onbeat.sources.connector import Behind

AT_ONCE = 100
"""Messages that are received at once."""


class Scripted:
    """What is sent is received by whoever is connected first."""

    name = "scripted"
    kind = "script"

    def __init__(self, *, redelivers: bool = False) -> None:
        self.redelivers = redelivers
        self.is_down = False
        self.bug: Exception | None = None
        self.connected = 0
        self.took: list[str] = []
        self.untold = 0
        """How often it cannot be told what was taken."""
        self.lost = 0
        """Messages that a connection has no room for as it ends."""
        self._sent: asyncio.Queue[Message] = asyncio.Queue()

    def send(self, *ids: str, body: bytes = b"{}") -> None:
        """Send messages."""
        for each in ids:
            self._sent.put_nowait(Message(id=each, channel="a", body=body, place=each))

    def connector(self, patterns: Sequence[Pattern] = ()) -> ScriptedConnector:
        return ScriptedConnector(self, self._sent)


class ScriptedConnector:
    """One connection."""

    def __init__(self, script: Scripted, sent: asyncio.Queue[Message]) -> None:
        self._script, self._sent, self._is_open = script, sent, False

    @property
    def lost(self) -> int:
        return self._script.lost

    async def connect(self) -> None:
        if self._script.is_down:
            raise SourceUnavailable("it is down")
        if self._script.bug is not None:
            bug, self._script.bug = self._script.bug, None
            raise bug
        self._is_open = True
        self._script.connected += 1

    async def receive(self) -> Sequence[Message]:
        message = await self._sent.get()
        if self._script.is_down:
            self._sent.put_nowait(message)
            raise SourceUnavailable("it is down")
        found = [message]
        while not self._sent.empty() and len(found) < AT_ONCE:
            found.append(self._sent.get_nowait())
        return found

    async def drain(self) -> Sequence[Message]:
        return ()

    async def took(self, messages: Sequence[Message]) -> None:
        if self._script.untold:
            self._script.untold -= 1
            raise SourceUnavailable("it does not answer")
        self._script.took += [each.id for each in messages]

    async def behind(self) -> Behind | None:
        return None

    async def close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._script.connected -= 1
