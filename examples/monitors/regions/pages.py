"""What the demo checks, and the pager it calls: real HTTP, in the demo's own process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from aiohttp import web

HOST = "127.0.0.1"
PAGES = {"fast": 200, "gone": 404, "failing": 500}
PIECE = 16 * 1024
"""Bytes that are sent at once of what has no end."""


@dataclass(slots=True)
class Pages:
    """Where they are, and what the pager has heard."""

    address: str = ""
    pager_is_down: bool = False
    calls: int = 0
    """Requests of the pager, also those that failed."""
    told: list[str] = field(default_factory=list)
    """The monitors that the pager was told of."""

    async def page(self, request: web.Request) -> web.Response:
        """/fast/7, /gone/7, /failing/7; /hang/7 never answers."""
        if request.match_info["kind"] == "hang":
            await asyncio.Event().wait()
        return web.Response(status=PAGES.get(request.match_info["kind"], 404))

    async def endless(self, request: web.Request) -> web.StreamResponse:
        """/endless: as much as anybody reads."""
        answer = web.StreamResponse()
        await answer.prepare(request)
        while True:
            await answer.write(bytes(PIECE))

    async def pager(self, request: web.Request) -> web.Response:
        """Take a notice, unless it is down."""
        self.calls += 1
        if self.pager_is_down:
            return web.Response(status=503)
        self.told.append((await request.json())["name"])
        return web.Response()


@contextlib.asynccontextmanager
async def serving_pages() -> AsyncIterator[Pages]:
    """Answer on a free port until the block ends."""
    pages = Pages()
    app = web.Application()
    app.router.add_get("/{kind}/{number}", pages.page)
    app.router.add_get("/endless", pages.endless)
    app.router.add_post("/pager", pages.pager)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    pages.address = f"http://{HOST}:{runner.addresses[0][1]}"
    try:
        yield pages
    finally:
        await runner.cleanup()
