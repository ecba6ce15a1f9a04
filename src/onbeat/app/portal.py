"""A thread with an event loop, for calls from code that has none: the same verbs, blocking."""

from __future__ import annotations

import asyncio
import atexit
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Portal:
    """Runs coroutines on a loop of its own, started with the first and ended with the program."""

    def __init__(self, at_end: Callable[[], Awaitable[None]]) -> None:
        """Await `at_end` on the loop before it is closed."""
        self._at_end = at_end
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run `work` there and wait for what it gives."""
        return asyncio.run_coroutine_threadsafe(work(), self._started()).result()

    def close(self) -> None:
        """End the loop and its thread."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None:
            return
        asyncio.run_coroutine_threadsafe(_await(self._at_end), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        atexit.unregister(self.close)

    def forget(self) -> None:
        """Have none: in a forked child the thread is not there, and the lock may be held for good.

        Otherwise the first call in the child would wait for ever.
        """
        self._loop = self._thread = None
        self._lock = threading.Lock()

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=_serve, args=(self._loop,), name="onbeat-portal", daemon=True
                )
                self._thread.start()
                atexit.register(self.close)
            return self._loop


async def _await(at_end: Callable[[], Awaitable[None]]) -> None:
    await at_end()


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.run_until_complete(_end_tasks())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


async def _end_tasks() -> None:
    """Cancel what still runs, and let it end; as `asyncio.run` does."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
