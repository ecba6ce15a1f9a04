"""Times, durations and foreign text as people read them."""

from __future__ import annotations

from datetime import datetime

from onbeat.domain.recurrence.recurrence import stamp
from onbeat.domain.words import NONE, SPANS, lasting, many, one_line, visible

__all__ = [
    "NONE", "both", "lasting", "many", "one_line", "second", "since", "visible",
]  # fmt: skip


def since(moment: datetime | None, now: datetime) -> str:
    """How long ago, or in how long: "3 s ago", "in 5 m"."""
    if moment is None:
        return NONE
    seconds = (now - moment).total_seconds()
    if abs(seconds) < 1:
        return "now"
    span = _coarse(abs(seconds))
    return f"{span} ago" if seconds > 0 else f"in {span}"


def _coarse(seconds: float) -> str:
    for size, unit in SPANS:
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return "0 s"


def both(moment: datetime | None, now: datetime) -> str:
    """A moment with how long ago it is, for pages that have the room."""
    if moment is None:
        return NONE
    return f"{second(moment)} ({since(moment, now)})"


def second(moment: datetime) -> str:
    """A moment to the second, as it is written everywhere: with a Z."""
    return stamp(moment.replace(microsecond=0))
