"""The API as a service of a process: listens, answers, and lets answers end when it stops."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn

from onbeat.api.asgi import enveloped, make_app
from onbeat.api.issuers import Issuers
from onbeat.api.keeping import Answers
from onbeat.api.live.client import BEAT
from onbeat.api.live.hub import Hub
from onbeat.app.onbeat import Onbeat
from onbeat.app.processes import ServiceMaker
from onbeat.domain.events import Emit
from onbeat.runtime.listening import address_of, listen
from onbeat.runtime.service import FOREVER, Service
from onbeat.settings import Settings
from onbeat.store.store import Store

LET_END = 10.0
"""Seconds that answers under way may take once it stops."""

LARGEST_FRAME = 256 * 1024
"""Bytes of a message from a client; what is more than is understood is refused with a reason."""


class _Server(uvicorn.Server):
    """One that leaves signals to the process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do nothing about them."""
        yield


class ApiServer(Service):
    """Serves the API of an application on a socket that listens already."""

    can_rest = False  # who asks would be kept waiting: its socket goes on to listen

    def __init__(
        self,
        ob: Onbeat,
        listener: socket.socket,
        *,
        issuers: Issuers | None = None,
        proxies: str = "127.0.0.1",
        **options: Any,
    ) -> None:
        """Serve `ob`; addresses in `proxies` are believed about who asks through them."""
        super().__init__(**{"id": "api", "name": "API", **options})
        self._ob = ob
        self._listener = listener
        self._issuers = issuers
        self._proxies = proxies
        logging.getLogger("uvicorn").setLevel(logging.WARNING)  # services say themselves how it is
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None
        self._live: Hub | None = None
        self._answers: Answers | None = None

    async def set_up(self) -> None:
        """Answer."""
        app = make_app(self._ob, issuers=self._issuers)
        self._live, self._answers = app.state.live, app.state.answers
        config = uvicorn.Config(
            enveloped(app), lifespan="off", log_config=None,
            access_log=False, server_header=False, forwarded_allow_ips=self._proxies,
            timeout_graceful_shutdown=int(LET_END), ws_max_size=LARGEST_FRAME,
            ws_ping_interval=BEAT, ws_ping_timeout=BEAT,
            # It would take more of a core than all the rest, and 100 kB a client.
            ws_per_message_deflate=False,
        )  # fmt: skip
        self._server = _Server(config)
        # A copy, as the server closes what it was given, and it may have to start anew.
        self._serving = asyncio.create_task(
            self._server.serve(sockets=[self._listener.dup()]), name="onbeat-api-server"
        )

    async def step(self) -> float:
        """Rest while it serves. Raises what ended it."""
        if self._serving is not None and self._serving.done():
            self._serving.result()
        return FOREVER

    async def clean_up(self) -> None:
        """Answer nothing new, let what is under way end."""
        server, serving = self._server, self._serving
        self._server = self._serving = None
        if server is None or serving is None:
            return
        if self._live is not None:
            await self._live.close()
        server.should_exit = True
        await asyncio.wait([serving], timeout=LET_END + 1)
        serving.cancel()
        if self._answers is not None:
            await self._answers.close()


@dataclass(frozen=True, slots=True)
class Served:
    """What listens already, and answers once the service it makes has started."""

    make: ServiceMaker
    address: str


def served(ob: Onbeat, settings: Settings | None = None) -> Served:
    """The API and the web UI of `ob`, for `ob.running(more=[served(ob).make])`, at the host and
    port of `settings`, else of its own. It listens from here on; port 0 is any that is free.

    Raises InvalidSetting where nothing can listen there, and for issuers that cannot be read.
    """
    settings = settings or ob.settings
    issuers = Issuers.from_settings(settings)
    listener = listen(settings.host, settings.port)

    def make(store: Store, emit: Emit) -> Service:
        return ApiServer(
            ob, listener, proxies=settings.proxies, issuers=issuers,
            timing=store.timing, emit=emit,
        )  # fmt: skip

    return Served(make, address_of(listener))
