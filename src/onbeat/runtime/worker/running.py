"""A job that runs now, and why it is being ended, if it is."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from enum import Enum

from onbeat.domain.outcomes import Cancelled, Interrupted, Outcome, TimedOut
from onbeat.runtime.run import Run


class Ending(Enum):
    """Why a running job is ended from outside."""

    TIMEOUT = "timeout"
    STOP = "stop"
    SHUTDOWN = "shutdown"
    LOST = "lost"


CANCEL_AGAIN_AFTER = 5.0
"""Seconds a job that was cancelled is left to clean up; one that has swallowed it is cancelled
again."""


class Running:
    """One execution under way in a slot."""

    __slots__ = (
        "_again_at", "_began", "_cancels", "_first_at", "ending", "is_abandoned",
        "is_given_up", "run", "task", "timeout",
    )  # fmt: skip

    def __init__(
        self, run: Run, timeout: timedelta | None, task: asyncio.Task[None] | None
    ) -> None:
        """Begin in the slot whose task is `task`."""
        self.run = run
        self.timeout = timeout
        self.task = task
        self.ending: Ending | None = None
        self._began = time.monotonic()
        self._again_at = 0.0
        self._first_at: float | None = None
        self._cancels = 0
        self.is_given_up = False
        """Whether its outcome was decided although it goes on: nobody waits for it any longer."""
        self.is_abandoned = False
        """Whether its work goes on although its slot does not wait for it: a thread."""

    @property
    def age(self) -> timedelta:
        """How long ago it began."""
        return timedelta(seconds=time.monotonic() - self._began)

    def is_overdue(self, monotonic: float) -> bool:
        """Whether it has run past its timeout."""
        return self.run.deadline is not None and monotonic > self.run.deadline

    def end(self, why: Ending, reason: str) -> None:
        """Ask the run to stop, cancel what waits for it; a process is killed by its runner.

        Asked again, which callers do as long as it runs, it does not disturb the job's clean-up.
        """
        if self.ending is None:
            self.ending = why
            self.run.ask_to_stop(reason, why.value)
        if self.task is None or self.is_given_up:
            return
        now = self.task.get_loop().time()
        if now >= self._again_at:
            self._again_at = now + CANCEL_AGAIN_AFTER
            self._first_at = self._first_at or now
            self._cancels += 1
            self.task.cancel(reason)

    def is_stubborn(self, after: float) -> bool:
        """Whether it goes on although it was cancelled `after` seconds ago."""
        if self.task is None or self._first_at is None or self.is_given_up:
            return False
        return self.task.get_loop().time() - self._first_at >= after

    def settle(self) -> None:
        """Take back the cancels: they were the job's, and its slot goes on to another."""
        while self.task is not None and self._cancels:
            self._cancels -= 1
            self.task.uncancel()


def outcome_of_ending(running: Running, why: Ending, *, abandoned: bool) -> Outcome:
    """What a job that was ended for `why` ended in; `abandoned` where its work may go on."""
    match why:
        case Ending.TIMEOUT:
            return TimedOut(running.timeout or timedelta(), abandoned)
        case Ending.STOP:
            return Cancelled(running.run.stop_reason or "asked to stop", abandoned)
        case Ending.SHUTDOWN:
            return Interrupted(abandoned=abandoned)
        case Ending.LOST:
            return Interrupted("its session was lost", abandoned)
