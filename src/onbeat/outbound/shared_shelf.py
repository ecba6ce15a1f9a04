"""Answers that processes share in a Redis. It can be done without: where it fails or takes too long
it is as if nothing were there, and it is not asked for a while.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from onbeat.domain.keeping import LARGEST, Trust
from onbeat.timing import within

if TYPE_CHECKING:
    from redis.asyncio import Redis

T = TypeVar("T")

PATIENCE: Final = 0.1
"""Seconds in which it must have answered."""

CONNECTIONS: Final = 50


class SharedAnswer(msgspec.Struct, frozen=True):
    """What is kept of an answer."""

    body: bytes
    headers: dict[str, str]


_decode = msgspec.msgpack.Decoder(SharedAnswer).decode
_encode = msgspec.msgpack.Encoder().encode


def is_installed() -> bool:
    """Whether there is what talks to a Redis (extra `redis`)."""
    return find_spec("redis") is not None


class SharedShelf:
    """Answers in a Redis, each until its time is over."""

    def __init__(self, url: str, version: str, *, patience: float = PATIENCE) -> None:
        """Connect to `url`, later; each `version` of Onbeat has answers of its own."""
        self._url = url
        self._prefix = f"onbeat:{version}:"
        self._patience = patience
        self._client: Redis | None = None
        self._trust = Trust()
        self.fault: str | None = None
        """Why it did not answer, where it did not."""

    @property
    def is_up(self) -> bool:
        """Whether it answered when it was last asked."""
        return self._trust.is_up

    async def get(self, key: str, fresh_for: float) -> tuple[SharedAnswer, float] | None:
        """The answer of that key, and how many seconds old it is, by the clock of Redis alone."""

        async def ask(client: Redis) -> Any:
            # Both or neither: between two commands it may go, and another come.
            pipe = client.pipeline(transaction=True)
            pipe.get(self._prefix + key)
            pipe.pttl(self._prefix + key)
            return await pipe.execute()

        found = await self._try(ask)
        if found is None or found[0] is None or found[1] < 0:
            return None
        try:
            return _decode(found[0]), max(0.0, fresh_for - found[1] / 1000)
        except msgspec.MsgspecError:
            return None

    async def put(self, key: str, answer: SharedAnswer, seconds: float) -> None:
        """Keep it for so long."""
        millis = int(seconds * 1000)
        if millis <= 0 or len(answer.body) > LARGEST:
            return
        value = _encode(answer)

        async def ask(client: Redis) -> Any:
            return await client.set(self._prefix + key, value, px=millis)

        await self._try(ask)

    async def ping(self) -> bool:
        """Whether it answers; one that failed is not asked again at once."""

        async def ask(client: Redis) -> Any:
            return await client.ping()

        return bool(await self._try(ask))

    async def close(self) -> None:
        """Disconnect."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _try(self, ask: Callable[[Redis], Awaitable[T]]) -> T | None:
        """What it answers; None where it does not, in time."""
        now = time.monotonic()
        if not self._trust.asks(now):
            return None
        asked = self._trust = self._trust.asking(now)
        try:
            async with within(self._patience):
                found = await ask(self._connected())
        except _failures() as error:
            self.fault = str(error) or f"not within {self._patience:g} s"
            if self._trust is asked:  # or another who asked at the same time has told it
                self._trust = asked.failed(time.monotonic())
            return None
        self._trust, self.fault = Trust(), None
        return found

    def _connected(self) -> Redis:
        if self._client is None:
            from redis.asyncio import BlockingConnectionPool, Redis  # noqa: PLC0415 - of an extra
            from redis.asyncio.retry import Retry  # noqa: PLC0415 - as above
            from redis.backoff import NoBackoff  # noqa: PLC0415 - as above
            from redis.exceptions import ConnectionError  # noqa: A004, PLC0415 - as above

            # Once more: a connection that lay idle while the server was started anew is dead.
            again = Retry(NoBackoff(), 1, supported_errors=(ConnectionError,))
            pool = BlockingConnectionPool.from_url(
                self._url, retry=again, max_connections=CONNECTIONS,
                timeout=self._patience, socket_timeout=self._patience, protocol=2,
                socket_connect_timeout=self._patience,
            )  # fmt: skip
            self._client = Redis.from_pool(pool)
        return self._client


def _failures() -> tuple[type[Exception], ...]:
    from redis.exceptions import RedisError  # noqa: PLC0415 - of an extra

    return RedisError, OSError  # a timeout is one of these
