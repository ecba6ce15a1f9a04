"""The store: durable state behind a handful of operations, the same on both engines.

Two kinds of work go through it. *Cold* work is a plain function of a SQLAlchemy connection and
the moment it is, run in one transaction: the modules beside this one hold it, a noun each. The
*hot* operations (enqueue, claim, ack, tick, promote, heartbeat) are set-based statements of the
engine's own, a round trip each.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Select

from onbeat.domain.environments import environment_of
from onbeat.domain.jobs import ClaimedJob, JobId, NewJob
from onbeat.domain.meters import Counting
from onbeat.domain.outcomes import Ack
from onbeat.domain.pools import Pool
from onbeat.domain.workers import Pulse
from onbeat.store.due import DueRow
from onbeat.store.granting import Sight
from onbeat.store.payloads import FiringRows
from onbeat.store.wakeups import Hearing, Wakeups
from onbeat.timing import Ids, Timing

T = TypeVar("T")

Work = Callable[[Connection, datetime], T]
"""Cold work: a function of a connection in a transaction, and of the store's time now."""


Look = Callable[[ColumnElement[datetime]], Select[Any]]
"""One statement, given the moment it is as an expression of SQL."""


Planner = Callable[[Sequence[DueRow], datetime], FiringRows]
"""What a tick asks: given the due schedules and the time, what to write. Pure."""


@dataclass(frozen=True, slots=True)
class Promoted:
    """What moving due waiting jobs to pending did."""

    count: int
    queues: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class NextDue:
    """When the earliest schedule and waiting job are due, and when the first paused schedule goes
    on by itself; None when there is none.
    """

    schedule_at: datetime | None
    job_at: datetime | None
    resume_at: datetime | None
    has_backfills: bool
    """Whether any backfill is under way."""
    has_ends: bool
    """Whether jobs have ended that others wait for, and nobody has followed that yet."""
    now: datetime
    expires_at: datetime | None = None
    """The first moment by which a job should have begun that has not."""

    @property
    def wait(self) -> timedelta | None:
        """How long until the earliest of these, from the store's time now."""
        ends = (self.schedule_at, self.job_at, self.resume_at, self.expires_at)
        moments = [at for at in ends if at is not None]
        return max(timedelta(), min(moments) - self.now) if moments else None


class Store(ABC):
    """Durable state. Every method may raise a StoreError; none leaves work half done."""

    engine: str
    """`sqlite` or `postgresql`."""
    ticks_at_once: int = 1
    """How many ticks side by side make a backlog shorter faster than one after the other."""
    wakeups: Wakeups
    sight: Sight = Sight()
    hot_seconds: float = float("inf")
    """After how long a hot statement is given up, where a connection can be dead and not say so."""

    def __init__(self, url: str, timing: Timing, ids: Ids, randomness: random.Random) -> None:
        """Prepare; `open` connects."""
        self.url = url
        self.environment = environment_of(url)
        self.timing = timing
        self.ids = ids
        self.randomness = randomness
        """What those who work on the store draw their jitter from."""
        self.counting = Counting()
        """What those who work on it have counted and not added to it yet."""

    @abstractmethod
    async def open(self) -> None:
        """Connect, and check that the schema is the one this Onbeat knows."""

    async def listen(self) -> None:  # noqa: B027 - a database in memory needs none
        """Take wakeups from other processes too, where the engine has a way to."""

    @property
    def hearing(self) -> Hearing | None:
        """How wakeups from other processes come in; None where nobody waits for any."""
        return None

    @property
    def pool(self) -> Pool:
        """Its connections; none where it has none of its own."""
        return Pool()

    @abstractmethod
    async def close(self) -> None:
        """Finish what was accepted, and disconnect."""

    @abstractmethod
    async def read(self, work: Work[T]) -> T:
        """Run `work` in a transaction that cannot write."""

    @abstractmethod
    async def write(self, work: Work[T]) -> T:
        """Run `work` in a transaction, and commit it."""

    @abstractmethod
    async def look(self, look: Look) -> Row[Any] | None:
        """The first row of one statement, which fails where nothing can be written.

        It costs one statement: a transaction on PostgreSQL has three more, one for its moment.
        """

    @abstractmethod
    async def enqueue(self, jobs: Sequence[NewJob]) -> int:
        """Store `jobs`; how many were new. One stored before, by id, is left as it is."""

    @abstractmethod
    async def enqueue_with_conditions(self, jobs: Sequence[NewJob]) -> dict[JobId, JobId]:
        """Store `jobs`, some with unique keys or deadlines; of those whose key another job has, by
        id that job. They are not stored.
        """

    @abstractmethod
    async def claim(
        self, session: str, queues: Sequence[str], limit: int, *, far: bool = True
    ) -> list[ClaimedJob]:
        """Take up to `limit` pending jobs, highest priority first, fenced by a token each.

        Jobs that lack a slot of a limit make way for those behind them; unless it need not look so
        `far`, since there are jobs at hand whose end may give them theirs.
        """

    @abstractmethod
    async def ack(self, acks: Sequence[Ack]) -> Collection[int]:
        """Apply `acks`; the tokens that were applied. A token that is not there lost its lease."""

    @abstractmethod
    async def tick(self, planner: Planner, limit: int) -> FiringRows:
        """Lock up to `limit` due schedules that nobody else has, plan them, write what follows."""

    @abstractmethod
    async def promote(self, limit: int) -> Promoted:
        """Move up to `limit` waiting jobs whose moment has come to pending."""

    @abstractmethod
    async def next_due(self) -> NextDue:
        """When there will next be something to tick or to promote."""

    @abstractmethod
    async def heartbeat(self, session: str, expires_in: timedelta) -> Pulse:
        """Say that `session` lives; learn whether it still does, and which jobs are to stop."""

    def new_id(self) -> JobId:
        """A fresh id, greater than all this process made before."""
        return self.ids.one()
