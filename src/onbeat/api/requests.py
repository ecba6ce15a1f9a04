"""What every request passes: its id, its size, and the headers of its answer. Plain ASGI."""

from __future__ import annotations

import secrets
from contextvars import ContextVar

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = 1024 * 1024
"""Bytes of a body, where nothing else is said."""

_request: ContextVar[str] = ContextVar("onbeat_request", default="")

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'",
    "Cache-Control": "no-store",
}
"""Of every answer that says nothing else itself (OWASP REST Security Cheat Sheet)."""


ANSWERS = ("http.response.start", "websocket.http.response.start")
"""How an answer begins: to a request, and to a WebSocket that is refused."""


def request_id() -> str:
    """The id of the request under way."""
    return _request.get()


class BodyTooLarge(Exception):
    """Raised into the application by a body of more than `most` bytes."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.most = most


class Envelope:
    """Gives a request its id and its answer the headers; counts the bytes of the body."""

    def __init__(self, app: ASGIApp, most_bytes: int = MOST_BYTES) -> None:
        """Stand before `app`."""
        self._app = app
        self._most = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        identity = secrets.token_hex(8)
        token = _request.set(identity)
        scope.setdefault("state", {})["request_id"] = identity

        async def answer(message: Message) -> None:
            if message["type"] in ANSWERS:
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers["X-Request-Id"] = identity
            await send(message)

        try:
            counted = self._counted(scope, receive) if scope["type"] == "http" else receive
            await self._app(scope, counted, answer)
        finally:
            _request.reset(token)

    def _counted(self, scope: Scope, receive: Receive) -> Receive:
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared) > self._most:
            scope["state"]["is_too_large"] = True
        count = 0

        async def counted() -> Message:
            nonlocal count
            message = await receive()
            count += len(message.get("body", b""))
            if count > self._most or scope["state"].get("is_too_large"):
                raise BodyTooLarge(self._most)
            return message

        return counted
