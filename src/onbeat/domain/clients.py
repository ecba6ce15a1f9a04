"""A client of an API: what its owner says of it, and what follows for each request. Pure.

Within one call a request is made again only where that does no harm, be the method one that may be
repeated (RFC 9110 §9.2.2) or be a key with it by which the API knows it, and only for what passes
quickly. All else is for the job's own retries.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import unquote, urlencode, urlsplit

from onbeat.domain.breakers import Breaker
from onbeat.domain.client_errors import CallError, CallFailed, CallLimited, CallUnanswered
from onbeat.domain.error_classes import retry_after
from onbeat.domain.errors import InvalidInput
from onbeat.domain.limits import Bounds
from onbeat.domain.retries import Randomness, Retry

REPEATABLE: Final = frozenset(("GET", "HEAD", "OPTIONS", "PUT", "DELETE"))
METHODS: Final = REPEATABLE | {"POST", "PATCH"}

PASSING: Final = frozenset((502, 503, 504))
"""What a request may be answered differently after a moment."""

REQUEST_ID, IDEMPOTENCY_KEY = "X-Request-Id", "Idempotency-Key"

OWN_HEADERS: Final = frozenset(
    ("authorization", "content-length", "host", "transfer-encoding", "connection",
     REQUEST_ID.lower(), IDEMPOTENCY_KEY.lower())
)  # fmt: skip
"""What a call does not set itself."""

DEFAULT_RETRY: Final = Retry(3, base="200ms", cap="2s")
DEFAULT_TIMEOUT: Final = timedelta(seconds=10)
LONGEST_TIMEOUT: Final = timedelta(hours=1)
LONGEST_CACHE: Final = timedelta(days=1)
MOST_CONNECTIONS: Final = 10_000
DEFAULT_CONNECTIONS: Final = 20
LARGEST_ANSWER: Final = 4 * 1024 * 1024
MOST_CLIENTS: Final = 50
"""Of an application: each has figures of its own in the metrics."""

TOGETHER: Final = timedelta(milliseconds=100)
"""Requests that begin within so long are booked at once."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,49}", re.ASCII)
_UNSENT = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
"""What no header may have: control characters but the tab (RFC 9110 §5.5), and half characters."""

_WRITES = re.compile(r"\b(?:mutation|subscription)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRules:
    """What the owner of a client says of it; no secret is in it."""

    name: str
    url: str
    timeout: timedelta = DEFAULT_TIMEOUT
    """Of each request."""
    retry: Retry = DEFAULT_RETRY
    breaker: Breaker | None = None
    rate: Bounds | None = None
    cache: timedelta | None = None
    """For how long answers to GET are given again."""
    most_connections: int = DEFAULT_CONNECTIONS
    largest_answer: int = LARGEST_ANSWER

    def __post_init__(self) -> None:
        """Check every field. Raises InvalidInput."""
        check_client_name(self.name)
        check_base(self.url)
        _check_span("timeout", self.timeout, LONGEST_TIMEOUT)
        if self.cache is not None:
            _check_span("cache", self.cache, LONGEST_CACHE)
        _check_count("most_connections", self.most_connections, MOST_CONNECTIONS)
        _check_count("largest_answer", self.largest_answer, 1024 * 1024 * 1024)


def check_client_name(name: object) -> None:
    """Raise InvalidInput for what figures cannot be told by."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidInput("name", f"{name!r} is no name of a client; give up to 50 small letters, "
                           "digits, dots, dashes and underscores")  # fmt: skip


def _check_span(field: str, span: timedelta, longest: timedelta) -> None:
    if not timedelta() < span <= longest:
        raise InvalidInput(field, f"{span} is out of range; give more than 0s, up to {longest}")


def _check_count(field: str, count: object, most: int) -> None:
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= most:
        raise InvalidInput(field, f"{count!r} is out of range; give 1 to {most:,}")


def check_base(url: object) -> None:
    """Raise InvalidInput for what is no address of an API; what is wrong is told without it, for it
    may hold a password.
    """
    wanted = "give http(s)://HOST, with a path if the API is behind one"
    if not isinstance(url, str) or not url.isprintable() or " " in url or "\\" in url:
        raise InvalidInput("url", f"it is no URL; {wanted}")
    try:
        read = urlsplit(url)
        is_address = read.scheme in ("http", "https") and read.hostname and read.port != 0
    except ValueError:
        is_address = False
    if not is_address:
        raise InvalidInput("url", f"it is no URL; {wanted}")
    if "@" in read.netloc:
        raise InvalidInput("url", f"it has a name or password in it; give a token, and {wanted}")
    if read.query or read.fragment:
        raise InvalidInput("url", f"it has a query; give that with each call, and {wanted}")


def check_method(method: str) -> str:
    """The method in capitals. Raises InvalidInput."""
    if not isinstance(method, str) or method.upper() not in METHODS:
        known = ", ".join(sorted(METHODS))
        raise InvalidInput("method", f"{method!r} is not known; give one of {known}")
    return method.upper()


def place_at(base: str, path: str, params: Mapping[str, Any] | None) -> str:
    """The URL of a path below `base`. Raises InvalidInput for what would lead elsewhere."""
    check_path(path)
    url = base.rstrip("/") + path
    if not params:
        return url
    return f"{url}{'&' if '?' in path else '?'}{urlencode(_plain(params), doseq=True)}"


def _plain(params: Mapping[str, Any]) -> dict[str, Any]:
    """What goes into a query: true and false as JSON has them, and what is None left out."""
    return {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in params.items()
        if value is not None
    }


def check_path(path: object) -> None:
    """Raise InvalidInput for what is no path below the client's own address."""
    if not isinstance(path, str) or not path.startswith("/") or path.startswith("//"):
        raise InvalidInput("path", f"{path!r} is no path; give one that begins with one slash")
    if not path.isprintable() or "\\" in path or "#" in path or " " in path:
        raise InvalidInput("path", f"{path!r} has a blank, a backslash or the like in it; quote it")
    parts = unquote(shown_path(path)).split("/")
    if "." in parts or ".." in parts:
        raise InvalidInput("path", f"{path!r} leads to another place than it says; write it out")


def shown_path(path: str) -> str:
    """A path without its query, in which there may be what nobody else is to see."""
    return path.partition("?")[0]


def check_headers(
    headers: Mapping[str, str] | None,
    field: str = "headers",
    *,
    taken: frozenset[str] = OWN_HEADERS,
) -> dict[str, str]:
    """Headers as a call gives them, none of them `taken`; what is wrong is told without values.

    Raises InvalidInput.
    """
    found = dict(headers or {})
    for name, value in found.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise InvalidInput(field, f"{name!r} is no text, or what it says; give both as text")
        if name.lower() in taken:
            raise InvalidInput(field, f"{name} is set by Onbeat itself; leave it out")
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) or not _is_line(value):
            raise InvalidInput(field, f"{name!r} cannot be sent as a header; change it")
    return found


def _is_line(value: str) -> bool:
    return _UNSENT.search(value) is None


def is_token(token: object) -> bool:
    """Whether it can be sent as one."""
    return isinstance(token, str) and bool(token.strip()) and token.isprintable()


def is_repeatable(method: str, key: str | None) -> bool:
    """Whether it does no harm to make the request twice."""
    return method in REPEATABLE or key is not None


def only_reads(query: str) -> bool:
    """Whether a GraphQL document has no operation but queries, as far as its words tell."""
    return _WRITES.search(query) is None


def wait_before_next(
    rules: ClientRules,
    error: CallError,
    number: int,
    left: timedelta | None,
    now: datetime,
    randomness: Randomness,
) -> float | None:
    """Seconds until the request is made again after its try `number` came to `error`; None where
    it is for the job to do that, because there were enough, or there is no time.
    """
    if number >= rules.retry.attempts or not _passes(error):
        return None
    asked = retry_after(error, now)
    if isinstance(error, CallLimited) and asked is None:
        return None
    wait = max(rules.retry.delay(number, randomness), asked or timedelta())
    if wait > rules.timeout or (left is not None and wait >= left):
        return None
    return wait.total_seconds()


def _passes(error: CallError) -> bool:
    if isinstance(error, CallFailed):
        return error.status in PASSING
    return isinstance(error, CallUnanswered | CallLimited)


@dataclass(frozen=True, slots=True)
class Pacing:
    """A rate, in the terms of the algorithm that keeps it (GCRA)."""

    interval: timedelta
    """From one request to the next."""
    burst: int
    """How many may begin at once after a rest."""

    @property
    def batch(self) -> int:
        """How many are booked at once."""
        return max(1, min(self.burst, TOGETHER // self.interval))


def pacing_of(bounds: Bounds) -> Pacing:
    """The pacing of a client's rate."""
    assert bounds.rate is not None and bounds.period is not None  # noqa: S101, PT018 - it is one
    interval = timedelta(microseconds=max(1, bounds.period // bounds.rate))
    return Pacing(interval, bounds.burst or bounds.rate)


def booked(
    pacing: Pacing, spent_at: datetime, now: datetime, longest: timedelta
) -> tuple[datetime | None, timedelta]:
    """Book a batch: up to when the rate is used up then, and how long the first of it waits; None
    where that is longer than `longest`, and nothing is booked.
    """
    begins = max(spent_at, now)
    wait = max(begins - now - pacing.interval * (pacing.burst - 1), timedelta())
    if wait > longest:
        return None, wait
    return begins + pacing.interval * pacing.batch, wait
