"""A job that is a request: what it says, and what becomes of it by what the target answers. Pure.

2xx                            it has completed, with the answer as its result
202, where it may call back    it waits, and ends as the target says (domain/callbacks.py)
409, 422, and other 3xx, 4xx   it has failed: the target would answer the same again
429, and 503 with Retry-After  it is tried again, no sooner than that says
408, 425, other 5xx, no answer it is tried again
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from onbeat.domain.callbacks import HEADER, LONGEST
from onbeat.domain.client_errors import LATER, RATE_LIMITED, TROUBLES, with_phrase
from onbeat.domain.clients import IDEMPOTENCY_KEY, check_headers, check_method
from onbeat.domain.durations import read_duration
from onbeat.domain.error_classes import Permanent, RateLimited, Transient, retry_after
from onbeat.domain.errors import InvalidArguments, InvalidInput
from onbeat.domain.jobs import JobId
from onbeat.domain.naming import detail_of
from onbeat.domain.webhooks import ID, SIGNATURE, TIMESTAMP, headers_of

LONGEST_TIMEOUT: Final = timedelta(minutes=10)
LONGEST_WAIT: Final = timedelta(days=1)
"""What a target may ask to wait, at most."""

KEPT: Final = 16 * 1024
"""Characters of an answer that is no JSON which are kept; bytes of one that is."""

TOLD: Final = 1_000
"""Characters of an answer that are kept with an error."""

OWN: Final = frozenset(
    ("host", "content-length", "transfer-encoding", "connection", "content-encoding",
     IDEMPOTENCY_KEY.lower(), HEADER.lower(), ID, TIMESTAMP, SIGNATURE)
)  # fmt: skip
"""Headers that a job does not say."""

SECRET_HEADERS: Final = frozenset(
    ("authorization", "proxy-authorization", "cookie", "x-api-key", "api-key")
)
"""Headers that are not to stand where arguments are shown."""


class HttpAnswered(msgspec.Struct):
    """The result of a request that the target has taken."""

    status: int
    body: Any
    """What it answered: JSON as it is, else text; None for nothing."""
    is_cut: bool
    """Whether there was more of it."""
    seconds: float


class HttpFailed(Transient):
    """A request that came to nothing, and may not the next time."""

    def __init__(self, told: str, answer: str = "") -> None:
        """Tell what happened, and how the answer begins."""
        super().__init__(told)
        self.remote_traceback = _kept(type(self).__name__, told, answer)
        """What is kept of the error; no traceback of ours says anything about a target."""


class HttpRefused(Permanent):
    """A request that the target, or we, would refuse again."""

    def __init__(self, told: str, answer: str = "") -> None:
        """Tell who refuses it, and why, and how the answer begins."""
        super().__init__(told)
        self.remote_traceback = _kept(type(self).__name__, told, answer)


class HttpLimited(RateLimited):
    """A request that the target wants later."""

    def __init__(self, told: str, answer: str, wait: timedelta | None) -> None:
        """Ask to wait so long."""
        super().__init__(told, retry_after=wait)
        self.remote_traceback = _kept(type(self).__name__, told, answer)


def _kept(kind: str, told: str, answer: str) -> str:
    return "\n".join([*([answer] if answer else []), f"{kind}: {told}"])


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """A request as a job says it, checked."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    timeout: timedelta
    secret: str | None
    """What it is signed with."""
    callback: timedelta | None = None
    """How long a target that answers 202 may take to call back."""

    def signed(self, job: JobId, at: datetime) -> dict[str, str]:
        """Its headers when the job sends it at a moment. Raises InvalidInput."""
        secrets = [] if self.secret is None else [self.secret]
        signature = headers_of(f"msg_{job}", at, self.body or b"", secrets) if secrets else {}
        return {**self.headers, **signature, IDEMPOTENCY_KEY: job}


def read_request(
    url: str,
    method: str,
    headers: Mapping[str, str] | None,
    secret_headers: Mapping[str, str] | None,
    body: Any,
    timeout: str,
    secret: str | None,
    callback: str | None = None,
) -> HttpRequest:
    """Check what a job says, but for where it leads. Raises InvalidInput."""
    shown = check_headers(headers, taken=OWN)
    for name in shown:
        if name.lower() in SECRET_HEADERS:
            told = f"{name} is a secret, and headers are shown; give it in secret_headers"
            raise InvalidInput("headers", told)
    hidden = check_headers(secret_headers, "secret_headers", taken=OWN)
    span = read_duration(timeout, "timeout")
    if not timedelta() < span <= LONGEST_TIMEOUT:
        raise InvalidInput("timeout", f"{timeout!r} is out of range; give more than 0s, up to 10m")
    sent, kind = _sent(body)
    named = {name.lower() for name in (*shown, *hidden)}
    typed = {} if kind is None or "content-type" in named else {"Content-Type": kind}
    return HttpRequest(
        method=check_method(method), url=url, headers={**typed, **shown, **hidden}, body=sent,
        timeout=span, secret=secret, callback=_wait(callback),
    )  # fmt: skip


def secrets_in(headers: Mapping[str, str] | None) -> list[str]:
    """Parts of secret headers that are secrets by themselves: what stands behind a scheme, as in
    `Bearer TOKEN`, which a target may echo alone.
    """
    return [each.partition(" ")[2] for each in (headers or {}).values() if " " in each]


def check_asked(said: Mapping[str, Any]) -> None:
    """Refuse what a job says and no target could be asked by, before it is stored: also a secret
    that would be shown. Raises InvalidArguments.
    """
    unsaid = {"headers": None, "secret_headers": None, "body": None, "secret": None}
    try:
        read_request(**{"method": "POST", "timeout": "20s", **unsaid, **said})
    except InvalidInput as error:
        raise InvalidArguments(error.field, detail_of(error)) from None


def _wait(callback: str | None) -> timedelta | None:
    if callback is None:
        return None
    wait = read_duration(callback, "callback")
    if not timedelta() < wait <= LONGEST:
        raise InvalidInput("callback", f"{callback!r} is out of range; give more than 0s, up to 7d")
    return wait


def _sent(body: Any) -> tuple[bytes | None, str | None]:
    """What is sent of a body, and what it is: text as it is, anything else as JSON."""
    if body is None:
        return None, None
    if isinstance(body, str):
        return body.encode(), "text/plain; charset=utf-8"
    return msgspec.json.encode(body), "application/json"


def result_of(status: int, body: bytes, seconds: float, *, is_cut: bool) -> HttpAnswered:
    """The result of a request that was answered 2xx."""
    return HttpAnswered(
        status=status, body=_read(body) if body else None,
        is_cut=is_cut or len(body) > KEPT, seconds=round(seconds, 3),
    )  # fmt: skip


def _read(body: bytes) -> Any:
    if len(body) <= KEPT:
        try:
            return msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            pass
    return body.decode(errors="replace")[:KEPT]


def failure_of(
    status: int, wait: str | None, location: str | None, body: bytes, now: datetime
) -> Exception | None:
    """The error that an answer is; None where the target has taken it."""
    if 200 <= status < 300:
        return None
    told, said = f"it was answered {with_phrase(status)}", body.decode(errors="replace")[:TOLD]
    if status == RATE_LIMITED or (status == LATER and wait is not None):
        asked = None if wait is None else retry_after(RateLimited(retry_after=wait), now)
        return HttpLimited(told, said, None if asked is None else min(asked, LONGEST_WAIT))
    if status >= 500 or status in TROUBLES:
        return HttpFailed(told, said)
    if 300 <= status < 400:
        to = f" to {location[:200]!r}" if location else ""
        told += f"{to}; redirects are not followed: change the url"
    return HttpRefused(told, said)
