"""Singleton duties: of many processes one does the work, and another takes over when it is gone."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, ScalarSelect

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
        self._holds = self._is_neglected = False

    @abstractmethod
    async def perform(self) -> float:
        """Do the duty once; return how many seconds to rest."""

    def look(self, connection: Connection, now: datetime) -> None:
        """What of the duty is done in the transaction that keeps it, before `perform`."""

    def saw(self, now: datetime) -> None:
        """Hear what time it is in the store, whenever that has been asked."""

    patience = timedelta()
    """How long another may neglect the duty before it is taken from them; see `neglected_since`."""

    def neglected_since(self) -> Sequence[ScalarSelect[Any]]:
        """What tells since when another neglects the duty, or will: the first moment is meant.

        Whoever holds a duty may be dead for a whole term before it is free.
        """
        return ()

    async def step(self) -> float:
        """Do the duty if nobody else does; else look again when their term ends, or sooner."""
        self._is_neglected = False
        others = None if self._holds else await self._look_at_others()
        if others is None:
            self._holds = await self.store.write(self._take)
            others = None if self._holds else self.term
        if others is not None:
            rest = min(others, self.term / 3)
            return rest.total_seconds() + JUST_AFTER
        return await self.perform()

    async def clean_up(self) -> None:
        """Let another have it at once."""
        await self.store.write(
            lambda connection, now: duties.give_up(connection, now, self.id, self.holder)
        )

    async def _look_at_others(self) -> timedelta | None:
        """How long the duty is another's yet; None when it may be taken."""
        neglected = self.neglected_since()
        row = await self.store.look(
            lambda now: duties.held_by_another(self.id, self.holder, now).add_columns(*neglected)
        )
        if row is None:
            return None
        self.saw(row.now)
        if row.expires_at - row.now > duties.LEAPT * self.term:
            return None
        since: list[datetime] = list(filter(None, row[2:]))
        left: timedelta = min([row.expires_at, *(at + self.patience for at in since)]) - row.now
        self._is_neglected = left <= timedelta()
        return None if self._is_neglected else left

    def _take(self, connection: Connection, now: datetime) -> bool:
        """Take or keep the duty, and look; whether it is ours."""
        self.saw(now)
        is_ours = duties.take(
            connection, now, self.id, self.holder, self.term, is_neglected=self._is_neglected
        )
        if is_ours:
            self.look(connection, now)
        return is_ours
