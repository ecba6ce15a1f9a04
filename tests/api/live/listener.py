"""A server of the API on a port of its own, and clients that listen to it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from onbeat import Onbeat
from onbeat.api.server import ApiServer
from onbeat.app.options import read_options
from onbeat.runtime.listening import address_of, listen
from onbeat.timing import within
from tests.api.asking import Client

PATIENCE = 20.0
"""Seconds after which what was to come has not."""

LATER = read_options(delay="1h")
"""So that a job can be followed before it runs."""

Frame = dict[str, Any]


def has_all(found: Iterable[Frame], *what: str) -> bool:
    """Whether all these happened."""
    return {each.get("what") for each in found} >= set(what)


@asynccontextmanager
async def served(ob: Onbeat) -> AsyncIterator[str]:
    """Serve `ob` as a process of its own would; where it is."""
    listener = listen("127.0.0.1", 0)
    server = ApiServer(ob, listener)
    await server.set_up()
    try:
        yield address_of(listener)
    finally:
        await server.clean_up()
        listener.close()


@asynccontextmanager
async def asking(address: str, token: str) -> AsyncIterator[Client]:
    """Ask the API at `address` over HTTP."""
    headers = {"Authorization": f"Bearer {token}"}
    async with Client(base_url=f"{address}/api/v1", headers=headers, trust_env=False) as client:
        yield client


class Listener:
    """One who listens over a WebSocket."""

    def __init__(self, socket: ClientConnection) -> None:
        """Listen over `socket`."""
        self.socket = socket
        self.seq: str | None = None
        """Of the last frame that was read."""

    async def say(self, **message: Any) -> None:
        """Send a message."""
        await self.socket.send(json.dumps(message))

    async def frame(self) -> Frame:
        """The next frame."""
        async with within(PATIENCE):
            frame: Frame = json.loads(await self.socket.recv())
        self.seq = frame.get("seq") or self.seq
        return frame

    async def until(self, kind: str) -> Frame:
        """The next frame of that type; those before it are passed over."""
        while (frame := await self.frame())["type"] != kind:
            pass
        return frame

    async def follow(self, *topics: str, since: str | None = None) -> Frame:
        """Follow these, and wait until that is so."""
        more = {} if since is None else {"since": since}
        await self.say(type="subscribe", topics=topics, **more)
        return await self.until("subscribed")

    async def changes(self, enough: Callable[[list[Frame]], bool]) -> list[Frame]:
        """The changes that come until they are enough; being asked to read anew is one too."""
        found: list[Frame] = []
        while not enough(found):
            frame = await self.frame()
            found += frame.get("changes", [])
            if frame["type"] == "refetch":
                found.append(frame)
        return found

    async def told_of(self, ids: Collection[str]) -> list[Frame]:
        """The changes until each of these ids was among them."""
        return await self.changes(lambda found: {each.get("id") for each in found} >= set(ids))

    async def closed(self) -> int | None:
        """The code with which the other side ends it.

        What came before is read: a close that waits behind it is not seen.
        """
        async with within(PATIENCE):
            with suppress(ConnectionClosed):
                while True:
                    await self.socket.recv()
        return self.socket.close_code


@asynccontextmanager
async def listening(
    address: str, token: str | None = None, **options: Any
) -> AsyncIterator[Listener]:
    """Listen at `address`, with a token if one is given."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    headers |= options.pop("headers", {})
    url = f"{address.replace('http', 'ws', 1)}/api/v1/ws"
    async with connect(url, additional_headers=headers, proxy=None, **options) as socket:
        yield Listener(socket)
