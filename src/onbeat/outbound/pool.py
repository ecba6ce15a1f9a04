"""Connections to one API that are kept open between requests, for each event loop that asks.

The address is the operator's own, who may well mean a private one: none is judged here. Redirects
are not followed, for the token would go with them; no proxy is asked and no cookie is kept.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from onbeat.domain.errors import ExtraMissing
from onbeat.outbound.client import PIECE, USER_AGENT, Unanswered, why_unanswered
from onbeat.timing import within

if TYPE_CHECKING:
    import aiohttp


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    """By their names in small letters."""
    body: bytes
    is_cut: bool
    """Whether there was more of it than is read."""
    seconds: float


class Busy(Exception):
    """All connections are in use."""


class Unsendable(Exception):
    """A request that cannot be written, as a header or the server's name that is no such thing."""


class Pool:
    """The connections of one client."""

    def __init__(self, url: str, most: int, tls: ssl.SSLContext | None = None) -> None:
        """Have up to `most` to the server of `url`, in each loop; certificates are judged by `tls`,
        else by the machine's own list of authorities.
        """
        read = urlsplit(url)
        port = read.port or (443 if read.scheme == "https" else 80)
        self._where = f"{read.hostname}:{port}"
        self._most = most
        self._tls = tls
        self._sessions: dict[asyncio.AbstractEventLoop, aiohttp.ClientSession] = {}
        self._places: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore]
        self._places = WeakKeyDictionary()
        self._lock = threading.Lock()
        self._of_parent: list[aiohttp.ClientSession] = []

    @asynccontextmanager
    async def place(self, seconds: float) -> AsyncIterator[None]:
        """Have one of the connections for a request. Raises Busy where none is free within so many
        `seconds`: they count apart from those of the request, for they say nothing of the server.
        """
        loop = asyncio.get_running_loop()
        with self._lock:
            places = self._places.setdefault(loop, asyncio.Semaphore(self._most))
        try:
            async with within(seconds):
                await places.acquire()
        except TimeoutError:
            raise Busy from None
        try:
            yield
        finally:
            places.release()

    async def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        seconds: float,
        most: int,
    ) -> Came:
        """Send, and read an answer of up to `most` bytes within so many `seconds`.

        Whoever sends has a `place`. Raises Unanswered, Unsendable, ExtraMissing.
        """
        session, now = self._session(), asyncio.get_running_loop().time
        import aiohttp  # noqa: PLC0415 - of an extra

        began = now()
        try:
            async with (
                within(seconds),
                session.request(
                    method, url, data=body, headers=headers, allow_redirects=False
                ) as response,
            ):
                read, is_cut = await _read(response, most)
        except aiohttp.InvalidURL:
            raise Unsendable("InvalidURL") from None
        except (aiohttp.ClientError, OSError) as error:  # some of these are a ValueError too
            told = why_unanswered(error, self._where, seconds)
            raise Unanswered(told, now() - began) from None
        except ValueError as error:  # UnicodeError too; what it says quotes what was to be sent
            raise Unsendable(type(error).__name__) from None
        named = {name.lower(): value for name, value in response.headers.items()}
        return Came(
            status=response.status, headers=named, body=read, is_cut=is_cut, seconds=now() - began
        )

    async def close(self) -> None:
        """Close those of the running loop."""
        with self._lock:
            session = self._sessions.pop(asyncio.get_running_loop(), None)
        if session is not None:
            await session.close()

    def forget(self) -> None:
        """Have none: in a forked child the open ones are the parent's, and must not even be closed.

        aiohttp closes those that nobody keeps, and takes them out of the event loop's epoll, which
        is one with the parent's (epoll(7)): the parent would never hear of them again.
        """
        self._of_parent = [*self._of_parent, *self._sessions.values()]
        self._sessions = {}
        self._places = WeakKeyDictionary()
        self._lock = threading.Lock()

    def _session(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        with self._lock:
            for each in [other for other in self._sessions if other.is_closed()]:
                del self._sessions[each]
            found = self._sessions.get(loop)
            if found is None:
                found = self._sessions[loop] = self._opened()
            return found

    def _opened(self) -> aiohttp.ClientSession:
        try:
            import aiohttp  # noqa: PLC0415 - of an extra
        except ImportError as error:
            raise ExtraMissing("a client of an API", "aiohttp", "server") from error
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._most, ssl=self._tls or True),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            timeout=aiohttp.ClientTimeout(total=None),
            headers={"User-Agent": USER_AGENT},
        )


async def _read(response: aiohttp.ClientResponse, most: int) -> tuple[bytes, bool]:
    """The body, and whether there is more of it."""
    body = bytearray()
    async for piece in response.content.iter_chunked(PIECE):
        body += piece
        if len(body) > most:
            response.close()  # what is left of it is not waited for
            return bytes(body[:most]), True
    return bytes(body), False
