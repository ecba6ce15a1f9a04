"""Runs plain functions in threads that are kept for the next job.

A thread cannot be ended from outside. When its job is cancelled or out of time, the run is asked
to stop, and the slot waits a moment for it to do so. Then it goes on without it, and the thread,
once its function returns, ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from contextvars import Context
from queue import SimpleQueue
from typing import Any

from onbeat.runtime.run import current_run
from onbeat.runtime.tasks import Definition
from onbeat.runtime.worker.runners.patience import let_stop
from onbeat.runtime.worker.running import Running

PATIENCE = 1.0
"""Seconds that a thread which was asked to stop has to do so, before it is left to itself."""

Call = tuple[Callable[[], Any], asyncio.Future[Any]]


class ThreadRunner:
    """Threads that wait for their next call; as many as calls under way at once."""

    def __init__(self) -> None:
        """Start with none."""
        self._idle: deque[SimpleQueue[Call | None]] = deque()
        self._closed = False

    async def perform(
        self, definition: Definition, running: Running, kwargs: dict[str, Any], context: Context
    ) -> Any:
        """Call the function in a thread; when cancelled, let it stop, or leave it to itself."""
        context.run(current_run.set, running.run)
        arguments = (running.run,) if definition.wants_run else ()
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        inbox = self._idle.pop() if self._idle else self._new_thread()
        inbox.put((lambda: context.run(definition.function, *arguments, **kwargs), future))
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await let_stop(future, PATIENCE)
            raise
        finally:
            if future.cancelled():
                running.is_abandoned = True
                inbox.put(None)
            else:
                self._keep(inbox)

    def close(self) -> None:
        """End the threads that wait."""
        self._closed = True
        while self._idle:
            self._idle.pop().put(None)

    def _keep(self, inbox: SimpleQueue[Call | None]) -> None:
        if self._closed:
            inbox.put(None)
        else:
            self._idle.append(inbox)

    def _new_thread(self) -> SimpleQueue[Call | None]:
        inbox: SimpleQueue[Call | None] = SimpleQueue()
        threading.Thread(target=_serve, args=(inbox,), name="onbeat-job", daemon=True).start()
        return inbox


def _serve(inbox: SimpleQueue[Call | None]) -> None:
    while (call := inbox.get()) is not None:
        function, future = call
        try:
            result, error = function(), None
        except BaseException as raised:
            result, error = None, raised
        # A loop that has closed meanwhile has nobody left who waits for this.
        with contextlib.suppress(RuntimeError):
            future.get_loop().call_soon_threadsafe(_settle, future, result, error)
        del function, future, call, result, error


def _settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    elif isinstance(error, StopIteration):
        future.set_exception(RuntimeError("the task raised StopIteration"))
    else:
        future.set_exception(error)
