"""One moment, and then no more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from onbeat.domain.recurrence.recurrence import InUtc, OnGrid, aware, moment_from, stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Once(OnGrid, InUtc):
    """A single moment (UTC)."""

    at: datetime

    def next(self, after: datetime) -> datetime | None:
        """Give the moment while it is still strictly later than `after`."""
        return self.at if self.at > aware(after, "after") else None

    def describe(self) -> str:
        """Say in plain English when it fires."""
        return f"once, at {stamp(self.at)}"

    def warnings(self, since: datetime | None = None) -> tuple[str, ...]:
        """Give none: a moment cannot be taken wrong."""
        return ()

    def spec(self) -> dict[str, object]:
        """Give the JSON-able form."""
        return {"kind": "once", "at": stamp(self.at)}


def once(at: datetime | str) -> Once:
    """Make a recurrence of one moment: an aware datetime, or ISO 8601 text with an offset.

    Raises InvalidRecurrence("at", ...) for text that is no time, and for a time without a zone.
    """
    return Once(at=moment_from(at, "at"))
