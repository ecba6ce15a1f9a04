"""The application's tasks as the kit runs them: witnessed, and as long as the test says."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from onbeat.domain.outcomes import Cancel, Snooze
from onbeat.runtime.run import current_run
from onbeat.runtime.tasks import Definition, Registry, RunsIn
from onbeat.testing.clock import VirtualClock, settle

NOT_AN_ERROR = (Snooze, Cancel, asyncio.CancelledError)
"""How a job ends itself, or is ended."""


class Rehearsal(Registry):
    """The tasks of another registry, also those that are added to it later.

    A task of `isolate="process"` is found by its own process, and so runs as it is.
    """

    def __init__(self, tasks: Registry, clock: VirtualClock, told: Callable[[], None]) -> None:
        """Run `tasks` by `clock`; `told` is called when a job begins to wait for it."""
        super().__init__()
        self._tasks = tasks
        self._clock = clock
        self._told = told
        self._ready: dict[str, tuple[Definition, Definition]] = {}
        self.durations: dict[str, timedelta] = {}
        """How long jobs of a task take in virtual time, after their function has returned."""
        self.errors: list[tuple[str, int, Exception]] = []
        """What the functions raised: task, attempt, error."""
        self._wakers: dict[int, Callable[[], None]] = {}
        """What wakes the jobs that wait for the clock, by token."""

    def get(self, name: str) -> Definition | None:
        """The task of that name, witnessed."""
        definition = self._tasks.get(name)
        if definition is None or definition.runs_in is RunsIn.PROCESS:
            return definition
        known = self._ready.get(name)
        if known is None or known[0] is not definition:
            known = self._ready[name] = (definition, self._rehearsed(definition))
        return known[1]

    def __iter__(self) -> Iterator[Definition]:
        """All tasks in order of name."""
        return iter(self._tasks)

    def wake_all(self) -> None:
        """Let nothing wait any longer: a thread that did would never end."""
        self.durations.clear()
        for wake in list(self._wakers.values()):
            wake()

    @property
    def asleep(self) -> set[int]:
        """The tokens of the jobs that wait for the clock."""
        return set(self._wakers)

    def wakes_at(self) -> datetime | None:
        """When the first of them has waited long enough."""
        ends = [self._clock.ends_at(token) for token in list(self._wakers)]
        return min((at for at in ends if at is not None), default=None)

    def _rehearsed(self, definition: Definition) -> Definition:
        function = definition.function

        @functools.wraps(function)
        async def in_coroutine(*args: Any, **kwargs: Any) -> Any:
            with self._witness(definition.name):
                result = await function(*args, **kwargs)
                await self._take_time(definition.name)
                return result

        @functools.wraps(function)
        def in_thread(*args: Any, **kwargs: Any) -> Any:
            with self._witness(definition.name):
                result = function(*args, **kwargs)
                self._take_time_in_thread(definition.name)
                return result

        is_coroutine = definition.runs_in is RunsIn.COROUTINE
        return replace(definition, function=in_coroutine if is_coroutine else in_thread)

    @contextmanager
    def _witness(self, task: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            run = current_run.get()
            if not isinstance(error, NOT_AN_ERROR):
                self.errors.append((task, 0 if run is None else run.attempt, error))
            raise

    async def _take_time(self, task: str) -> None:
        loop = asyncio.get_running_loop()
        over = loop.create_future()
        with self._asleep(task, lambda: loop.call_soon_threadsafe(settle, over)) as is_asleep:
            if is_asleep:
                await over

    def _take_time_in_thread(self, task: str) -> None:
        over = threading.Event()
        with self._asleep(task, over.set) as is_asleep:
            if is_asleep:
                over.wait()

    @contextmanager
    def _asleep(self, task: str, wake: Callable[[], object]) -> Iterator[bool]:
        duration, run = self.durations.get(task), current_run.get()
        if duration is None or run is None:
            yield False
            return
        token = run.token

        def wake_up() -> None:
            if self._wakers.pop(token, None) is not None:
                wake()

        self._wakers[token] = wake_up
        self._clock.begin_sleep(token, duration.total_seconds(), wake_up)
        self._told()
        try:
            yield True
        finally:
            self._clock.end_sleep(token)
            self._wakers.pop(token, None)
