"""Redis streams: a message stays until it was taken, and comes again where nobody says that it was.

A consumer group of the application's own keeps the place. What a process was given and did not take
before it was gone is claimed by the next one, and what it was still given after that, as one that
stood still may be, once it has lain for a minute. That the same message was taken already is known
by its id.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from onbeat.domain.errors import InvalidInput, SourceUnavailable
from onbeat.domain.sources.messages import Message, Pattern
from onbeat.sources.connector import Behind
from onbeat.sources.redis_connection import REST, check_url, connect, hang_up, reaching, text

if TYPE_CHECKING:
    from redis.asyncio import Redis

CONSUMER: Final = "onbeat"
"""One listens at a time, so that one name is enough."""

AT_ONCE: Final = 500
LEFT_AFTER: Final = timedelta(seconds=60)
"""How long a message must have been another's, and not taken, for whoever listens to have it."""

LOOK_EVERY: Final = 20.0
"""Seconds between two looks for such."""

MOST_COUNTED: Final = 1_000
"""Messages that are counted where the server does not know how many there are (before 7.0)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisStream:
    """Streams of a Redis: those whose keys the mappings name, which have no `{names}` then.

    `url` is the Redis, by default that of the setting REDIS_URL. `group` is the consumer group that
    keeps the place, by default `onbeat:` and the name, with the environment before it where the
    application is in one; of two applications each needs its own. One that is not there is made,
    and begins with the oldest message there is, with `begin="$"` with what is added from then on.
    """

    name: str
    url: str | None = field(default=None, repr=False)
    group: str | None = None
    begin: str = "0"

    kind = "redis stream"
    redelivers = True

    def within(self, environment: str) -> RedisStream:
        """The same, with a group that is the environment's own."""
        return replace(self, group=f"onbeat:{environment}:{self.name}")

    def connector(self, patterns: Sequence[Pattern]) -> RedisGroup:
        """What reads them. Raises InvalidInput, ExtraMissing."""
        for each in patterns:
            if not each.is_one:
                raise InvalidInput("pattern", f"{each.text!r}: a stream is named by its whole key")
        streams = sorted({each.text for each in patterns})
        return RedisGroup(
            check_url(self.url), streams, self.group or f"onbeat:{self.name}", self.begin
        )


class RedisGroup:
    """A consumer group that reads streams."""

    lost = 0
    """What finds no room stays in the stream."""

    def __init__(
        self, url: str, streams: Sequence[str], group: str, begin: str,
        look_every: float = LOOK_EVERY,
    ) -> None:  # fmt: skip
        """Read `streams` of the Redis at `url`, later; look so often for what nobody took."""
        self._url, self._streams, self._group, self._begin = url, streams, group, begin
        self._client: Redis | None = None
        self._claims: dict[str, str] = {}
        """How far what was given before and not taken has been claimed, by stream."""
        self._look_every = look_every
        self._looked_at = 0.0
        self._least = timedelta()
        """How long what is claimed must have lain."""
        self._held: set[tuple[str, str | None]] = set()
        """What it was given itself and has not said that it took, by stream and place."""

    async def connect(self) -> None:
        """Make the group where it is not there, and begin with what was given and not taken."""
        with reaching(self._url):
            self._client = connect(self._url)
            for stream in self._streams:
                await self._make(self._client, stream)
        self._held.clear()
        self._look_again(timedelta())

    async def receive(self) -> Sequence[Message]:
        """What was given before and not taken; then what is new."""
        if not self._claims and time.monotonic() - self._looked_at >= self._look_every:
            self._look_again(LEFT_AFTER)
        client = self._connected()
        with reaching(self._url):
            found = await self._claimed(client) or await self._added(client)
        self._held.update((each.channel, each.place) for each in found)
        return found

    def _look_again(self, least: timedelta) -> None:
        """Claim from the beginning on what has lain for so long."""
        self._least, self._looked_at = least, time.monotonic()
        self._claims = dict.fromkeys(self._streams, "0-0")

    async def _claimed(self, client: Redis) -> list[Message]:
        """Some of what was given before and not taken, until there is none."""
        least = int(self._least / timedelta(milliseconds=1))
        for stream, begin in list(self._claims.items()):
            said: Any = await client.xautoclaim(
                stream, self._group, CONSUMER, min_idle_time=least, start_id=begin, count=AT_ONCE
            )
            self._claims[stream] = text(said[0])
            if self._claims[stream] == "0-0":
                del self._claims[stream]
            found = [
                each for each in _messages(stream, said[1])
                if (stream, each.place) not in self._held
            ]  # fmt: skip
            if found:
                return found
        return []

    async def _added(self, client: Redis) -> list[Message]:
        """What is new."""
        found: Any = await client.xreadgroup(
            self._group, CONSUMER, dict.fromkeys(self._streams, ">"), count=AT_ONCE,
            block=int(REST * 1000),
        )  # fmt: skip
        return [each for stream, rows in found or () for each in _messages(text(stream), rows)]

    async def drain(self) -> Sequence[Message]:
        """Nothing: all of it comes again."""
        return ()

    async def took(self, messages: Sequence[Message]) -> None:
        """Say so."""
        client = self._connected()
        with reaching(self._url):
            for stream in self._streams:
                ids = [each.place for each in messages if each.channel == stream and each.place]
                if ids:
                    await client.xack(stream, self._group, *ids)
        self._held.difference_update((each.channel, each.place) for each in messages)

    async def behind(self) -> Behind | None:
        """How many messages were not given to anybody yet, and how old the first is."""
        client, waiting, since = self._connected(), 0, timedelta()
        with reaching(self._url):
            seconds, micros = await client.time()
            now = timedelta(seconds=int(seconds), microseconds=int(micros))
            for stream in self._streams:
                count, first = await self._beyond(client, stream)
                waiting += count
                if first is not None:
                    since = max(since, now - timedelta(milliseconds=int(first.partition("-")[0])))
        return Behind(waiting, since)

    async def close(self) -> None:
        """Disconnect."""
        client, self._client = self._client, None
        await hang_up(client)

    async def _make(self, client: Redis, stream: str) -> None:
        from redis.exceptions import ResponseError  # noqa: PLC0415 - of an extra

        try:
            await client.xgroup_create(stream, self._group, id=self._begin, mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    async def _beyond(self, client: Redis, stream: str) -> tuple[int, str | None]:
        """How many messages are beyond the group's place, and the id of the first."""
        groups: Any = await client.xinfo_groups(stream)
        own = next((each for each in groups if text(each["name"]) == self._group), None)
        if own is None:
            return 0, None
        after = "(" + text(own["last-delivered-id"])
        known = own.get("lag")
        rows: Any = await client.xrange(
            stream, min=after, count=MOST_COUNTED if known is None else 1
        )
        first = text(rows[0][0]) if rows else None
        return len(rows) if known is None else int(known), first

    def _connected(self) -> Redis:
        if self._client is None:
            raise SourceUnavailable(f"{self._group} is not connected; it is tried again")
        return self._client


def _messages(stream: str, rows: Iterable[Any]) -> Iterable[Message]:
    """The messages of rows; what was deleted meanwhile has none, nor has it a body any more."""
    for place, fields in rows:
        if place is None or fields is None:
            continue
        said = {text(name): text(value) for name, value in fields.items()}
        yield Message(
            id=f"{stream}/{text(place)}", channel=stream, place=text(place),
            body=msgspec.json.encode(said),
        )  # fmt: skip
