"""How long the API takes to begin its answers, by route. Plain ASGI."""

from __future__ import annotations

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from onbeat.domain.meters import REST, Counting, Meter

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


class Answering:
    """Counts each answer by its route, its method and the hundreds of its status, as `2xx`."""

    def __init__(self, app: ASGIApp, counting: Counting) -> None:
        """Stand before `app`, and count on `counting`."""
        self._app = app
        self._counting = counting

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.monotonic()

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                labels = (_route(scope), _method(scope), f"{message['status'] // 100}xx")
                self._counting.took(Meter.ANSWERED, labels, time.monotonic() - began)
            await send(message)

        await self._app(scope, receive, answer)


def _route(scope: Scope) -> str:
    """The path of the route as the API's description has it: of these there are so many."""
    return getattr(scope.get("route"), "path", REST)


def _method(scope: Scope) -> str:
    """The method; what is none is not told apart."""
    return scope["method"] if scope["method"] in METHODS else REST
