"""The client: one request to a target that a user gave, bounded in every way.

It goes to an address that was judged, and to no other; it follows no redirect, asks no proxy, keeps
no cookie, unpacks nothing, and reads no more than it was told to.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onbeat.domain.errors import ExtraMissing
from onbeat.outbound.targets import Rules, Target, TargetRefused, read_target
from onbeat.timing import within

if TYPE_CHECKING:
    import aiohttp

    from onbeat.outbound.resolving import Resolve

PIECE = 16 * 1024
USER_AGENT = "onbeat"


class Unanswered(Exception):
    """No answer came, for a reason that may be gone the next time."""

    def __init__(self, told: str, seconds: float) -> None:
        """Tell why, and how long that took."""
        super().__init__(told)
        self.seconds = seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How long a request may take, and how much is read of its answer."""

    connect: float = 10.0
    """Seconds to resolve the name, connect and agree on encryption."""
    total: float = 20.0
    """Seconds for all of it; the specification advises 15 to 30."""
    read: int = 64 * 1024
    """Bytes of the answer's body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    retry_after: str | None
    location: str | None
    """Where it was sent on to, and did not go."""
    body: bytes
    is_cut: bool
    """Whether there was more of it, or it did not come in time."""
    seconds: float


class Client:
    """Sends requests by the operator's rules."""

    def __init__(
        self,
        rules: Rules | None = None,
        *,
        bounds: Bounds | None = None,
        resolve: Resolve | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Names are resolved by `resolve`, else by the machine; certificates are judged by `tls`,
        else by the machine's own list of authorities.
        """
        self.rules = rules or Rules()
        self._bounds = bounds or Bounds()
        self._own_resolve = resolve
        self._tls = tls

    async def check(self, url: str, field: str = "url") -> None:
        """Raise TargetRefused where requests may not go there, as far as can be said now.

        A name that leads nowhere yet passes: it is judged again with every request.
        """
        target = read_target(url, self.rules, field)
        if target.address is not None:
            return
        from onbeat.outbound.resolving import addresses_of  # noqa: PLC0415 - of an extra

        try:
            async with within(self._bounds.connect):
                allowed = self.rules.allowed
                await addresses_of(target.host, target.port, self._resolve, allowed, field)
        except (OSError, UnicodeError):  # a timeout is one too
            return

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send `body` there. Raises TargetRefused, Unanswered, ExtraMissing."""
        return await self.send("POST", url, body, headers)

    async def send(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        """The same by any method. Raises as `post` does."""
        target = read_target(url, self.rules)
        session = self._session(target)
        async with session:
            return await _Exchange(session, self._bounds).run(method, target, body, headers)

    @property
    def _resolve(self) -> Resolve:
        from onbeat.outbound.resolving import resolve_by_system  # noqa: PLC0415 - as above

        return self._own_resolve or resolve_by_system

    def _session(self, target: Target) -> aiohttp.ClientSession:
        """One of its own for each request: nothing of another's is in it."""
        try:
            import aiohttp  # noqa: PLC0415 - of an extra
        except ImportError as error:
            raise ExtraMissing("sending requests", "aiohttp", "server") from error
        from onbeat.outbound.resolving import CheckedResolver, Gate  # noqa: PLC0415 - as above

        allowed = self.rules.allowed
        connector = aiohttp.TCPConnector(
            resolver=CheckedResolver(self._resolve, allowed),
            socket_factory=Gate(target.host, allowed),
            use_dns_cache=False,
            # One address after the other: what the gate refuses is told as it is.
            happy_eyeballs_delay=None,
            force_close=True,
            ssl=self._tls or True,
        )
        return aiohttp.ClientSession(
            connector=connector,
            auto_decompress=False,
            trust_env=False,
            timeout=aiohttp.ClientTimeout(total=None, connect=self._bounds.connect),
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
        )


class _Exchange:
    """One request and what comes back of it."""

    def __init__(self, session: aiohttp.ClientSession, bounds: Bounds) -> None:
        self._session = session
        self._bounds = bounds
        self._now = asyncio.get_running_loop().time
        self._head: aiohttp.ClientResponse | None = None
        self._body = bytearray()
        self._is_whole = False

    async def run(
        self, method: str, target: Target, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        """Send, and read what fits. Once a status has come, it is the answer: whether the rest
        comes too, in time and in one piece, changes nothing.
        """
        import aiohttp  # noqa: PLC0415 - of an extra

        began = self._now()
        try:
            async with within(self._bounds.total):
                await self._send(method, target, body, headers)
        except aiohttp.InvalidURL as error:
            raise TargetRefused("url", f"it is no URL: {error}; change it") from error
        except (aiohttp.ClientError, OSError, UnicodeError) as error:
            if self._head is None:
                where = f"{target.host}:{target.port}"
                told = why_unanswered(error, where, self._bounds.total)
                raise Unanswered(told, self._now() - began) from error
        return self._answer(self._now() - began)

    async def _send(
        self, method: str, target: Target, body: bytes | None, headers: Mapping[str, str]
    ) -> None:
        request = self._session.request(
            method, target.url, data=body, headers=headers, allow_redirects=False
        )
        async with request as response:
            self._head = response
            async for piece in response.content.iter_chunked(PIECE):
                self._body += piece
                if len(self._body) > self._bounds.read:
                    return
            self._is_whole = True

    def _answer(self, seconds: float) -> Answer:
        assert self._head is not None  # noqa: S101 - nothing came is told of before
        return Answer(
            status=self._head.status,
            retry_after=self._head.headers.get("Retry-After"),
            location=self._head.headers.get("Location"),
            body=bytes(self._body[: self._bounds.read]),
            is_cut=not self._is_whole,
            seconds=seconds,
        )


def why_unanswered(error: BaseException, where: str, seconds: float) -> str:
    """Why no answer came from there within so many seconds: in the system's words, else only the
    kind of error, for what is told of a malformed answer quotes its headers, secrets and all.
    """
    if isinstance(error, TimeoutError):
        return f"{where} did not answer within {seconds:g} s"
    cause = error.__cause__ or error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"the certificate of {where} is not good: {cause.verify_message}"
    told = str(cause) if isinstance(cause, OSError) else ""
    return f"{where} did not answer: {told or type(cause).__name__}"
