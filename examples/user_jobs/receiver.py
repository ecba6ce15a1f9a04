"""Who receives amy's webhooks: any other program could be this one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from onbeat import InvalidSignature, verify_webhook

Hear = Callable[[str, dict[str, Any]], None]
"""What is done with a message, given its type and its data."""


class Receiver:
    """Believes what is signed with its secret, each message once, and refuses all else."""

    def __init__(self, hear: Hear) -> None:
        self._hear = hear
        self._ids: set[str] = set()
        self.secret: str | None = None
        """As it was shown when the webhook was made."""
        self.url = ""
        self.heard: dict[str, dict[str, Any]] = {}
        """What was told of each job that has ended."""

    async def receive(self, request: web.Request) -> web.Response:
        """Handle a request by its body as it came."""
        body = await request.read()
        try:
            message = verify_webhook(body, request.headers, self.secret or [])
        except InvalidSignature:
            return web.Response(status=401)
        if message.id not in self._ids:
            self._ids.add(message.id)
            self.heard[str(message.data["job"])] = message.data
            self._hear(message.type, message.data)
        return web.Response(status=204)


@asynccontextmanager
async def receiving(hear: Hear) -> AsyncIterator[Receiver]:
    """One that listens on loopback until the block ends."""
    receiver = Receiver(hear)
    app = web.Application()
    app.router.add_post("/", receiver.receive)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        receiver.url = f"http://{host}:{port}/"
        yield receiver
    finally:
        await runner.cleanup()
