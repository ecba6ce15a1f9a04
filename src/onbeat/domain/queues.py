"""A queue: a named line of jobs that can be paused."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A queue and what stands in it; counts are exact up to `COUNT_LIMIT`, then at least that."""

    name: str
    paused_at: datetime | None = None
    paused_by: str | None = None
    pending: int = 0
    running: int = 0
    delayed: int = 0
    oldest_at: datetime | None = None
    """Since when the oldest pending job of the highest priority has waited."""


COUNT_LIMIT = 10_000
"""Counting stops here: a count over a whole hot table would cost what a backlog costs."""


def unused(name: str, known: Collection[str]) -> str | None:
    """What may not be meant by the name of a queue, where it is none of those that are `known`."""
    if name in known:
        return None
    close = get_close_matches(name, known, n=1)
    meant = f" (is {close[0]} meant?)" if close else ""
    return f"no job is in queue {name!r}{meant}, and no worker serves it"
