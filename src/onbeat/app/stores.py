"""One store for each event loop that uses the application, opened when first needed.

Database connections belong to the loop that made them; a program may have several loops, one
after the other (`asyncio.run` twice) or side by side (a thread for blocking calls).
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterable
from datetime import datetime

from onbeat.domain.errors import Conflict
from onbeat.store.opening import open_store
from onbeat.store.store import Store
from onbeat.timing import SystemTiming, Timing


class Stores:
    """The open stores of an application, by loop."""

    def __init__(self, url: str, timing: Timing | None = None) -> None:
        """Connect to `url`, later, and live by `timing`; by the machine's own unless given."""
        self.url = url
        self._timing = timing
        self._open: dict[asyncio.AbstractEventLoop, asyncio.Task[Store]] = {}
        self._lock = threading.Lock()
        self._of_parent: list[asyncio.Task[Store]] = []

    def now(self) -> datetime:
        """The moment by what its stores live by, where none need be open to say it."""
        return (self._timing or SystemTiming()).now()

    def move(self, url: str) -> None:
        """Connect to `url` instead, later. Raises Conflict when a store is open already."""
        with self._lock:
            self._forget_closed()
            if self._open:
                raise Conflict("the database is open already; close it before choosing another")
            self.url = url

    async def get(self) -> Store:
        """The store of the running loop. Raises StoreError when it cannot be opened."""
        loop = asyncio.get_running_loop()
        self._refuse_of_parent()
        with self._lock:
            self._forget_closed()
            task = self._open.get(loop)
            if task is None:
                task = self._open[loop] = loop.create_task(_connect(self.url, self._timing))
            elif task.done() and not task.cancelled() and task.exception() is None:
                return task.result()  # as nearly always: to await what is done takes 8 us
        try:
            return await asyncio.shield(task)
        except BaseException:
            with self._lock:
                if task.done():
                    self._open.pop(loop, None)
            raise

    @property
    def is_open(self) -> bool:
        """Whether the running loop has one."""
        return asyncio.get_running_loop() in self._open

    async def close(self) -> None:
        """Close the store of the running loop, if there is one."""
        with self._lock:
            task = self._open.pop(asyncio.get_running_loop(), None)
        if task is not None:
            with contextlib.suppress(Exception):
                await (await task).close()

    def wake(self, topics: Iterable[str]) -> bool:
        """Send a hint through every open store, from any thread; whether there is one."""
        with self._lock:
            stores = [
                (loop, task.result())
                for loop, task in self._open.items()
                if task.done() and not task.cancelled() and task.exception() is None
            ]
        for loop, store in stores:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(store.wakeups.send, frozenset(topics))
        return bool(stores)

    def forget(self) -> None:
        """Have none: in a forked child the open ones are the parent's, and must not even be closed.

        SQLite keeps for each process which locks it holds; the child would believe that it holds
        its parent's (sqlite.org/howtocorrupt.html, 2.6). On PostgreSQL the child connects anew.
        """
        self._of_parent = [*self._of_parent, *self._open.values()]
        self._open = {}
        self._lock = threading.Lock()

    def _refuse_of_parent(self) -> None:
        if self._of_parent and self.url.startswith("sqlite"):
            raise Conflict(
                "the SQLite database was open when this process was forked, which it does not "
                "survive; call ob.close_blocking() before the fork, or start processes by spawn"
            )

    def _forget_closed(self) -> None:
        for loop in [each for each in self._open if each.is_closed()]:
            del self._open[loop]


async def _connect(url: str, timing: Timing | None) -> Store:
    store = open_store(url, timing=timing)
    try:
        await store.open()
        await store.listen()
    except BaseException:
        await store.close()
        raise
    return store
