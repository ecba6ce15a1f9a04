"""Claimed jobs on their way to a slot, and slots on their way to a job."""

from __future__ import annotations

import asyncio
from collections import deque

from onbeat.domain.jobs import ClaimedJob


class Buffer:
    """A line of claimed jobs; slots take from it without touching the event loop if they can."""

    def __init__(self) -> None:
        """Start empty, with nobody waiting."""
        self.jobs: deque[ClaimedJob] = deque()
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._closed = False

    def __len__(self) -> int:
        """How many jobs lie here."""
        return len(self.jobs)

    def put(self, jobs: list[ClaimedJob]) -> None:
        """Add jobs, and wake as many slots as there is work for."""
        self.jobs.extend(jobs)
        for _ in range(len(jobs)):
            if not self._wake_one():
                return

    def next(self) -> ClaimedJob | None:
        """The next job, if one lies here."""
        return self.jobs.popleft() if self.jobs else None

    async def take(self) -> ClaimedJob | None:
        """The next job; None when the buffer was closed and is empty."""
        while not self.jobs:
            if self._closed:
                return None
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            await waiter
        return self.jobs.popleft()

    def close(self) -> list[ClaimedJob]:
        """Let the slots end; the jobs that were not begun."""
        self._closed = True
        left = list(self.jobs)
        self.jobs.clear()
        while self._wake_one():
            pass
        return left

    def _wake_one(self) -> bool:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return True
        return False
