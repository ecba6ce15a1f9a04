"""The duty that carries operations on: a batch of each in turn, until all have ended.

It is done in every process of ours, so also where an API stands alone; one at a time has it. It is
no job of a queue: what is to be called off may be the very jobs that keep all workers busy.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from onbeat.runtime.lease import Duty
from onbeat.store import operations
from onbeat.store.store import Store
from onbeat.store.wakeups import OPERATIONS, STOPS

LOOK_EVERY = 15.0
"""Longest rest in seconds; who begins an operation wakes whoever has the duty."""

REST = 0.005
"""Seconds between two rounds, for others to write in."""


class Operator(Duty):
    """Carries operations on."""

    def __init__(self, store: Store, **options: Any) -> None:
        """Carry on what is on record in `store`."""
        super().__init__(store, id="operator", **options)

    async def set_up(self) -> None:
        """Be woken when one begins."""
        self.store.wakeups.subscribe(self.woken, [OPERATIONS])

    async def clean_up(self) -> None:
        """Be woken no more, and let another have it at once."""
        self.store.wakeups.unsubscribe(self.woken)
        await super().clean_up()

    async def perform(self) -> float:
        """Do a batch of each; rest for long when there is none."""
        open_ones = await self.store.read(operations.under_way)
        for identity in open_ones:
            batch = await self.store.write(
                partial(operations.go_on, identity=identity, entry=self.store.new_id())
            )
            if batch is not None:
                self.store.wakeups.send(batch.queues | ({STOPS} if batch.asked else set()))
        return REST if open_ones else LOOK_EVERY
