"""Redis pub/sub: a message is sent to who listens at that moment, and to nobody else ever.

What is published while nobody is connected is lost, and so is what Redis drops for a client that
reads too slowly.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from onbeat.domain.errors import SourceUnavailable
from onbeat.domain.sources.messages import Message, Pattern
from onbeat.sources.connector import MOST_BYTES, Behind
from onbeat.sources.redis_connection import (
    PATIENCE,
    REST,
    check_url,
    connect,
    hang_up,
    reaching,
    silent,
    text,
)

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.asyncio.client import PubSub

AT_ONCE: Final = 500
"""Messages that are read before any is handed on."""

MOST_DRAINED: Final = 10_000
"""Messages that are read of a connection before it is closed."""

BYTES_AT_ONCE: Final = 8 * 1024 * 1024
"""And bytes of them."""

BARELY: Final = 0.01
"""Seconds in which what was sent to this machine is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisPubSub:
    """Channels of a Redis: those that the patterns of the mappings mean.

    `url` is the Redis, by default that of the setting REDIS_URL.
    """

    name: str
    url: str | None = field(default=None, repr=False)

    kind = "redis pub/sub"
    redelivers = False

    def connector(self, patterns: Sequence[Pattern]) -> RedisSubscription:
        """What listens to them. Raises InvalidInput, ExtraMissing."""
        return RedisSubscription(check_url(self.url), patterns)


class RedisSubscription:
    """A connection that has subscribed to patterns."""

    def __init__(self, url: str, patterns: Sequence[Pattern], most_bytes: int = MOST_BYTES) -> None:
        """Subscribe to `patterns` at the Redis at `url`, later; keep so much as it hangs up."""
        self._url = url
        self._globs = sorted({each.glob for each in patterns})
        self._client: Redis | None = None
        self._pubsub: PubSub | None = None
        self._heard_at = self._asked_at = 0.0
        self._found: list[Message] = []
        """What was read and not handed on."""
        self._most_bytes = most_bytes
        self.lost = 0
        """Messages that were read as it hung up, and for which there was no room."""
        self._error: SourceUnavailable | None = None
        """What reading failed by, once what came before it is handed on."""

    async def connect(self) -> None:
        """Subscribe, and return when Redis has said that it is done."""
        self._error, self.lost = None, 0
        with reaching(self._url):
            self._client = connect(self._url)
            self._pubsub = self._client.pubsub()
            await self._pubsub.psubscribe(*self._globs)
            confirmed = 0
            while confirmed < len(self._globs):
                said = await self._pubsub.get_message(timeout=PATIENCE)
                if said is None:
                    raise SourceUnavailable(silent(self._url, PATIENCE))
                confirmed += said["type"] == "psubscribe"
        self._heard_at = self._asked_at = time.monotonic()

    async def receive(self) -> Sequence[Message]:
        """The messages that have come; what nothing comes from for long is asked if it lives."""
        error, self._error = self._error, None
        if error is not None:
            raise error
        try:
            with reaching(self._url):
                await self._read(REST, AT_ONCE, BYTES_AT_ONCE)
                await self._ask_if_it_lives()
        except SourceUnavailable as error:
            if not self._found:
                raise
            self._error = error
        return self._handed()

    async def drain(self) -> Sequence[Message]:
        """What was read, and what the connection still has; beyond what is kept it is counted."""
        if self._pubsub is not None:
            with suppress(SourceUnavailable), reaching(self._url):
                if await self._read(BARELY, MOST_DRAINED, self._most_bytes, pause=BARELY):
                    await self._lose_the_rest()
        return self._handed()

    async def took(self, messages: Sequence[Message]) -> None:
        """Nobody asks."""

    async def behind(self) -> Behind | None:
        """Nothing is held."""
        return None

    async def close(self) -> None:
        """Disconnect."""
        pubsub, self._pubsub = self._pubsub, None
        client, self._client = self._client, None
        if pubsub is not None:
            with suppress(SourceUnavailable), reaching(self._url):
                await pubsub.aclose()  # type: ignore[no-untyped-call] # it has no types
        await hang_up(client)

    async def _read(self, seconds: float, most: int, most_bytes: int, *, pause: float = 0) -> bool:
        """Read what comes within the time, and what follows it with no longer `pause` than that,
        until it is so many messages, or so many bytes: whether it is.
        """
        size = sum(len(each.body) for each in self._found)
        while len(self._found) < most and size < most_bytes:
            said = await self._next(seconds)
            if said is None:
                return False
            seconds = pause
            if said["type"] == "pmessage":
                message = _message(said)
                self._found.append(message)
                size += len(message.body)
        return True

    async def _lose_the_rest(self) -> None:
        """Count what the connection has and is not kept, up to as many as are counted."""
        while self.lost < MOST_DRAINED and (said := await self._next(BARELY)) is not None:
            self.lost += said["type"] == "pmessage"

    def _handed(self) -> list[Message]:
        found, self._found = self._found, []
        return found

    async def _next(self, seconds: float) -> dict[str, Any] | None:
        assert self._pubsub is not None  # noqa: S101 - it is connected before
        said: dict[str, Any] | None = await self._pubsub.get_message(timeout=seconds)
        if said is not None:
            self._heard_at = time.monotonic()
        return said

    async def _ask_if_it_lives(self) -> None:
        assert self._pubsub is not None  # noqa: S101 - it is connected before
        now = time.monotonic()
        if now - self._heard_at > 2 * PATIENCE:
            raise SourceUnavailable(silent(self._url, 2 * PATIENCE))
        if now - max(self._heard_at, self._asked_at) > PATIENCE / 2:
            self._asked_at = now
            await self._pubsub.ping()


def _message(said: dict[str, Any]) -> Message:
    body = said["data"]
    return Message(
        id=uuid.uuid4().hex, channel=text(said["channel"]), pattern=text(said["pattern"]),
        body=body if isinstance(body, bytes) else str(body).encode(),
    )  # fmt: skip
