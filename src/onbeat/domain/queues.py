"""A queue: a named line of jobs that can be paused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


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
