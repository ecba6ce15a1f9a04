"""A job somebody holds on to: look at it, wait for it, cancel it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from onbeat.domain.attempts import Attempt
from onbeat.domain.durations import read_duration
from onbeat.domain.errors import JobFailed
from onbeat.domain.jobs import Job, JobId
from onbeat.domain.regions import route_text
from onbeat.domain.states import State
from onbeat.runtime.tasks import Definition
from onbeat.store import history
from onbeat.store import jobs as stored
from onbeat.timing import within

if TYPE_CHECKING:
    from onbeat.app.context import Context

R = TypeVar("R")

FIRST_LOOK = 0.02
LAST_LOOK = 0.5
"""Seconds between looks at a job that is waited for: doubling from the one to the other."""


class JobHandle(Generic[R]):
    """One job of a task that returns `R`."""

    __slots__ = ("_context", "_definition", "_route", "id", "is_new", "queue")

    def __init__(
        self,
        context: Context,
        job: JobId,
        definition: Definition,
        *,
        is_new: bool = True,
        queue: str | None = None,
        route: bytes | None = None,
    ) -> None:
        """Made by the verbs that enqueue."""
        self._context = context
        self._definition = definition
        self.id = job
        self.is_new = is_new
        """Whether the job was made for this call; not where another has its unique key, which this
        handle is then of.
        """
        self.queue = queue
        """The queue the job was put in (it may be moved later); None where it was there already."""
        self._route = route

    def __repr__(self) -> str:
        """Show task and id."""
        return f"<JobHandle {self._definition.name} {self.id}>"

    @property
    def route(self) -> str | None:
        """Where the job was wanted, where it was sent and why, as `onbeat jobs show` says it; None
        where regions have no say, and where it was there already.
        """
        return None if self._route is None else route_text(self._route.decode())

    async def show(self) -> Job:
        """The job as it stands now. Raises NotFound (within: before the caller commits)."""
        return await self._context.read(
            lambda connection, now: stored.find(connection, now, self.id)
        )

    async def cancel(self, reason: str = "cancelled") -> State:
        """Call it off, or ask it to stop if it runs. Raises Conflict when it has ended."""
        return await self._context.write(
            lambda connection, now: stored.cancel(connection, now, self.id, reason)
        )

    async def result(self, timeout: str | timedelta | None = None) -> R:  # noqa: ASYNC109 - durations as text
        """Wait until the job ends, and return what its task returned.

        Raises JobFailed when it failed or was cancelled, TimeoutError when `timeout` is over,
        which tells where the job stood; the job itself goes on then.
        """
        job = await self._ended(_seconds(timeout))
        attempt = await self._context.read(
            lambda connection, now: history.result_of(connection, now, self.id)
        )
        if job.state is not State.COMPLETED:
            raise JobFailed(f"job {self.id} {job.state}: {job.reason or 'no reason given'}")
        value: R = self._read(attempt)
        return value

    def result_blocking(self, timeout: str | timedelta | None = None) -> R:
        """The same from code without an event loop."""
        return self._context.block(lambda: self.result(timeout))

    def show_blocking(self) -> Job:
        """`show` from code without an event loop."""
        return self._context.block(self.show)

    def cancel_blocking(self, reason: str = "cancelled") -> State:
        """`cancel` from code without an event loop."""
        return self._context.block(lambda: self.cancel(reason))

    async def _ended(self, seconds: float | None) -> Job:
        look, stood = FIRST_LOOK, ""
        try:
            async with within(seconds) as limit:
                timing = (await self._context.store()).timing
                while not (job := await self.show()).state.is_final:
                    stood = f": it is {job.state}"
                    await timing.wait(asyncio.Event(), look)
                    look = min(look * 2, LAST_LOOK)
                return job
        except TimeoutError:
            if not limit.expired():
                raise
            told = f"job {self.id} has not ended within {seconds:g} s{stood}"
            raise TimeoutError(told) from None

    def _read(self, attempt: Attempt | None) -> Any:
        if attempt is None or attempt.result is None:
            return None
        return self._definition.read_result(attempt.result)


def _seconds(timeout: str | timedelta | None) -> float | None:
    return None if timeout is None else read_duration(timeout, "timeout").total_seconds()
