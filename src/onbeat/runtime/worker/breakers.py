"""Tells the store what attempts say of their dependencies, so that the fleet shares breakers.

Successes are told a moment later, together: while all goes well they change nothing. A failure is
told at once. Where as many have failed in a row as open the breaker, none of its jobs begins here
until it is known whether it is open: thousands may lie here, claimed while it was closed, and each
would spend an attempt.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection

from onbeat.domain.breakers import Breaker, BreakerState, Standing, failure_in, speaks
from onbeat.domain.events import BreakerClosed, BreakerOpened
from onbeat.domain.jobs import ClaimedJob
from onbeat.domain.outcomes import Ack
from onbeat.runtime.service import FOREVER, Service
from onbeat.runtime.tasks import Registry
from onbeat.store import breakers
from onbeat.store.store import Store

GATHER = 0.25
"""Seconds for which successes are gathered."""

MOST_KEPT = 1_000
"""Observations of one breaker kept while the store is out of reach; older ones are dropped."""


LONGEST_DOUBT = 5.0
"""Seconds for which a job waits to hear whether a breaker is open; then it is given back."""


class BreakerWatch(Service):
    """Hears how attempts ended, tells the store, and hears from it which breakers are open."""

    def __init__(self, store: Store, opened: Callable[[str], None], **options: Any) -> None:
        """Tell `store`; `opened` hears of each breaker that is found open."""
        super().__init__(**{"id": "breakers", "timing": store.timing, **options})
        self._store = store
        self._opened = opened
        self._seen: dict[str, list[tuple[float, str | None]]] = {}
        """By breaker: when attempts began on the monotonic clock, and what failed."""
        self._has_failures = False
        self._failed: Counter[str] = Counter()
        """Failures in a row that the store has not heard of."""
        self._being_told: Counter[str] = Counter()
        self._open: set[str] = set()
        """Breakers that were open when they were last told of."""
        self._waiting: list[asyncio.Future[None]] = []

    def ended(self, names: Sequence[str], ack: Ack, seconds: float) -> None:
        """Hear that an attempt under the breakers `names` ended, begun `seconds` ago."""
        if not speaks(ack):
            return
        failure, is_first = failure_in(ack), not self._seen
        for name in names:
            kept = self._seen.setdefault(name, [])
            kept.append((self.timing.monotonic() - seconds, failure))
            del kept[:-MOST_KEPT]
            self._failed[name] = 0 if failure is None else self._failed[name] + 1
        self._has_failures = self._has_failures or failure is not None
        if is_first or failure is not None:
            self.wake()

    def is_in_doubt(self, breakers: Sequence[Breaker]) -> bool:
        """Whether one of them may be open by what failed here."""
        return any(
            self._failed[each.name] + self._being_told[each.name]
            >= (1 if each.name in self._open else each.threshold)
            for each in breakers
        )

    async def keeps_from(self, breakers: Sequence[Breaker]) -> str | None:
        """Wait where there is doubt until there is none; the one that lets nobody begin, if any."""
        if not self.is_in_doubt(breakers):  # then whoever was claimed may begin: it may be a probe
            return None
        told = asyncio.get_running_loop().create_future()
        self._waiting.append(told)
        await asyncio.wait({told}, timeout=LONGEST_DOUBT)
        for each in breakers:
            if each.name in self._open or self.is_in_doubt([each]):
                return each.name
        return None

    async def step(self) -> float:
        """Tell what was seen; what cannot be told now is told later."""
        if not self._seen:
            return FOREVER
        if not self._has_failures and not self.draining:
            await self.timing.wait(self.woken, GATHER)
        told, self._seen = self._seen, {}
        self._being_told, self._failed = self._failed, Counter()
        self._has_failures = False
        try:
            for name, kept in list(told.items()):
                now = self.timing.monotonic()
                seen = [(timedelta(seconds=now - began), failure) for began, failure in kept]
                self._hear(name, await self._store.write(partial(_observed, name=name, seen=seen)))
                del told[name]
        except BaseException:
            for name, kept in told.items():
                self._seen[name] = (kept + self._seen.get(name, []))[-MOST_KEPT:]
                self._failed[name] += self._being_told[name]
            raise
        finally:
            self._being_told = Counter()
            self._let_go()
        return FOREVER if not self._seen else 0.0

    def _let_go(self) -> None:
        """Those that wait look again."""
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            if not each.done():
                each.set_result(None)

    def _hear(self, name: str, heard: tuple[Standing, Standing, BreakerState] | None) -> None:
        self._being_told[name] = 0
        self._open.discard(name)
        if heard is None:
            return
        before, after, state = heard
        if state is BreakerState.OPEN:
            self._open.add(name)
            self._opened(name)
        if after.opened_at is not None and after.opened_at != before.opened_at:
            self.emit(BreakerOpened(name, after.reason or "", after.open_until))
        elif after.opened_at is None and before.opened_at is not None:
            self._store.wakeups.deliver_all()
            self.emit(BreakerClosed(name))


def _observed(
    connection: Connection, now: datetime, name: str, seen: list[tuple[timedelta, str | None]]
) -> tuple[Standing, Standing, BreakerState] | None:
    """Note it; how the breaker stood before and after, and what it lets through now."""
    change = breakers.observed(connection, now, name, seen)
    return None if change is None else (*change, change[1].state(now))


def is_under(registry: Registry, breaker: str, job: ClaimedJob) -> bool:
    """Whether the task of a job depends on that breaker."""
    definition = registry.get(job.task)
    return definition is not None and any(each.name == breaker for each in definition.breakers)
