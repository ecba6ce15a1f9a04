"""Moments as they are told."""

from __future__ import annotations

from datetime import datetime

from onbeat.domain.recurrence.recurrence import stamp


def absolute(moment: datetime | None) -> str | None:
    """A moment for programs: ISO 8601, UTC, ending in Z."""
    return None if moment is None else stamp(moment)
