"""The one writer of a database: requests from anywhere, committed in groups.

Each request of a group runs in a savepoint of its own, so that one that fails takes only itself
back. What a request gave is handed over after COMMIT: an answer means the work is on disk. An
error that ends the transaction (disk full, I/O, a failed commit) is the answer to every request of
the group. A caller that stops waiting does not take its request back: it may still be committed.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from datetime import datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection

from onbeat.crash_points import CrashPoint, reach
from onbeat.domain.errors import StoreError, StoreUnavailable
from onbeat.store.sqlite.connections import WRITER_PRAGMAS, connect, over
from onbeat.store.sqlite.errors import translated
from onbeat.store.sqlite.file_lock import FileLock
from onbeat.store.sqlite.replaced import FileIdentity, identity_of

T = TypeVar("T")

LARGEST_GROUP = 512
LOCK_DEADLINE = 10.0
CHECKPOINT_PAGES = 1000
TRUNCATE_BYTES = 64 * 1024 * 1024


class Hands:
    """What a request works with: the writer's connection, raw and as SQLAlchemy Core."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        """Take over an open connection."""
        self.raw = raw
        self._engine, self.core = over(raw)

    def close(self) -> None:
        """Disconnect."""
        self.core.close()
        self._engine.dispose()
        self.raw.close()


Request = Callable[[Hands], T]


class Access(Protocol):
    """A way to a database that is somebody else's, as one in memory that many stores share."""

    def now(self) -> datetime:
        """The database's own time, which is that of all who reach it."""
        ...

    async def run(self, request: Request[T]) -> T:
        """Run `request` in a transaction; its result, once that is committed."""
        ...

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one read transaction."""
        ...

    async def close(self) -> None:
        """Let go; the database stays."""
        ...


class Answer:
    """One request and where its result goes."""

    __slots__ = ("error", "future", "loop", "request", "result")

    def __init__(self, request: Request[Any], future: asyncio.Future[Any]) -> None:
        """Answer `request` by settling `future` on its own loop."""
        self.request = request
        self.future = future
        self.loop = future.get_loop()
        self.result: Any = None
        self.error: BaseException | None = None

    def settle(self) -> None:
        """Hand the result over; a caller that has gone is left alone."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class Writer(ABC):
    """Runs requests, one group after the other, on the one connection that writes."""

    def __init__(self, path: Path | None) -> None:
        """Write to the database at `path`, or in memory when it is None."""
        self.path = path
        self._lock = None if path is None else FileLock(path, LOCK_DEADLINE)
        self._hands: Hands | None = None
        self._file: FileIdentity | None = None
        self._pages = 0

    @abstractmethod
    async def run(self, request: Request[T]) -> T:
        """Run `request` in a transaction; its result, once that is on disk."""

    @abstractmethod
    async def close(self) -> None:
        """Finish what was accepted, checkpoint, disconnect."""

    def connect(self) -> Hands:
        """Open the connection; the caller holds the lock, for making a WAL is a write.

        It is not taken again here: letting go of it twice would leave the caller without it.
        """
        with translated(self.path):
            self._hands = Hands(connect(self.path, WRITER_PRAGMAS))
        self._file = identity_of(self.path)
        return self._hands

    def disconnect(self) -> None:
        """Close under the lock: the last connection to close checkpoints."""
        if self._hands is not None:
            # Who holds the lock for longer is connected: then this one is not the last.
            with ExitStack() as stack:
                with suppress(StoreError):
                    stack.enter_context(self._held())
                self._hands.close()
            self._hands = None
        if self._lock is not None:
            self._lock.close()

    def commit(self, group: list[Answer]) -> None:
        """Run and commit `group` as one transaction, keeping results and errors in its answers."""
        try:
            with translated(self.path), self._held():
                self._commit_held(group)
        except BaseException as error:  # every caller of the group must hear of it
            for answer in group:
                answer.error = error

    def _commit_held(self, group: list[Answer]) -> None:
        hands = self._hands or self.connect()
        if self._is_replaced():
            raise StoreUnavailable(
                f"{self.path} was replaced or removed under this process, which has the old file "
                "open and writes no more into it; restart the process"
            )
        raw = hands.raw
        raw.execute("BEGIN IMMEDIATE")
        try:
            if len(group) == 1:
                group[0].result = group[0].request(hands)
            else:
                for answer in group:
                    self._run_one(hands, answer)
            reach(CrashPoint.GROUP_BEFORE_COMMIT)
            raw.execute("COMMIT")
            reach(CrashPoint.GROUP_AFTER_COMMIT)
        except BaseException:
            if raw.in_transaction:
                raw.execute("ROLLBACK")
            raise
        # What is committed stays so: a full disk fails the next commit, not this one's callers.
        with suppress(sqlite3.Error, OSError):
            self._checkpoint_when_due(raw)

    def _is_replaced(self) -> bool:
        """Whether another file stands where the open one stood: a backup was put back, perhaps."""
        return identity_of(self.path) != self._file

    def _run_one(self, hands: Hands, answer: Answer) -> None:
        raw = hands.raw
        raw.execute("SAVEPOINT request")
        try:
            with translated(self.path):
                answer.result = answer.request(hands)
        except Exception as error:
            if not raw.in_transaction:
                raise  # the whole transaction is gone, and the group with it
            raw.execute("ROLLBACK TO request")
            answer.error = error
        raw.execute("RELEASE request")

    def _checkpoint_when_due(self, raw: sqlite3.Connection) -> None:
        if self.path is None:
            return
        wal = self.path.with_name(self.path.name + "-wal")
        size = wal.stat().st_size if wal.exists() else 0
        if size > TRUNCATE_BYTES:
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        elif size - self._pages > CHECKPOINT_PAGES * 4096:
            raw.execute("PRAGMA wal_checkpoint(PASSIVE)")
            self._pages = size
        elif size < self._pages:
            self._pages = size

    def _held(self) -> AbstractContextManager[None]:
        return nullcontext() if self._lock is None else self._lock.held()


class ThreadWriter(Writer):
    """Writes from a thread of its own, so that the event loop never waits for a disk."""

    def __init__(self, path: Path | None) -> None:
        """Start with no thread; the first request starts it."""
        super().__init__(path)
        self._inbox: SimpleQueue[Answer | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._is_closed = False

    async def run(self, request: Request[T]) -> T:
        """Hand `request` to the thread and wait for its commit."""
        if self._is_closed:
            raise StoreUnavailable("the store is closed; open another")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="onbeat-writer", daemon=True)
            self._thread.start()
        self._inbox.put(Answer(request, future))
        return await future

    async def close(self) -> None:
        """Let the thread finish and end; what comes from now on is refused."""
        self._is_closed = True
        if self._thread is not None:
            self._inbox.put(None)
            await asyncio.get_running_loop().run_in_executor(None, self._thread.join)
            self._thread = None

    def _work(self) -> None:
        while True:
            group, last = self._next_group()
            if group:
                self.commit(group)
                _deliver(group)
            if last:
                self.disconnect()
                return

    def _next_group(self) -> tuple[list[Answer], bool]:
        """Wait for a request, then take what else has come meanwhile."""
        group: list[Answer] = []
        answer = self._inbox.get()
        while answer is not None:
            group.append(answer)
            if len(group) == LARGEST_GROUP:
                return group, False
            try:
                answer = self._inbox.get_nowait()
            except Empty:
                return group, False
        return group, True


class InlineWriter(Writer):
    """Writes where it is called, for databases in memory and for simulations on one loop."""

    async def run(self, request: Request[T]) -> T:
        """Run and commit `request` at once."""
        answer = Answer(request, asyncio.get_running_loop().create_future())
        self.commit([answer])
        answer.settle()
        result: T = await answer.future
        return result

    async def close(self) -> None:
        """Disconnect."""
        self.disconnect()

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Read on the writer's connection: a database in memory has no other."""
        hands = self._hands or self.connect()
        with translated(self.path):
            result: T = work(hands.core)
            return result


def _deliver(group: list[Answer]) -> None:
    """Settle all answers of a loop in one call of that loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Answer]] = {}
    for answer in group:
        by_loop.setdefault(answer.loop, []).append(answer)
    for loop, answers in by_loop.items():
        try:
            loop.call_soon_threadsafe(_settle_all, answers)
        except RuntimeError:
            continue  # that loop has closed; nobody is left to hear


def _settle_all(answers: list[Answer]) -> None:
    for answer in answers:
        answer.settle()
