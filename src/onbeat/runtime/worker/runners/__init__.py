"""How a task's function is run: as a coroutine, in a thread, or in a process of its own."""

from __future__ import annotations

from collections.abc import Awaitable
from contextvars import Context
from typing import Any

from onbeat.runtime.tasks import Definition, RunsIn
from onbeat.runtime.worker.runners.coroutine import run_coroutine
from onbeat.runtime.worker.runners.process import ProcessRunner
from onbeat.runtime.worker.runners.thread import ThreadRunner
from onbeat.runtime.worker.running import Running
from onbeat.timing import Timing

__all__ = ["Runners"]


class Runners:
    """The three ways, chosen by the task."""

    def __init__(self, timing: Timing) -> None:
        """Threads and processes are made when they are first needed; jobs live by `timing`."""
        self._threads = ThreadRunner()
        self._processes = ProcessRunner(timing)

    def perform(
        self, definition: Definition, running: Running, kwargs: dict[str, Any], context: Context
    ) -> Awaitable[Any]:
        """Call the function in `context`, and give what it returns."""
        match definition.runs_in:
            case RunsIn.COROUTINE:
                return run_coroutine(definition, running.run, kwargs, context)
            case RunsIn.THREAD:
                return self._threads.perform(definition, running, kwargs, context)
            case RunsIn.PROCESS:
                return self._processes.perform(definition, running, kwargs)

    async def close(self) -> None:
        """End idle threads and all processes."""
        self._threads.close()
        await self._processes.close()
