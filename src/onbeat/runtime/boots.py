"""Tells the schedules that wait for this machine's start that it has started, once per boot."""

from __future__ import annotations

from typing import Any

from onbeat.runtime.machine import boot_id, host_name
from onbeat.runtime.service import FOREVER, Service
from onbeat.store import boots
from onbeat.store.store import Store
from onbeat.store.wakeups import SCHEDULER


class Boots(Service):
    """Looks once, when the scheduler starts: the machine does not start while this runs."""

    def __init__(
        self, store: Store, *, boot: str | None = None, host: str | None = None, **options: Any
    ) -> None:
        """Look into `store`; `boot` and `host` are this machine's own unless given."""
        super().__init__(**{"id": "boots", "timing": store.timing, **options})
        self._store = store
        self._boot = boot or boot_id()
        self._host = host or host_name()

    async def step(self) -> float:
        """Make due what waits for this start, and rest for good."""
        boot, host = self._boot, self._host
        if boot is None:
            return FOREVER
        due = await self._store.write(
            lambda connection, now: boots.see(connection, now, host, boot)
        )
        if due:
            self._store.wakeups.send([SCHEDULER])
        return FOREVER
