"""Clocks: named time lines. `wall` is the world's own; a virtual one moves when it is told to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from onbeat.domain.errors import InvalidInput
from onbeat.domain.jobs import check_name
from onbeat.domain.recurrence.recurrence import aware

WALL = "wall"


@dataclass(frozen=True, slots=True)
class Clock:
    """A virtual clock and where it stands."""

    name: str
    now_at: datetime
    created_at: datetime
    advanced_at: datetime
    """When, by the wall clock, it was last moved."""


@dataclass(frozen=True, slots=True)
class Advanced:
    """What moving a clock did."""

    now_at: datetime
    """Where it stands now."""
    fired: int
    """How many jobs schedules made."""
    released: int
    """How many waiting jobs became pending."""
    expired: int
    """How many waiting jobs were called off: it jumped past them by more than their grace."""
    is_done: bool
    """Whether it has come to where it was sent; else as much was done as one call may do."""
    goal_at: datetime
    """Where it was sent; give it as `to` to go on from where it stopped."""


def check_clock(name: str) -> str:
    """Return the name of a virtual clock. Raises InvalidInput."""
    if name == WALL:
        raise InvalidInput("clock", "'wall' is the world's own clock; give another name")
    return check_name("clock", name)


def target(now_at: datetime, *, to: datetime | None, by: timedelta | None) -> datetime:
    """Where a clock that stands at `now_at` is sent. Raises InvalidInput for backwards."""
    if (to is None) == (by is None):
        raise InvalidInput("to", "say where: give either a moment (to) or a duration (by)")
    if by is not None:
        if by < timedelta():
            raise InvalidInput("by", f"{by} is negative; a clock never goes back")
        return _later(now_at, by)
    assert to is not None  # noqa: S101 - the one that is not is the other
    to = aware(to, "to")
    if to < now_at:
        raise InvalidInput(
            "to", f"{to.isoformat()} is before {now_at.isoformat()}, where it stands; a clock "
            "never goes back",
        )  # fmt: skip
    return to


def _later(now_at: datetime, by: timedelta) -> datetime:
    try:
        return now_at + by
    except OverflowError as error:
        raise InvalidInput(
            "by", f"{by} from {now_at.isoformat()} is past the year 9999; give less"
        ) from error
