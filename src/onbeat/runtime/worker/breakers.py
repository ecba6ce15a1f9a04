"""Tells the store what attempts say of their dependencies, so that the fleet shares breakers.

Successes are told a moment later, together: while all goes well they change nothing. A failure is
told at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from onbeat.domain.breakers import Standing, failure_in, speaks
from onbeat.domain.events import BreakerClosed, BreakerOpened
from onbeat.domain.outcomes import Ack
from onbeat.runtime.service import FOREVER, Service
from onbeat.store import breakers
from onbeat.store.store import Store

GATHER = 0.25
"""Seconds for which successes are gathered."""

MOST_KEPT = 1_000
"""Observations of one breaker kept while the store is out of reach; older ones are dropped."""


class BreakerWatch(Service):
    """Hears how attempts ended, and tells the store."""

    def __init__(self, store: Store, **options: Any) -> None:
        """Tell `store`."""
        super().__init__(**{"id": "breakers", "timing": store.timing, **options})
        self._store = store
        self._seen: dict[str, list[tuple[float, str | None]]] = {}
        """By breaker: when attempts began on the monotonic clock, and what failed."""
        self._has_failures = False

    def ended(self, names: Sequence[str], ack: Ack, seconds: float) -> None:
        """Hear that an attempt under the breakers `names` ended, begun `seconds` ago."""
        if not speaks(ack):
            return
        failure, is_first = failure_in(ack), not self._seen
        for name in names:
            kept = self._seen.setdefault(name, [])
            kept.append((self.timing.monotonic() - seconds, failure))
            del kept[:-MOST_KEPT]
        self._has_failures = self._has_failures or failure is not None
        if is_first or failure is not None:
            self.wake()

    async def step(self) -> float:
        """Tell what was seen; what cannot be told now is told later."""
        if not self._seen:
            return FOREVER
        if not self._has_failures and not self.draining:
            await self.timing.wait(self.woken, GATHER)
        told, self._seen = self._seen, {}
        self._has_failures = False
        try:
            for name, kept in list(told.items()):
                now = self.timing.monotonic()
                seen = [(timedelta(seconds=now - began), failure) for began, failure in kept]
                work = partial(breakers.observed, name=name, seen=seen)
                self._tell(name, await self._store.write(work))
                del told[name]
        except BaseException:
            for name, kept in told.items():
                self._seen[name] = (kept + self._seen.get(name, []))[-MOST_KEPT:]
            raise
        return FOREVER if not self._seen else 0.0

    def _tell(self, name: str, change: tuple[Standing, Standing] | None) -> None:
        if change is None:
            return
        before, after = change
        if after.opened_at is not None and after.opened_at != before.opened_at:
            self.emit(BreakerOpened(name, after.reason or "", after.open_until))
        elif after.opened_at is None and before.opened_at is not None:
            self._store.wakeups.deliver_all()
            self.emit(BreakerClosed(name))
