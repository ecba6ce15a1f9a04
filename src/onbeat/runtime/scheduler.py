"""The scheduler service: a loop around `tick`. Any number of them may run; none is the leader."""

from __future__ import annotations

from typing import Any

from onbeat.runtime.service import Service
from onbeat.runtime.tick import tick
from onbeat.store.store import Store
from onbeat.store.wakeups import SCHEDULER

LONGEST_REST = 1.0
"""Seconds between looks at the store when nothing is known to be due: what a lost wakeup costs.

It also bounds the harm of a clock that was set or a machine that slept: a longer sleep would be
measured on a clock that stands still meanwhile.
"""

SHORTEST_REST = 0.02
"""Seconds to the next look when something is still due: another scheduler is just planning it."""


class Scheduler(Service):
    """Makes due schedules into jobs, and due jobs pending."""

    def __init__(self, store: Store, **options: Any) -> None:
        """Tick `store`."""
        super().__init__(**{"id": "scheduler", "timing": store.timing, **options})
        self._store = store

    async def set_up(self) -> None:
        """Be woken when something may be due earlier than thought."""
        self._store.wakeups.subscribe(self.woken, [SCHEDULER])

    async def clean_up(self) -> None:
        """Be woken no more."""
        self._store.wakeups.unsubscribe(self.woken)

    async def step(self) -> float:
        """Tick if something is due; at once again when there was more than one tick's worth.

        To look is one statement, to tick are five: most looks of an idle second find nothing due.
        """
        wait = await self._wait()
        if wait > 0:
            return wait
        done = await tick(self._store, emit=self.emit)
        return 0.0 if done.is_full else max(await self._wait(), SHORTEST_REST)

    async def _wait(self) -> float:
        """Seconds until something is due, as far as is known; none while something is."""
        wait = (await self._store.next_due()).wait
        return LONGEST_REST if wait is None else min(wait.total_seconds(), LONGEST_REST)
