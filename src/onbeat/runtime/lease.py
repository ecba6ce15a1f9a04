"""Singleton duties: of many processes one does the work, and another takes over when it is gone."""

from __future__ import annotations

from abc import abstractmethod
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from onbeat.runtime.service import Service
from onbeat.store import duties
from onbeat.store.store import Store

TERM = timedelta(seconds=15)

JUST_AFTER = 0.005
"""Seconds: what is over at a moment is found just after it."""


class Duty(Service):
    """A service whose step is done by whoever holds its lease; correctness never depends on it."""

    def __init__(
        self,
        store: Store,
        *,
        id: str,  # noqa: A002 - as in Service
        term: timedelta = TERM,
        **options: Any,
    ) -> None:
        """Hold the lease for `term`, under a name of this process alone, never the host's."""
        super().__init__(**{"id": id, "timing": store.timing, **options})
        self.store = store
        self.holder = str(store.new_id())
        self.term = term
        self._holds = False

    @abstractmethod
    async def perform(self) -> float:
        """Do the duty once; return how many seconds to rest."""

    def look(self, connection: Connection, now: datetime) -> None:
        """What of the duty is done in the transaction that keeps it, before `perform`."""

    def neglected_in(self, connection: Connection, now: datetime) -> timedelta | None:
        """How long until another who has the duty neglects it; None when that cannot be seen.

        Whoever holds a duty may be dead for a whole term before it is free.
        """
        return None

    async def step(self) -> float:
        """Do the duty if nobody else does; else look again when their term ends, or sooner."""
        others = await self.store.write(self._turn)
        self._holds = others is None
        if others is not None:
            rest = min(others, self.term / 3)
            return rest.total_seconds() + JUST_AFTER
        return await self.perform()

    async def clean_up(self) -> None:
        """Let another have it at once."""
        await self.store.write(
            lambda connection, now: duties.give_up(connection, now, self.id, self.holder)
        )

    def _turn(self, connection: Connection, now: datetime) -> timedelta | None:
        """Take or keep the duty, and look; if it is another's, how long at most."""
        is_neglected = False
        if not self._holds:
            others = duties.held_for(connection, now, self.id, self.holder)
            if others is not None:
                left = self.neglected_in(connection, now)
                is_neglected = left is not None and left <= timedelta()
                if not is_neglected:
                    return others if left is None else min(left, others)
        if not duties.take(
            connection, now, self.id, self.holder, self.term, is_neglected=is_neglected
        ):
            return self.term
        self.look(connection, now)
        return None
