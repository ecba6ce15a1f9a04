"""What was told already, as far back as a look may come upon it again."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from datetime import datetime
from typing import Generic, TypeVar

MOST = 50_000
"""How many are remembered of one kind; then the older half is forgotten."""

K = TypeVar("K", bound=Hashable)


class Told(Generic[K]):
    """Keys with the moment under which each lies."""

    def __init__(self, since: datetime, most: int = MOST) -> None:
        """Nothing before `since` is known."""
        self.since = since
        """What lies before this moment may have been told, and is forgotten."""
        self._most = most
        self._told: dict[K, datetime] = {}

    def __contains__(self, key: K) -> bool:
        """Whether it is remembered."""
        return key in self._told

    def add(self, told: Iterable[tuple[K, datetime]]) -> None:
        """Remember these; too many make it forget the older half."""
        self._told.update(told)
        if len(self._told) > self._most:
            moments = sorted(self._told.values())
            self.sweep(moments[len(moments) // 2])

    def sweep(self, floor: datetime) -> None:
        """Forget what lies before `floor`."""
        self._told = {key: at for key, at in self._told.items() if at >= floor}
        self.since = max(self.since, floor)
