"""PostgreSQL's NOTIFY: what is told is told to who listens at that moment, and kept for nobody."""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from onbeat.domain.errors import InvalidInput, SourceUnavailable
from onbeat.domain.sources.messages import Message, Pattern
from onbeat.domain.words import many, one_line
from onbeat.sources.connector import Behind
from onbeat.store.postgres.addresses import Address, read_address
from onbeat.timing import within

REST: Final = 1.0
"""Seconds in which messages are waited for at once."""

AT_ONCE: Final = 500
"""Messages that are handed on at once."""

MOST_HEARD: Final = 10_000
"""Messages that are kept while none is asked for; of at most 8,000 bytes each."""

CHECK_EVERY: Final = 5
"""Rests without a message after which it is asked whether the server lives."""

PATIENCE: Final = 5.0
"""Seconds in which it must have answered."""

LONGEST_CHANNEL: Final = 63
"""Bytes of a channel's name: PostgreSQL cuts a longer one off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresNotify:
    """Channels of a PostgreSQL: those that the mappings name, which have no `{names}` then.

    `url` is the database, by default the application's own.
    """

    name: str
    url: str | None = field(default=None, repr=False)

    kind = "PostgreSQL NOTIFY"
    redelivers = False

    def connector(self, patterns: Sequence[Pattern]) -> NotifyConnection:
        """What listens to them. Raises InvalidInput."""
        if self.url is None or not self.url.startswith("postgres"):
            raise InvalidInput("url", "it is no PostgreSQL's; give url=postgresql://…")
        for each in patterns:
            if not each.is_one:
                raise InvalidInput("pattern", f"{each.text!r}: a channel is named by all its name")
            if len(each.text.encode()) > LONGEST_CHANNEL:
                told = f"{each.text!r} is longer than {LONGEST_CHANNEL} bytes; shorten it"
                raise InvalidInput("pattern", told)
        return NotifyConnection(read_address(self.url), sorted({each.text for each in patterns}))


class NotifyConnection:
    """A connection of its own that listens to channels."""

    def __init__(self, address: Address, channels: Sequence[str]) -> None:
        """Listen to `channels` at that address, later."""
        self._address, self._channels = address, channels
        self._connection: Any = None
        self._came: deque[Message] = deque()
        self._news = asyncio.Event()
        self._has_ended = False
        self.lost = 0
        """Messages that there was no room for; after the first none is kept until this connects
        anew, which says that some are missing.
        """
        self._rests = 0

    async def connect(self) -> None:
        """Listen, and return when the server has said that it does so for us."""
        import asyncpg  # noqa: PLC0415 - only PostgreSQL needs it

        self._rests, self.lost, self._has_ended = 0, 0, False
        with self._reaching():
            self._connection = await asyncpg.connect(
                self._address.dsn, timeout=self._address.connect_seconds,
                server_settings={"application_name": "onbeat-source"},
            )  # fmt: skip
            self._connection.add_termination_listener(self._end)
            async with within(self._address.connect_seconds or PATIENCE):
                for channel in self._channels:
                    await self._connection.add_listener(channel, self._hear)

    async def receive(self) -> Sequence[Message]:
        """The messages that have come; what nothing comes from for long is asked if it lives."""
        if not self._came:
            self._check()  # what came before the end is handed on first
            self._news.clear()
            try:
                async with within(REST):
                    await self._news.wait()
            except TimeoutError:
                await self._ask_if_it_lives()
        return [self._came.popleft() for _ in range(min(AT_ONCE, len(self._came)))]

    async def drain(self) -> Sequence[Message]:
        """What came."""
        found = list(self._came)
        self._came.clear()
        return found

    async def took(self, messages: Sequence[Message]) -> None:
        """Nobody asks."""

    async def behind(self) -> Behind | None:
        """Nothing is held."""
        return None

    async def close(self) -> None:
        """Disconnect."""
        connection, self._connection = self._connection, None
        self.lost = 0
        if connection is not None:
            connection.terminate()

    def _hear(self, connection: Any, pid: int, channel: str, payload: str) -> None:
        if self.lost or len(self._came) >= MOST_HEARD:
            self.lost += 1
            return
        self._came.append(Message(id=uuid.uuid4().hex, channel=channel, body=payload.encode()))
        self._news.set()

    def _end(self, connection: Any) -> None:
        self._has_ended = self._has_ended or connection is self._connection
        self._news.set()

    def _check(self) -> None:
        if self.lost:
            told = f"{many(self.lost, 'message')} came that there was no room for, and are lost"
            raise SourceUnavailable(f"{self._address.shown}: {told}")
        if self._has_ended:
            raise SourceUnavailable(f"{self._address.shown}: the connection was ended")

    async def _ask_if_it_lives(self) -> None:
        self._rests += 1
        if self._rests >= CHECK_EVERY:
            self._rests = 0
            with self._reaching():
                await self._connection.execute("SELECT 1", timeout=PATIENCE)

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        """Whatever the server or the way to it has against this is told as SourceUnavailable."""
        try:
            yield
        except Exception as error:  # asyncpg has errors that are no errors of its own kinds
            why = one_line(str(error)) or type(error).__name__
            raise SourceUnavailable(f"{self._address.shown}: {why}; it is tried again") from None
