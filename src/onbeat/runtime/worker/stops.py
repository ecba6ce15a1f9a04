"""Hears at once which running jobs are asked to stop, where who asks says so.

The heart hears it too, with its next beat: a hint may be lost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from onbeat.domain.workers import StopRequest
from onbeat.runtime.service import FOREVER, Service
from onbeat.store import workers
from onbeat.store.store import Store
from onbeat.store.wakeups import STOPS


class StopWatch(Service):
    """Looks for jobs to stop whenever somebody has asked for one, here or elsewhere."""

    def __init__(
        self,
        store: Store,
        whose: Callable[[], str | None],
        heed: Callable[[Sequence[StopRequest]], None],
        **options: Any,
    ) -> None:
        """Look for those of the session `whose` names, if it has jobs, and let `heed` know."""
        super().__init__(**{"id": "stops", "timing": store.timing, **options})
        self._store = store
        self._whose = whose
        self._heed = heed

    async def set_up(self) -> None:
        """Be woken when a stop is asked for."""
        self._store.wakeups.subscribe(self.woken, [STOPS])

    async def clean_up(self) -> None:
        """Be woken no more."""
        self._store.wakeups.unsubscribe(self.woken)

    async def step(self) -> float:
        """Look once, and rest until somebody asks again."""
        session = self._whose()
        if session is not None:
            found = await self._store.read(partial(workers.list_stops, session=session))
            if found and self._whose() == session:
                self._heed(found)
        return FOREVER
