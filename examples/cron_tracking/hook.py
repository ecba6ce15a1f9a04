"""Who hears of it: a receiver of Slack's incoming webhooks, and one of Sentry's envelopes."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from aiohttp import web

PROJECT = "7"


@dataclass(slots=True)
class Hook:
    """What has come, on loopback."""

    socket: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    messages: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Of each Slack channel, as they were posted."""
    events: list[dict[str, Any]] = field(default_factory=list)
    """Errors as Sentry's own client sent them."""

    @property
    def address(self) -> str:
        """Where it is, before it answers."""
        host, port = self.socket.getsockname()
        return f"{host}:{port}"

    def slack(self, channel: str) -> str:
        """The secret URL of a channel's incoming webhook."""
        return f"http://{self.address}/slack/{channel}"

    @property
    def sentry(self) -> str:
        """The DSN of a project."""
        return f"http://public@{self.address}/{PROJECT}"

    def texts(self, channel: str) -> list[str]:
        """What a channel was told, each with all its blocks."""
        return [json.dumps(each) for each in self.messages.get(channel, [])]

    def heard(self, channel: str, *words: str) -> int:
        """How many messages of a channel have all these words."""
        return sum(all(word in text for word in words) for text in self.texts(channel))

    async def take_message(self, request: web.Request) -> web.Response:
        """As Slack does: it says `ok`."""
        channel = request.match_info["channel"]
        self.messages.setdefault(channel, []).append(await request.json())
        return web.Response(text="ok")

    async def take_envelope(self, request: web.Request) -> web.Response:
        """A header, and then of each item a header and a line."""
        lines = [json.loads(line) for line in (await request.read()).splitlines() if line]
        for head, item in pairwise(lines[1:]):
            if head.get("type") == "event":
                self.events.append(item)
        return web.json_response({})


@asynccontextmanager
async def hearing(hook: Hook) -> AsyncIterator[None]:
    """It answers until the block ends."""
    app = web.Application()
    app.router.add_post("/slack/{channel}", hook.take_message)
    app.router.add_post(f"/api/{PROJECT}/envelope/", hook.take_envelope)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.SockSite(runner, hook.socket).start()
        yield
    finally:
        await runner.cleanup()
