"""Moments and durations as a test writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from onbeat.domain.clocks import target
from onbeat.domain.durations import parse_duration
from onbeat.domain.errors import InvalidInput

Moment = datetime | str
"""A moment with a zone, or such a one as ISO 8601: "2027-03-28T00:30:00Z"."""


def read_moment(given: Moment, field: str) -> datetime:
    """The moment, in UTC. Raises InvalidInput."""
    try:
        moment = given if isinstance(given, datetime) else datetime.fromisoformat(given)
    except ValueError:
        raise InvalidInput(
            field, f"{given!r} is not a moment; give ISO 8601, such as 2027-03-28T00:30:00Z"
        ) from None
    if moment.tzinfo is None:
        raise InvalidInput(field, f"{given} has no zone; add one, such as Z")
    return moment.astimezone(UTC)


def read_duration(given: str | timedelta, field: str) -> timedelta:
    """The duration. Raises InvalidInput."""
    return parse_duration(given, field) if isinstance(given, str) else given


def read_goal(now: datetime, by: str | timedelta | None, to: Moment | None) -> datetime:
    """Where a clock that stands at `now` is to be moved. Raises InvalidInput for backwards."""
    return target(
        now,
        by=None if by is None else read_duration(by, "by"),
        to=None if to is None else read_moment(to, "to"),
    )
