"""Each start of a machine: no calendar knows it, so it is told by whoever sees it (see boots.py).

The recurrence remembers the boot that was last seen and, once it was seen, the one moment it
makes; so the tick, the ledger and the policies work on it as on any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from onbeat.domain.recurrence.recurrence import InUtc, OnGrid, aware, stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Boot(OnGrid, InUtc):
    """The starts of `host`, or where that is None, of the machine that holds the database."""

    seen: str
    """The boot that was last seen; a machine names each of its boots differently."""
    host: str | None = None
    at: datetime | None = None
    """When that boot was seen; None where it was under way already as the schedule was made."""

    def next(self, after: datetime) -> datetime | None:
        """Give the moment the last boot was seen while it is later than `after`."""
        return self.at if self.at is not None and self.at > aware(after, "after") else None

    def describe(self) -> str:
        """Say in plain English when it fires."""
        return f"each time {self.host or 'the machine'} starts"

    def warnings(self, since: datetime | None = None) -> tuple[str, ...]:
        """Give none."""
        return ()

    def spec(self) -> dict[str, object]:
        """Give the JSON-able form."""
        at: dict[str, object] = {} if self.at is None else {"at": stamp(self.at)}
        host: dict[str, object] = {} if self.host is None else {"host": self.host}
        return {"kind": "boot", "seen": self.seen, **host, **at}
