"""What changes, as it changes: over a WebSocket, or as server-sent events, the same frames."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from functools import partial
from hashlib import sha256
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, WebSocket
from starlette.responses import Response, StreamingResponse

from onbeat.api.auth import Asker, cookie_in, gate_of, refuse_foreign, who_asks
from onbeat.api.bodies import PREFIX, routes
from onbeat.api.live.client import Client
from onbeat.api.live.hub import Hub
from onbeat.api.live.listening import Listening, TooMuch, closed, topics_for
from onbeat.api.live.position import read_position
from onbeat.api.openapi import CLOSED, errors
from onbeat.api.problems import Problem, refused
from onbeat.domain.access import Principal
from onbeat.domain.errors import OnbeatError
from onbeat.domain.live import MOST_TOPICS

BEARER = "bearer."
"""How a token begins as a subprotocol, the one header that a page can set."""

RETRY = b"retry: 2000\n\n"
"""After how many milliseconds a browser comes back."""

NORMAL = 1000
LAST_WORDS = 5.0
"""Seconds for what is sent last."""

router = routes("/events", "live")
sockets = APIRouter(prefix=PREFIX)

STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Frames as server-sent events: `id` is the frame's `seq`.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


def hub_of(app: Any) -> Hub:
    """The one of the application."""
    hub: Hub = app.state.live
    return hub


@router.get("", operation_id="live_events", response_class=StreamingResponse,
            responses={**errors(400, 401, 403, 404, 503), **STREAM},
            openapi_extra={"security": CLOSED})  # fmt: skip
async def events(
    request: Request,
    asker: Asker,
    topic: Annotated[
        list[str],
        Query(
            min_length=1, max_length=MOST_TOPICS,
            description="What to follow: jobs, job:ID, queue:NAME, task:NAME, schedule:NAME, "
            "queues, schedules, workers, audit.",
        ),
    ],
    since: Annotated[
        str | None, Query(max_length=4_000, description="Go on behind this `seq`.")
    ] = None,
    last_event_id: Annotated[
        str | None, Header(max_length=4_000, description="The same, as browsers send it.")
    ] = None,
) -> Response:  # fmt: skip
    """Follow what changes, as it changes. The same frames come over a WebSocket at `/api/v1/ws`,
    where topics can be changed (`subscribe`, `unsubscribe`); see docs/live.md.
    """
    _refuse_other_sites(request)
    place = last_event_id or since
    position = None if place is None else read_position(place)
    topics = await topics_for(gate_of(request).ob, asker, topic)
    hub = hub_of(request.app)
    _refuse_full(hub)

    async def streamed() -> AsyncIterator[bytes]:
        client = await _joined(hub, request, asker)
        try:
            hub.subscribe(client, topics, position)
            async for part in _events_of(client):
                yield part
        finally:
            hub.leave(client)

    return StreamingResponse(
        streamed(), media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )  # fmt: skip


async def _events_of(client: Client) -> AsyncIterator[bytes]:
    """The frames as events (https://html.spec.whatwg.org/#parsing-an-event-stream)."""
    yield RETRY
    while (frame := await client.frame()) is not None:
        place = b"" if client.seq is None else b"id: %b\n" % client.seq.encode()
        yield b"%bdata: %b\n\n" % (place, frame)


async def _joined(hub: Hub, request: Request, asker: Principal) -> Client:
    return await hub.join(asker, partial(who_asks, request), _credential(request))


@sockets.websocket("/ws")
async def listen(socket: WebSocket) -> None:
    """Answer one who listens over a WebSocket."""
    request = _as_request(socket)
    try:
        asker = await who_asks(request)
        _refuse_other_sites(request)
        hub = hub_of(socket.app)
        _refuse_full(hub)
        client = await _joined(hub, request, asker)
    except (OnbeatError, Problem) as error:
        await socket.send_denial_response(refused(error))
        return
    await socket.accept(_subprotocol(socket))
    try:
        listening = Listening(hub, gate_of(request).ob, client)
        await _both(socket, client, listening)
        await closed(socket, client)
    finally:
        hub.leave(client)


def _refuse_full(hub: Hub) -> None:
    if hub.is_full:
        raise Problem(
            503, "as many listen here as may; come back a little later",
            headers={"Retry-After": "5"},
        )  # fmt: skip


async def _both(socket: WebSocket, client: Client, listening: Listening) -> None:
    """Send and hear until one is over; what is to be said last is said."""
    sending = asyncio.create_task(_send(socket, client))
    hearing = asyncio.create_task(_hear(socket, listening))
    try:
        await asyncio.wait([sending, hearing], return_when=asyncio.FIRST_COMPLETED)
        client.end(NORMAL, "")
        await asyncio.wait([sending], timeout=LAST_WORDS)
    finally:
        for each in (sending, hearing):
            each.cancel()
        await asyncio.gather(sending, hearing, return_exceptions=True)


async def _send(socket: WebSocket, client: Client) -> None:
    while (frame := await client.frame()) is not None:
        await socket.send({"type": "websocket.send", "text": frame.decode()})


async def _hear(socket: WebSocket, listening: Listening) -> None:
    try:
        while (message := await socket.receive())["type"] != "websocket.disconnect":
            await listening.hear(message.get("text"), time.monotonic())
    except TooMuch as told:
        listening.client.end(told.code, told.reason)


def _as_request(socket: WebSocket) -> Request:
    """The handshake as the request it is, with a token that came as a subprotocol."""
    headers = list(socket.scope["headers"])
    token = next((each for each in _protocols(socket) if each.startswith(BEARER)), None)
    if token is not None:
        told = f"Bearer {token.removeprefix(BEARER)}".encode()
        headers = [each for each in headers if each[0] != b"authorization"]
        headers.append((b"authorization", told))
    return Request({**socket.scope, "type": "http", "method": "GET", "headers": headers})


def _protocols(socket: WebSocket) -> Iterable[str]:
    protocols: Iterable[str] = socket.scope.get("subprotocols", ())
    return protocols


def _subprotocol(socket: WebSocket) -> str | None:
    """The one that is spoken: of those that were offered, as a browser insists on one of them."""
    offered = sorted(_protocols(socket), key=lambda each: each.startswith(BEARER))
    return next(iter(offered), None)


def _refuse_other_sites(request: Request) -> None:
    """A page of another site has the cookie sent along; a token it would have to know."""
    if "authorization" not in request.headers:
        refuse_foreign(request, gate_of(request))


def _credential(request: Request) -> str:
    shown = request.headers.get("authorization") or cookie_in(request)
    return sha256((shown or repr(id(request))).encode()).hexdigest()
