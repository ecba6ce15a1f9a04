"""A database in memory that any number of stores share, as processes share a file or a server.

Requests run one after the other, on the loop, in a transaction each: no thread, no disk, no lock.
The time is the database's own, as on PostgreSQL; a store's `timing` is that of its process.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

from sqlalchemy import Connection

from onbeat.store.schema_state import migrate
from onbeat.store.sqlite.errors import translated
from onbeat.store.sqlite.store import SqliteStore
from onbeat.store.sqlite.writer import Access, Hands, InlineWriter, Request
from onbeat.timing import Ids, Timing

T = TypeVar("T")

URL = "sqlite://"

_idle: list[Hands] = []
"""Connections to databases that were closed. SQLAlchemy keeps with them how it compiled statements,
which would take a tenth of a second for each new one."""


class SharedMemory:
    """One migrated, empty database in memory; it is gone when it is closed."""

    def __init__(self, timing: Timing) -> None:
        """Make it; its time is that of `timing`."""
        self.timing = timing
        self._hands = _idle.pop() if _idle else InlineWriter(None).connect()
        _template(timing.now()).backup(self._hands.raw)

    def store(
        self,
        timing: Timing | None = None,
        randomness: random.Random | None = None,
        access: Access | None = None,
    ) -> SqliteStore:
        """A store on it, as another process would have, which lives by `timing`.

        With a seeded `randomness` its ids and jitter come again the same. `access` is what its
        requests go through on their way here, where they are to be lost or delayed.
        """
        timing = timing or self.timing
        drawn = randomness or random.Random()  # noqa: S311 - for jitter
        return SqliteStore(URL, timing, Ids(timing, randomness), drawn, access or Direct(self))

    def do(self, request: Request[T]) -> T:
        """Run `request` in a transaction, and commit it. Raises what it raises, StoreError too."""
        raw = self._hands.raw
        with translated(None):
            raw.execute("BEGIN IMMEDIATE")
            try:
                result = request(self._hands)
                raw.execute("COMMIT")
            finally:
                if not self._is_cut_off and raw.in_transaction:
                    raw.execute("ROLLBACK")
        return result

    def close(self) -> None:
        """Forget everything."""
        if not self._is_cut_off:
            _idle.append(self._hands)

    @property
    def _is_cut_off(self) -> bool:
        """Whether a statement was: by Ctrl-C, or a time limit of tests. SQLAlchemy disconnects
        then.
        """
        return self._hands.core.invalidated


class Direct:
    """The way of a store to the database when nothing is to happen on it."""

    def __init__(self, database: SharedMemory) -> None:
        """Lead to `database`."""
        self._database = database

    def now(self) -> datetime:
        """The database's time."""
        return self._database.timing.now()

    async def run(self, request: Request[T]) -> T:
        """Run `request` at once."""
        return self._database.do(request)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Read at once."""
        return self._database.do(lambda hands: work(hands.core))

    async def close(self) -> None:
        """Leave the database to the others."""


@lru_cache(maxsize=1)
def _template(now: datetime) -> sqlite3.Connection:
    """A migrated database that others are copied from: migrating takes 0.2 s."""
    hands = InlineWriter(None).connect()
    migrate(hands.core, now)
    return hands.raw
