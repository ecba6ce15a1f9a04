"""A stored recurrence that can no longer be read: it never fires, but can be shown and mended."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from onbeat.domain.recurrence.recurrence import OnGrid


@dataclass(frozen=True, slots=True)
class Unreadable(OnGrid):
    """Stands where a recurrence should, so that one bad row does not hide the good ones."""

    text: str
    """What is stored."""
    reason: str
    """Why it cannot be read."""

    @property
    def zone(self) -> str:
        """UTC: no wall clock is followed."""
        return "UTC"

    def next(self, after: datetime) -> datetime | None:
        """There is none."""
        return None

    def describe(self) -> str:
        """Say why."""
        return f"cannot be read: {self.reason}"

    def warnings(self, since: datetime | None = None) -> tuple[str, ...]:
        """Say why."""
        return (self.reason,)

    def spec(self) -> dict[str, object]:
        """Give what is stored, as far as it is JSON, so that one part of it can be changed."""
        try:
            found = json.loads(self.text)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}
