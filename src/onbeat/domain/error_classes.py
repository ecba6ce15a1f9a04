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
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from onbeat.domain.durations import parse_duration
from onbeat.domain.errors import InvalidInput

if TYPE_CHECKING:
    from onbeat.domain.retries import Retry

LONGEST_DELAY = timedelta(days=365)

ErrorType = type[BaseException] | str
"""An exception class (its subclasses count too), or the name of one."""


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
        self, message: str = "", *, retry_after: float | str | timedelta | None = None
    ) -> None:
        """`retry_after` is in seconds, or text such as "30s"; also as HTTP's header has it.

        Where it cannot be read, a date for instance, the policy's own delay holds.
        """
        self.retry_after = _read_wait(retry_after)
        told = "" if self.retry_after is None else f"again in {self.retry_after.total_seconds():g}s"
        super().__init__(message or told or "too many calls")


def _read_wait(asked: float | str | timedelta | None) -> timedelta | None:
    if isinstance(asked, str):
        text = asked.strip()
        try:
            asked = float(text) if text.isdecimal() else parse_duration(text, "retry_after")
        except InvalidInput:
            return None
    return bounded_wait(asked)


def bounded_wait(asked: object) -> timedelta | None:
    """Seconds or a timedelta, from none to a year; None for what is neither."""
    if isinstance(asked, timedelta):
        return max(timedelta(), min(asked, LONGEST_DELAY))
    if isinstance(asked, int | float) and not isinstance(asked, bool) and asked == asked:  # noqa: PLR0124 - not NaN
        return timedelta(seconds=float(max(0, min(asked, LONGEST_DELAY.total_seconds()))))
    return None


def retry_after(error: BaseException) -> timedelta | None:
    """How long the error itself asks to wait, from its `retry_after` in seconds or timedelta."""
    return bounded_wait(getattr(error, "retry_after", None))


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
