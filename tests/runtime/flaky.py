"""A store that is out of reach when a test says so, around a real one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Row

from onbeat.domain.errors import StoreUnavailable
from onbeat.domain.jobs import ClaimedJob, JobId, NewJob
from onbeat.domain.outcomes import Ack
from onbeat.domain.workers import Pulse
from onbeat.store.payloads import FiringRows
from onbeat.store.store import Look, NextDue, Planner, Promoted, Store, T, Work


class FlakyStore(Store):
    """Passes everything on, but for the calls that are to fail: before the store, or after it."""

    def __init__(self, store: Store) -> None:
        """Stand before `store`."""
        super().__init__(store.url, store.timing, store.ids, store.randomness)
        self.engine = store.engine
        self.wakeups = store.wakeups
        self.inner = store
        self.failing: Counter[str] = Counter()
        """How many more calls of each name do not reach the store."""
        self.failure: Exception = StoreUnavailable("out of reach; the test says so")
        """What they fail with."""
        self.answers_lost: Counter[str] = Counter()
        """How many more calls of each name reach it, but their answers do not come back."""
        self.calls: Counter[str] = Counter()
        self.on_ack: Callable[[Sequence[Ack]], None] = lambda acks: None

    async def _pass(self, name: str, call: Callable[[], Awaitable[T]]) -> T:
        self.calls[name] += 1
        if self.failing[name] > 0:
            self.failing[name] -= 1
            raise self.failure
        answer = await call()
        if self.answers_lost[name] > 0:
            self.answers_lost[name] -= 1
            raise StoreUnavailable("the answer was lost; the test says so")
        return answer

    async def open(self) -> None:
        """Opened by whoever made the inner one."""

    async def close(self) -> None:
        """Closed by whoever made the inner one."""

    async def read(self, work: Work[T]) -> T:
        """Pass on."""
        return await self._pass("read", lambda: self.inner.read(work))

    async def write(self, work: Work[T]) -> T:
        """Pass on."""
        return await self._pass("write", lambda: self.inner.write(work))

    async def look(self, look: Look) -> Row[Any] | None:
        """Pass on."""
        return await self._pass("look", lambda: self.inner.look(look))

    async def enqueue(self, jobs: Sequence[NewJob]) -> int:
        """Pass on."""
        return await self._pass("enqueue", lambda: self.inner.enqueue(jobs))

    async def enqueue_with_conditions(self, jobs: Sequence[NewJob]) -> dict[JobId, JobId]:
        """Pass on."""
        return await self._pass("enqueue", lambda: self.inner.enqueue_with_conditions(jobs))

    async def claim(
        self, session: str, queues: Sequence[str], limit: int, *, far: bool = True
    ) -> list[ClaimedJob]:
        """Pass on."""
        inner = self.inner
        claimed = await self._pass("claim", lambda: inner.claim(session, queues, limit, far=far))
        self.sight = inner.sight
        return claimed

    async def ack(self, acks: Sequence[Ack]) -> Collection[int]:
        """Pass on."""
        self.on_ack(acks)
        return await self._pass("ack", lambda: self.inner.ack(acks))

    async def tick(self, planner: Planner, limit: int) -> FiringRows:
        """Pass on."""
        return await self._pass("tick", lambda: self.inner.tick(planner, limit))

    async def promote(self, limit: int) -> Promoted:
        """Pass on."""
        return await self._pass("promote", lambda: self.inner.promote(limit))

    async def next_due(self) -> NextDue:
        """Pass on."""
        return await self._pass("next_due", self.inner.next_due)

    async def heartbeat(self, session: str, expires_in: timedelta) -> Pulse:
        """Pass on."""
        return await self._pass("heartbeat", lambda: self.inner.heartbeat(session, expires_in))

    def __getattr__(self, name: str) -> Any:
        """What only one engine has."""
        return getattr(self.inner, name)
