"""Singleton duties: of many processes one does the work, and another takes over when it is gone."""

from __future__ import annotations

from abc import abstractmethod
from datetime import timedelta
from typing import Any

from onbeat.runtime.service import Service
from onbeat.store import duties
from onbeat.store.store import Store

TERM = timedelta(seconds=15)


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

    @abstractmethod
    async def perform(self) -> float:
        """Do the duty once; return how many seconds to rest."""

    async def step(self) -> float:
        """Do the duty if nobody else does; else look again when their term would end."""
        holds = await self.store.write(
            lambda connection, now: duties.take(connection, now, self.id, self.holder, self.term)
        )
        if not holds:
            return self.term.total_seconds() / 3
        return await self.perform()

    async def clean_up(self) -> None:
        """Let another have it at once."""
        await self.store.write(
            lambda connection, now: duties.give_up(connection, now, self.id, self.holder)
        )
