"""The store as one process of the kit has it: counted, and cut where that process dies.

Once it is cut, nothing more of that process reaches the database, and no answer reaches it: what
was on its way may be stored or not, as when a real one is killed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy import Row

from onbeat.domain.errors import StoreUnavailable
from onbeat.domain.jobs import ClaimedJob, JobId, NewJob
from onbeat.domain.outcomes import Ack
from onbeat.domain.pools import Pool
from onbeat.domain.workers import Pulse
from onbeat.store.payloads import FiringRows
from onbeat.store.store import Look, NextDue, Planner, Promoted, Store, Work

T = TypeVar("T")


class Lifeline(Store):
    """All operations of another store, until it is cut."""

    def __init__(self, inner: Store, told: Callable[[], None]) -> None:
        """Pass on to `inner`; `told` is called whenever an operation has ended."""
        super().__init__(inner.url, inner.timing, inner.ids, inner.randomness)
        self.engine = inner.engine
        self.ticks_at_once = inner.ticks_at_once
        self.wakeups = inner.wakeups
        self.hot_seconds = inner.hot_seconds
        self.counting = inner.counting
        self.in_flight = 0
        """Operations that have not ended."""
        self.gives_jobs = False
        """Whether a claim brings anything: outside of the kit's verbs nothing is to be run."""
        self._inner = inner
        self._told = told
        self._is_cut = False

    def cut(self) -> None:
        """Let nothing more through."""
        self._is_cut = True

    @property
    def pool(self) -> Pool:
        """Its connections."""
        return self._inner.pool

    async def open(self) -> None:
        """Connect."""
        await self._inner.open()
        await self._inner.listen()

    async def close(self) -> None:
        """Disconnect; also when it was cut."""
        await self._inner.close()

    async def read(self, work: Work[T]) -> T:
        """Pass on."""
        return await self._pass(lambda: self._inner.read(work))

    async def write(self, work: Work[T]) -> T:
        """Pass on."""
        return await self._pass(lambda: self._inner.write(work))

    async def look(self, look: Look) -> Row[Any] | None:
        """Pass on."""
        return await self._pass(lambda: self._inner.look(look))

    async def enqueue(self, jobs: Sequence[NewJob]) -> int:
        """Pass on."""
        return await self._pass(lambda: self._inner.enqueue(jobs))

    async def enqueue_with_conditions(self, jobs: Sequence[NewJob]) -> dict[JobId, JobId]:
        """Pass on."""
        return await self._pass(lambda: self._inner.enqueue_with_conditions(jobs))

    async def claim(
        self, session: str, queues: Sequence[str], limit: int, *, far: bool = True
    ) -> list[ClaimedJob]:
        """Pass on while jobs are given."""
        if not self.gives_jobs:
            return []
        return await self._pass(lambda: self._inner.claim(session, queues, limit, far=far))

    async def ack(self, acks: Sequence[Ack]) -> Collection[int]:
        """Pass on."""
        return await self._pass(lambda: self._inner.ack(acks))

    async def tick(self, planner: Planner, limit: int) -> FiringRows:
        """Pass on."""
        return await self._pass(lambda: self._inner.tick(planner, limit))

    async def promote(self, limit: int) -> Promoted:
        """Pass on."""
        return await self._pass(lambda: self._inner.promote(limit))

    async def next_due(self) -> NextDue:
        """Pass on."""
        return await self._pass(self._inner.next_due)

    async def heartbeat(self, session: str, expires_in: timedelta) -> Pulse:
        """Pass on."""
        return await self._pass(lambda: self._inner.heartbeat(session, expires_in))

    async def _pass(self, operation: Callable[[], Awaitable[T]]) -> T:
        self._refuse_if_cut()
        self.in_flight += 1
        try:
            result = await operation()
        finally:
            self.in_flight -= 1
            self._told()
        self._refuse_if_cut()
        return result

    def _refuse_if_cut(self) -> None:
        if self._is_cut:
            raise StoreUnavailable("this process of the kit was killed")
