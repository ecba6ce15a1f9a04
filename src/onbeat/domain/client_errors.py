"""What can go wrong when a client asks an API, as a job's retry rules understand it.

CallError
├── CallUnanswered   no answer came: transient
├── CallFailed       answered 5xx, 408 or 425: transient
├── CallLimited      answered 429, or 503 with Retry-After: rate limited, with the delay asked for
├── CallRefused      answered otherwise, or cannot be sent: permanent
└── QueryFailed      GraphQL told of errors: what the task's policy says
    └── QueryRefused all of them would be told again: permanent
CallHeldBack         not asked, for its breaker is open, its rate used up or no connection free: the
                     job waits

What they say names the client, the method, the path without its query, and the id of the request;
nothing of headers or bodies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final

import msgspec

from onbeat.domain.error_classes import Permanent, RateLimited, Transient
from onbeat.domain.errors import OnbeatError
from onbeat.domain.outcomes import Snooze

MOST_TOLD: Final = 3
"""Errors of GraphQL that a message tells of."""

LONGEST_TOLD: Final = 200
"""Characters of each of them."""

FINAL_CODES: Final = frozenset(
    (
        "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT",
        "PERSISTED_QUERY_NOT_SUPPORTED", "OPERATION_RESOLUTION_FAILURE", "BAD_REQUEST",
        "UNAUTHENTICATED", "FORBIDDEN",
    )
)  # fmt: skip
"""Codes of GraphQL errors, as Apollo's servers and those that follow them give them, of which the
same query would have the same again.
"""


class AnswerUnreadable(OnbeatError):
    """An answer that is not what it was read as."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiAnswer:
    """What an API answered; `headers` are by their names in small letters."""

    status: int
    request_id: str
    """The id that the request carried as `X-Request-Id`."""
    seconds: float
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    is_cached: bool = False
    """Whether it was kept from a request before."""

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        """What the body says as JSON. Raises AnswerUnreadable."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            told = f"the answer {self.status} of request {self.request_id} is no JSON"
            raise AnswerUnreadable(f"{told}; read its `body` instead") from None


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, as far as it may be told of."""

    client: str
    method: str
    path: str
    request_id: str

    def __str__(self) -> str:
        """As errors and log lines name it."""
        return f"{self.client}: {self.method} {self.path}"


class CallError(OnbeatError):
    """A request that did not come to what was wanted; `asked` names it."""

    def __init__(self, told: str, asked: Asked, answer: ApiAnswer | None = None) -> None:
        """Tell what happened to it, and keep the answer, if one came."""
        super().__init__(_named(told, asked))
        self.asked = asked
        self.answer = answer
        self.status = None if answer is None else answer.status


class CallUnanswered(CallError, Transient):
    """No answer came: not reached, cut off, or not within the time."""


class CallFailed(CallError, Transient):
    """It was answered that the API has trouble."""


class CallRefused(CallError, Permanent):
    """It was answered what would be answered again, or cannot be sent: the request itself is to be
    changed.
    """


class CallLimited(CallError, RateLimited):
    """It was answered to come back later; `retry_after` says when, where it was told."""

    def __init__(self, told: str, asked: Asked, answer: ApiAnswer, wait: str | None) -> None:
        """Ask to wait as the header Retry-After says."""
        RateLimited.__init__(self, _named(told, asked), retry_after=wait)
        self.asked = asked
        self.answer = answer
        self.status = answer.status


class QueryFailed(CallError):
    """GraphQL told of errors; `data` is what it answered all the same."""

    def __init__(
        self, told: str, asked: Asked, answer: ApiAnswer, errors: Sequence[Any], data: Any
    ) -> None:
        """Keep the `errors` as they came."""
        super().__init__(told, asked, answer)
        self.errors = errors
        self.data = data


class QueryRefused(QueryFailed, Permanent):
    """The same query would have the same errors again."""


class CallHeldBack(Snooze):
    """A request that was not made: a job that lets it through waits, and no attempt is spent."""


def _named(told: str, asked: Asked) -> str:
    return f"{asked} {told} (request {asked.request_id})"


RATE_LIMITED, LATER = 429, 503
TROUBLES: Final = frozenset((408, 425))
"""Below 500, what may be answered otherwise the next time."""


def trouble_in(answer: ApiAnswer, asked: Asked) -> CallError | None:
    """The error that an answer is; None where all is well."""
    status, wait = answer.status, answer.headers.get("retry-after")
    told = f"was answered {with_phrase(status)}"
    if 200 <= status < 300:
        return None
    if status == RATE_LIMITED or (status == LATER and wait is not None):
        return CallLimited(told, asked, answer, wait)
    if status >= 500 or status in TROUBLES:
        return CallFailed(told, asked, answer)
    if 300 <= status < 400:
        told += "; redirects are not followed: give the client the URL it leads to"
    return CallRefused(told, asked, answer)


def with_phrase(status: int) -> str:
    """A status as people know it: "404 Not Found"."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def errors_in(said: Any) -> Sequence[Any]:
    """The errors that an answer of GraphQL tells of."""
    errors = said.get("errors") if isinstance(said, dict) else None
    return errors if isinstance(errors, list) else ()


def query_error(said: Any, asked: Asked, answer: ApiAnswer) -> QueryFailed | None:
    """The error that an answer of GraphQL is; None where it has data alone."""
    errors = errors_in(said)
    if errors:
        is_final = 400 <= answer.status < 500 or all(_is_final(each) for each in errors)
        kind = QueryRefused if is_final else QueryFailed
        told = "; ".join(_message(each) for each in errors[:MOST_TOLD])
        more = "" if len(errors) <= MOST_TOLD else f"; and {len(errors) - MOST_TOLD} more"
        return kind(f"told of errors: {told}{more}", asked, answer, errors, said.get("data"))
    if not isinstance(said, dict) or "data" not in said:
        return QueryFailed("was answered without data or errors", asked, answer, (), None)
    return None


def _is_final(error: Any) -> bool:
    extensions = error.get("extensions") if isinstance(error, dict) else None
    return isinstance(extensions, dict) and extensions.get("code") in FINAL_CODES


def _message(error: Any) -> str:
    said = error.get("message") if isinstance(error, dict) else error
    return str(said)[:LONGEST_TOLD]


def held_back(client: str, why: str, seconds: float) -> CallHeldBack:
    """What holds a request back for so long."""
    return CallHeldBack(timedelta(seconds=max(seconds, 0.0)), f"{client}: {why}")
