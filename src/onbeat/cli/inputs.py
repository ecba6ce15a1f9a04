"""What users type, read into what it means; every refusal names the option it came by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar

import typer

from onbeat.app.exports import Format
from onbeat.domain.durations import parse_duration
from onbeat.domain.errors import InvalidInput
from onbeat.domain.jobs import check_name
from onbeat.domain.recurrence.recurrence import moment_from

T = TypeVar("T")

Wished = Annotated[
    Format, typer.Option("--format", metavar="FORMAT", help=f"One of {', '.join(Format)}.")
]


def moment(field: str, text: str | None, now: datetime | None = None) -> datetime | None:
    """An ISO 8601 moment with its offset, or `now`: the wall's, or that of the clock that is meant.

    Raises InvalidInput.
    """
    if text is None:
        return None
    return (now or datetime.now(UTC)) if text == "now" else moment_from(text, field)


def duration(field: str, text: str | None) -> timedelta | None:
    """A duration such as 30s. Raises InvalidInput."""
    return None if text is None else parse_duration(text, field)


def names(field: str, text: str | None) -> tuple[str, ...] | None:
    """Names with commas between. Raises InvalidInput."""
    if text is None:
        return None
    found = tuple(check_name(field, part.strip()) for part in text.split(",") if part.strip())
    if not found:
        raise InvalidInput(field, f"{text!r} names nothing; give names with commas between")
    return found


def or_none(text: str | None) -> str | None:
    """An option of `edit`: the word `none` takes the value away."""
    return None if text == "none" else text


def whole(field: str, text: str | None) -> int | None:
    """A whole number. Raises InvalidInput."""
    if text is None:
        return None
    if not text.isdecimal() or int(text) < 1:
        raise InvalidInput(field, f"{text!r} is not a whole number of 1 or more, nor `none`")
    return int(text)
