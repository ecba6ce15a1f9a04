"""The three classes of error, and how an error comes to be in one.

    transient      may be gone the next time: tried again after the policy's own delay
    rate limited   the other side asks to come back later: tried again no sooner than it says
    permanent      trying again would not change it: the job ends at once

What a task raises itself (`Transient`, `Permanent`, `RateLimited`) is of that class whatever the
policy says of others. Then come the policy's `rules`, the first that matches, then its `never` and
`on`. Of what is left, an error that says after how long to come back is rate limited, as HTTP's
429 and 503 do with Retry-After (RFC 9110 §10.2.3, RFC 6585 §4); all others are transient.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from onbeat.domain.durations import parse_duration
from onbeat.domain.errors import InvalidInput

if TYPE_CHECKING:
    from onbeat.domain.retries import Retry

LONGEST_DELAY = timedelta(days=365)


class ErrorName(str):
    """The name of an exception class in a policy that was stored; a user gives the class itself,
    for a name that is misspelt would match nothing.
    """

    __slots__ = ()


ErrorType = type[BaseException] | ErrorName
"""An exception class (its subclasses count too)."""


class ErrorClass(StrEnum):
    """What kind of trouble an error is, and so what becomes of its job."""

    TRANSIENT = "transient"
    PERMANENT = "permanent"
    RATE_LIMITED = "rate limited"


class Transient(Exception):
    """Raised by a task for trouble that may be gone the next time."""


class Permanent(Exception):
    """Raised by a task for what trying again would not change: the job ends as failed at once."""


class RateLimited(Exception):
    """Raised by a task when the other side wants fewer calls; tried again after `retry_after`."""

    def __init__(
        self, message: str = "", *, retry_after: float | str | timedelta | datetime | None = None
    ) -> None:
        """`retry_after` is in seconds, text such as "30s", or a moment; also as HTTP's header has
        it, with seconds or a date (RFC 9110 §10.2.3, §5.6.7).

        It is taken as none at least and a year at most. Where it cannot be read, the message says
        so, and the policy's own delay holds.
        """
        self.retry_after = _read_wait(retry_after)
        told = message or _told(self.retry_after) or "too many calls"
        super().__init__(told + _remark(retry_after, self.retry_after))


Wait = timedelta | datetime
"""For how long, or until when."""


def _told(wait: Wait | None) -> str:
    if isinstance(wait, datetime):
        return f"again at {wait.isoformat()}"
    return "" if wait is None else f"again in {wait.total_seconds():g}s"


def _remark(asked: object, wait: Wait | None) -> str:
    """What is to be known of a wait that is not taken as it was given."""
    if asked is None:
        return ""
    shown = repr(asked)[:60]
    if wait is None:
        return f" (retry_after {shown} cannot be read: the policy's own delay holds)"
    if isinstance(wait, datetime) or _seconds(asked) in (None, wait.total_seconds()):
        return ""
    return f" (retry_after {shown} is taken as {wait.total_seconds():g}s)"


def _seconds(asked: object) -> float | None:
    if isinstance(asked, timedelta):
        return asked.total_seconds()
    try:
        return float(asked) if isinstance(asked, int | float | str) else None
    except (ValueError, OverflowError):
        return None


def _read_wait(asked: object) -> Wait | None:
    """What an error asks for; None for what cannot be read."""
    if isinstance(asked, str):
        return _read_text(asked.strip())
    if isinstance(asked, datetime):
        return asked if asked.tzinfo is not None else None
    return bounded_wait(asked)


def _read_text(text: str) -> Wait | None:
    with suppress(ValueError):
        return bounded_wait(float(text))
    with suppress(ValueError, TypeError, OverflowError):
        at = parsedate_to_datetime(text)  # all three forms that HTTP has
        return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    with suppress(InvalidInput):
        return bounded_wait(parse_duration(text, "retry_after"))
    return None


def bounded_wait(asked: object) -> timedelta | None:
    """Seconds or a timedelta, from none to a year; None for what is neither."""
    if isinstance(asked, timedelta):
        return max(timedelta(), min(asked, LONGEST_DELAY))
    if isinstance(asked, int | float) and not isinstance(asked, bool) and asked == asked:  # noqa: PLR0124 - not NaN
        return timedelta(seconds=float(max(0, min(asked, LONGEST_DELAY.total_seconds()))))
    return None


def retry_after(error: BaseException, now: datetime | None = None) -> timedelta | None:
    """How long the error itself asks to wait, by its attribute `retry_after`, as RateLimited takes
    it; of a moment, how long from `now` on, and none where that is not told.
    """
    wait = _read_wait(getattr(error, "retry_after", None))
    if isinstance(wait, datetime):
        return timedelta() if now is None else bounded_wait(wait - now)
    return wait


def error_class(error: BaseException, retry: Retry) -> ErrorClass:
    """The class of `error` under the policy `retry`."""
    for kind, own in _RAISED.items():
        if isinstance(error, kind):
            return own
    policy = retry.for_error(error)
    for kinds in (retry.rules, policy.rules):
        for each, ruled in kinds.items():
            if matches(error, (each,)):
                return ErrorClass(ruled)
    if matches(error, (*retry.never, *policy.never)):
        return ErrorClass.PERMANENT
    if policy.on and not matches(error, policy.on):
        return ErrorClass.PERMANENT
    return ErrorClass.TRANSIENT if retry_after(error) is None else ErrorClass.RATE_LIMITED


_RAISED: dict[type[Exception], ErrorClass] = {
    Permanent: ErrorClass.PERMANENT,
    RateLimited: ErrorClass.RATE_LIMITED,
    Transient: ErrorClass.TRANSIENT,
}


def matches(error: BaseException, kinds: Iterable[ErrorType]) -> bool:
    """Whether `error` is of one of `kinds`, subclasses included, by class or by name."""
    return any(_is_a(type(error), kind) for kind in kinds)


def _is_a(actual: type[BaseException], kind: ErrorType) -> bool:
    if isinstance(kind, str):
        return any(kind in (type_name(base), base.__name__) for base in actual.__mro__)
    return issubclass(actual, kind)


def type_name(kind: type | str) -> str:
    """The name an exception class is known by in text."""
    if isinstance(kind, str):
        return kind
    return (
        kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    )
