"""A node's store: the real one, which tells its wire what it asks for, so that a trace can be read.

What is said is said at once before the request goes out, with nothing between the two.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy import Row

from onbeat.domain.jobs import ClaimedJob, NewJob
from onbeat.domain.outcomes import Ack
from onbeat.domain.workers import Pulse
from onbeat.store.payloads import FiringRows
from onbeat.store.sqlite.store import SqliteStore
from onbeat.store.store import Look, NextDue, Planner, Promoted, Work
from onbeat.testing.shared_memory import URL
from onbeat.timing import Ids, Timing
from tests.simulation.net import Wire

T = TypeVar("T")


class WiredStore(SqliteStore):
    """A store at the end of a wire."""

    def __init__(self, wire: Wire, timing: Timing, luck: random.Random) -> None:
        """Reach the database by `wire`."""
        super().__init__(URL, timing, Ids(timing, luck), luck, wire)
        self.wire = wire

    async def read(self, work: Work[T]) -> T:
        """Say which work it is."""
        self.wire.word = f"read {_name(work)}"
        return await super().read(work)

    async def write(self, work: Work[T]) -> T:
        """Say which work it is."""
        self.wire.word = f"write {_name(work)}"
        return await super().write(work)

    async def look(self, look: Look) -> Row[Any] | None:
        """Say so."""
        self.wire.word = f"look {_name(look)}"
        return await super().look(look)

    async def enqueue(self, jobs: Sequence[NewJob]) -> int:
        """Say for which jobs."""
        self.wire.word = f"enqueue {[job.id for job in jobs]}"
        return await super().enqueue(jobs)

    async def claim(
        self, session: str, queues: Sequence[str], limit: int, *, far: bool = True
    ) -> list[ClaimedJob]:
        """Say how many."""
        self.wire.word = f"claim {limit} for {session}"
        return await super().claim(session, queues, limit, far=far)

    async def ack(self, acks: Sequence[Ack]) -> Collection[int]:
        """Say which."""
        self.wire.word = f"ack {[(ack.token, ack.move) for ack in acks]}"
        return await super().ack(acks)

    async def tick(self, planner: Planner, limit: int) -> FiringRows:
        """Say so."""
        self.wire.word = "tick"
        return await super().tick(planner, limit)

    async def promote(self, limit: int) -> Promoted:
        """Say so."""
        self.wire.word = "promote"
        return await super().promote(limit)

    async def next_due(self) -> NextDue:
        """Say so."""
        self.wire.word = "next due"
        return await super().next_due()

    async def heartbeat(self, session: str, expires_in: timedelta) -> Pulse:
        """Say whose."""
        self.wire.word = f"heartbeat {session}"
        return await super().heartbeat(session, expires_in)


def _name(work: object) -> str:
    """The name of a function, without where in memory it lies."""
    function = getattr(work, "func", work)
    return str(getattr(function, "__qualname__", type(function).__name__))
