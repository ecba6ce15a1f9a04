"""Moments and durations as messages tell them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from onbeat.domain.durations import read_duration
from onbeat.domain.errors import InvalidInput
from onbeat.domain.sources.messages import DoesNotFit, kind_of

LATEST: Final = datetime(9999, 1, 1, tzinfo=UTC).timestamp()


def moment_of(value: Any) -> datetime:
    """The moment that a message tells. Raises DoesNotFit."""
    number = _number(value)
    if number is not None:
        if not -LATEST < number < LATEST:
            raise DoesNotFit(
                f"{kind_of(value)} of that size is no moment: seconds since 1970 are meant"
            )
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=number)
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        told = f"{kind_of(value)} is no moment: ISO 8601 with a zone, or seconds, are meant"
        raise DoesNotFit(told) from None
    if moment.tzinfo is None:
        raise DoesNotFit("a moment has no zone")
    return moment.astimezone(UTC)


def duration_of(value: Any) -> timedelta:
    """The duration that a message tells. Raises DoesNotFit."""
    number = _number(value)
    if number is not None:
        if not 0 <= number < LATEST:
            raise DoesNotFit("its seconds are no duration that a clock can be moved by")
        return timedelta(seconds=number)
    try:
        return read_duration(value, "by")
    except InvalidInput:
        told = f"{kind_of(value)} is no duration: seconds are meant, or text as 3h"
        raise DoesNotFit(told) from None


def _number(value: Any) -> float | None:
    """A number, also as text."""
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,15}(\.\d{1,9})?", value, re.ASCII):
        return float(value)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
