"""Services whose steps a test can see and steer."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from onbeat.domain.events import Event, ServiceChanged
from onbeat.domain.services import Status
from onbeat.runtime.service import FOREVER, PeriodicService, Service

DEADLINE = 10.0
"""Seconds after which a test that waits has failed."""


async def within_deadline(work: Awaitable[Any]) -> Any:
    """Await `work`; a test never hangs on it."""
    async with asyncio.timeout(DEADLINE):
        return await work


class Steps:
    """How often something has happened, to be waited for."""

    def __init__(self) -> None:
        """Start at none."""
        self.count = 0
        self._more = asyncio.Condition()

    async def add(self) -> None:
        """One more."""
        async with self._more:
            self.count += 1
            self._more.notify_all()

    async def reach(self, count: int) -> None:
        """Wait until there are `count`."""
        async with asyncio.timeout(DEADLINE), self._more:
            await self._more.wait_for(lambda: self.count >= count)


class Told:
    """Listens to events and keeps the statuses of a service in order."""

    def __init__(self) -> None:
        """Start having heard nothing."""
        self.events: list[Event] = []
        self._heard = asyncio.Event()

    def __call__(self, event: Event) -> None:
        """Hear one."""
        self.events.append(event)
        self._heard.set()

    @property
    def statuses(self) -> list[Status]:
        """All statuses so far."""
        return [each.status for each in self.events if isinstance(each, ServiceChanged)]

    async def hear(self, status: Status, times: int = 1) -> None:
        """Wait until the service was in `status` that often."""
        async with asyncio.timeout(DEADLINE):
            while self.statuses.count(status) < times:
                self._heard.clear()
                await self._heard.wait()


Act = Callable[[], Awaitable[float]]


class Scripted(Service):
    """Does what its script says, a step each; then it rests for good."""

    def __init__(self, *acts: Act | Exception | float, **options: Any) -> None:
        """Follow `acts`: a number rests so long, an error is raised, a function is awaited."""
        super().__init__(**{"id": "scripted", **options})
        self.acts = deque(acts)
        self.set_up_acts: deque[Exception] = deque()
        self.steps = Steps()
        self.set_ups = 0
        self.clean_ups = 0

    async def set_up(self) -> None:
        """Fail as long as there are failures left."""
        self.set_ups += 1
        if self.set_up_acts:
            raise self.set_up_acts.popleft()

    async def clean_up(self) -> None:
        """Count."""
        self.clean_ups += 1

    async def step(self) -> float:
        """Do the next act."""
        await self.steps.add()
        if not self.acts:
            return FOREVER
        act = self.acts.popleft()
        if isinstance(act, Exception):
            raise act
        return act if isinstance(act, float) else await act()


class Diary(PeriodicService):
    """Notes when it worked; fails as often as it is told to."""

    def __init__(self, **options: Any) -> None:
        """Begin with a blank page."""
        super().__init__(**{"id": "diary", **options})
        self.worked: list[Any] = []
        self.failures_left = 0
        self.steps = Steps()

    async def run_once(self) -> None:
        """Note the moment, and fail if that is asked for."""
        self.worked.append(self.timing.now())
        if self.failures_left:
            self.failures_left -= 1
            raise RuntimeError("the page is torn")

    async def step(self) -> float:
        """Count the looks, when they are over."""
        try:
            return await super().step()
        finally:
            await self.steps.add()


SECOND = timedelta(seconds=1)
