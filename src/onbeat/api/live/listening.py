"""What one who listens over a WebSocket may say: which topics to follow, and which no more."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Annotated, Final, Literal

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from onbeat.api.live.client import Client
from onbeat.api.live.hub import Hub
from onbeat.api.live.position import read_position
from onbeat.api.problems import said_of
from onbeat.app.onbeat import Onbeat
from onbeat.domain.access import Principal
from onbeat.domain.errors import Forbidden, InvalidInput, NotFound, OnbeatError, StoreError
from onbeat.domain.jobs import JobId, no_job
from onbeat.domain.live import MOST_TOPICS, NEEDED, Follow, Topic, read_topic

LONGEST_MESSAGE: Final = 32 * 1024
"""Characters: fifty topics and a place fit into it."""

MOST_AT_ONCE: Final = 20
EVERY: Final = 0.5
"""Seconds between two messages in the long run; so many may come at once."""

NOT_TEXT, POLICY, TOO_LONG = 1003, 1008, 1009


class TooMuch(Exception):
    """Raised where it ends, by what was said."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


Texts = Annotated[list[str], msgspec.Meta(min_length=1, max_length=MOST_TOPICS)]


class Message(msgspec.Struct, forbid_unknown_fields=True):
    """What is said."""

    type: Literal["subscribe", "unsubscribe"]
    topics: Texts
    since: str | None = None


_read = msgspec.json.Decoder(Message).decode


class Listening:
    """Hears what a client says."""

    def __init__(self, hub: Hub, ob: Onbeat, client: Client) -> None:
        """Of `client`, who listens to `hub`."""
        self.client = client
        self._hub = hub
        self._ob = ob
        self._full_at = float("-inf")

    async def hear(self, text: str | None, now: float) -> None:
        """Do what is said at `now` (s, monotonic), or say what is wrong with it. Raises TooMuch."""
        if text is None:
            raise TooMuch(NOT_TEXT, "bytes are not understood; send JSON as text")
        if len(text) > LONGEST_MESSAGE:
            raise TooMuch(TOO_LONG, f"a message is over {LONGEST_MESSAGE} characters")
        self._full_at = max(self._full_at, now) + EVERY
        if self._full_at - now > MOST_AT_ONCE * EVERY:
            raise TooMuch(POLICY, f"messages come too fast; send {1 / EVERY:g} a second at most")
        try:
            await self._do(_read(text))
        except msgspec.DecodeError as error:
            told = f"the message is no JSON that is understood: {error}; docs/live.md says what is"
            self.client.refuse("malformed", told)
        except OnbeatError as error:
            self.client.refuse(_code(error), said_of(error))

    async def _do(self, said: Message) -> None:
        if said.type == "unsubscribe":
            self._hub.unsubscribe(self.client, [read_topic(each) for each in said.topics])
            return
        topics = await topics_for(self._ob, self.client.asker, said.topics)
        if len(self._hub.wanted(self.client) | set(topics)) > MOST_TOPICS:
            raise InvalidInput("topics", f"more than {MOST_TOPICS} at once; give some up before")
        since = None if said.since is None else read_position(said.since)
        self._hub.subscribe(self.client, topics, since)


async def topics_for(ob: Onbeat, asker: Principal, texts: Iterable[str]) -> list[Topic]:
    """What `asker` wants to follow. Raises InvalidInput, Forbidden, NotFound."""
    topics = [read_topic(each) for each in dict.fromkeys(texts)]
    for each in topics:
        asker.need(NEEDED[each.follow])
        if not each.is_for(asker):
            raise Forbidden(f"{asker.name} sees rows of its own alone, and {each} is everybody's")
        if each.follow is Follow.JOB:
            await _refuse_anothers(ob, asker, each.name)
    return topics


async def _refuse_anothers(ob: Onbeat, asker: Principal, job: str) -> None:
    """Of another's job the same is said as of one that is not there."""
    with suppress(NotFound):
        found = await ob.jobs.find(job)
        if asker.owner in (None, found.owner):
            return
    raise no_job(JobId(job))


def _code(error: OnbeatError) -> str:
    if isinstance(error, Forbidden):
        return "forbidden"
    if isinstance(error, NotFound):
        return "not-found"
    return "unavailable" if isinstance(error, StoreError) else "invalid"


async def closed(socket: WebSocket, client: Client) -> None:
    """Say why it ends, if it is we who end it."""
    if client.closing is not None and socket.client_state is WebSocketState.CONNECTED:
        with suppress(WebSocketDisconnect):
            await socket.close(client.closing.code, client.closing.reason)
