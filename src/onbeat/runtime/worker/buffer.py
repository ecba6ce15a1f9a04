"""Claimed jobs on their way to a slot, and slots on their way to a job."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

from onbeat.domain.jobs import ClaimedJob


class Buffer:
    """A line of claimed jobs; slots take from it without touching the event loop if they can."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Start empty, with nobody waiting."""
        self._monotonic = monotonic
        self._put = 0
        self._marks: deque[tuple[int, float]] = deque()
        """How many had been put here at which moment: cheaper than a moment per job."""
        self.jobs: deque[ClaimedJob] = deque()
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._closed = False

    def __len__(self) -> int:
        """How many jobs lie here."""
        return len(self.jobs)

    def put(self, jobs: list[ClaimedJob]) -> None:
        """Add jobs, and wake as many slots as there is work for."""
        taken = self._put - len(self.jobs)
        while self._marks and self._marks[0][0] <= taken:
            self._marks.popleft()
        self.jobs.extend(jobs)
        self._put += len(jobs)
        self._marks.append((self._put, self._monotonic()))
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

    def take_stale(self, seconds: float) -> list[ClaimedJob]:
        """Take out the jobs that have lain here for longer than `seconds`."""
        before = self._monotonic() - seconds
        put = 0
        while self._marks and self._marks[0][1] < before:
            put, _ = self._marks.popleft()
        taken = self._put - len(self.jobs)
        return [self.jobs.popleft() for _ in range(put - taken)]

    def take_those(self, wanted: Callable[[ClaimedJob], bool]) -> list[ClaimedJob]:
        """Take out the jobs that are wanted."""
        taken = [job for job in self.jobs if wanted(job)]
        if taken:
            left = [job for job in self.jobs if not wanted(job)]
            self.jobs.clear()
            self.jobs.extend(left)
            self._put, self._marks = len(left), deque([(len(left), self._monotonic())])
        return taken

    def take_out(self, token: int) -> ClaimedJob | None:
        """Take out the job of that token, if it lies here."""
        for place, job in enumerate(self.jobs):
            if job.token == token:
                del self.jobs[place]
                return job
        return None

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
