"""Sockets that listen, and answers to plain requests on one: enough of HTTP for probes.

One request a connection, no body read. What is larger, slower or more than is needed is hung up on.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from onbeat.domain.errors import InvalidSetting
from onbeat.timing import within

BACKLOG: Final = 2_048

LARGEST: Final = 16 * 1024
"""Bytes of a request's head."""

PATIENCE: Final = 5.0
"""Seconds that a request may take to come, and its answer to go."""

AT_ONCE: Final = 64
"""Answers under way."""

MOST_HELD: Final = 512
"""Connections on which a request is to come yet, or an answer to go."""

FORGOTTEN: Final = (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)
"""What comes of who hangs up, or says nothing."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for."""

    path: str
    accept: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered."""

    status: int
    body: bytes
    content_type: str = "application/json"


Answer = Callable[[Asked], Awaitable[Reply]]


def listen(host: str, port: int, setting: str = "port") -> socket.socket:
    """A socket that listens there. Raises InvalidSetting, naming `setting`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        why = (error.strerror or str(error)).partition(" (while")[0]
        told = f"{host or '*'}:{port} cannot be listened on: {why}"
        raise InvalidSetting(setting, f"{told}; give another, or end what has it") from None
    # What is accepted has it from here. asyncio sets it only where the protocol is named, and an
    # answer of two writes would wait for the client's delayed ACK: 40 ms each.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def address_of(listener: socket.socket) -> str:
    """Where what listens there can be reached from this machine."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


@asynccontextmanager
async def answering(
    listener: socket.socket,
    answer: Answer,
    *,
    always: Collection[str] = (),
    most_held: int = MOST_HELD,
) -> AsyncIterator[None]:
    """Give each GET on the listener its answer, from this loop, until the block ends.

    Paths that are `always` answered take no place of others, and wait for nothing.
    """
    free = asyncio.Semaphore(AT_ONCE)
    held: dict[asyncio.StreamWriter, None] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(*FORGOTTEN):
                with _holding(held, writer, most_held):
                    async with within(PATIENCE):
                        method, asked = _read(await reader.readuntil(b"\r\n\r\n"))
                if method not in ("GET", "HEAD"):
                    reply = _refused(method)
                elif asked.path in always:
                    reply = await answer(asked)
                elif free.locked():
                    return
                else:
                    async with free:
                        reply = await answer(asked)
                with _holding(held, writer, most_held):
                    await _write(writer, reply, has_body=method != "HEAD")
        finally:
            writer.close()

    server = await asyncio.start_server(serve, sock=listener, limit=LARGEST)
    try:
        yield
    finally:
        server.close()


@contextmanager
def _holding(
    held: dict[asyncio.StreamWriter, None], writer: asyncio.StreamWriter, most: int
) -> Iterator[None]:
    """Have it among those that wait for who asks; of too many the first is hung up on."""
    if len(held) >= most:
        first = next(iter(held))
        del held[first]
        first.transport.abort()
    held[writer] = None
    try:
        yield
    finally:
        held.pop(writer, None)


async def _write(writer: asyncio.StreamWriter, reply: Reply, *, has_body: bool) -> None:
    writer.write(_head(reply) + (reply.body if has_body else b""))
    async with within(PATIENCE):
        await writer.drain()


def _read(head: bytes) -> tuple[str, Asked]:
    """The method, none where it is no request, and what is asked for, without its query."""
    first, *lines = head.decode("latin-1").split("\r\n")
    method, _, rest = first.partition(" ")
    target, _, version = rest.partition(" ")
    if not version.startswith("HTTP/1."):
        return "", Asked("")
    fields = {
        name.strip().lower(): text.strip() for name, _, text in (x.partition(":") for x in lines)
    }
    return method, Asked(target.partition("?")[0], fields.get("accept", ""))


def _refused(method: str) -> Reply:
    status = HTTPStatus.METHOD_NOT_ALLOWED if method else HTTPStatus.BAD_REQUEST
    return Reply(status, b'{"status": "error", "reason": "only GET is answered here"}')


def _head(reply: Reply) -> bytes:
    phrase = HTTPStatus(reply.status).phrase
    return (
        f"HTTP/1.1 {reply.status:d} {phrase}\r\nContent-Type: {reply.content_type}\r\n"
        f"Content-Length: {len(reply.body)}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
    ).encode("latin-1")
