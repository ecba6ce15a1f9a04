"""Readers: connections that cannot write, a few threads of them, beside the one writer."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Protocol, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from onbeat.domain.errors import StoreLocked, StoreReadOnly, StoreUnavailable
from onbeat.domain.pools import Pool
from onbeat.store.sqlite.connections import connect, for_reading
from onbeat.store.sqlite.errors import translated
from onbeat.store.sqlite.file_lock import FileLock
from onbeat.store.sqlite.writer import Hands

T = TypeVar("T")

READERS = 4
READ_DEADLINE = 30.0
CHECK_EVERY = 100_000
"""Virtual machine steps between two looks at the clock; about a millisecond."""
READER_PRAGMAS = ("PRAGMA query_only = ON",)
CLOSE_DEADLINE = 0.1
"""Seconds that closing waits for the lock; who holds it longer is connected, and checkpoints."""


class Reader(Protocol):
    """Whatever runs reads."""

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one read transaction."""
        ...

    async def close(self) -> None:
        """Disconnect."""
        ...


class Readers:
    """Runs reads on threads of their own, each with a connection of its own and a deadline."""

    def __init__(self, path: Path, deadline: float = READ_DEADLINE) -> None:
        """Read the database at `path`, ending a read that takes over `deadline` seconds."""
        self._path = path
        self._deadline = deadline
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="onbeat-reader")
        self._local = threading.local()
        self._all: list[Hands] = []
        self._asked = 0

    @property
    def pool(self) -> Pool:
        """Its connections."""
        return Pool(READERS, min(self._asked, READERS))

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one read transaction: it sees one state of the database."""
        loop = asyncio.get_running_loop()
        self._asked += 1
        try:
            return await loop.run_in_executor(self._pool, self._read, work)
        finally:
            self._asked -= 1

    async def close(self) -> None:
        """Wait for reads under way, and disconnect."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._pool.shutdown)
        await loop.run_in_executor(None, self._disconnect)

    def _disconnect(self) -> None:
        """Close, under the lock if it can be had: the last connection to close checkpoints."""
        lock = FileLock(self._path, CLOSE_DEADLINE)
        with ExitStack() as stack:
            stack.callback(lock.close)
            if self._all and self._path.with_name(self._path.name + "-wal").exists():
                with suppress(StoreLocked, StoreReadOnly):
                    stack.enter_context(lock.held())
            for hands in self._all:
                hands.close()
            self._all.clear()

    def _read(self, work: Callable[[Connection], T]) -> T:
        with translated(self._path):
            hands = self._hands()
            give_up = time.monotonic() + self._deadline
            hands.raw.set_progress_handler(lambda: time.monotonic() > give_up, CHECK_EVERY)
            hands.raw.execute("BEGIN")
            try:
                return work(hands.core)
            except (sqlite3.OperationalError, DBAPIError) as error:
                if str(getattr(error, "orig", error)) != "interrupted":
                    raise
                raise StoreUnavailable(
                    f"a read took over {self._deadline:g} s and was ended; narrow it by time"
                ) from None
            finally:
                if hands.raw.in_transaction:
                    hands.raw.execute("ROLLBACK")

    def _hands(self) -> Hands:
        hands: Hands | None = getattr(self._local, "hands", None)
        if hands is None:
            hands = Hands(connect(for_reading(self._path), READER_PRAGMAS))
            self._local.hands = hands
            self._all.append(hands)
        return hands
