"""A worker on a store, and the few verbs the laws are told in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, TypeVar

from onbeat.app.tasks import Task
from onbeat.domain.attempts import Attempt
from onbeat.domain.events import Event
from onbeat.domain.job_filters import JobFilter
from onbeat.domain.jobs import Job, JobId, NewJob
from onbeat.domain.retries import Retry
from onbeat.domain.states import State
from onbeat.domain.workers import Session
from onbeat.runtime.tasks import Definition, Registry, define
from onbeat.runtime.worker.worker import Worker, WorkerOptions
from onbeat.store import history, jobs, listing, workers
from onbeat.store.history import StoredLine
from onbeat.store.store import Store
from tests.waiting import wait_for

E = TypeVar("E")

DEADLINE = 15.0
SHORT = timedelta(milliseconds=100)
"""A timeout, a grace or a heartbeat that a test can wait for."""

ONCE = Retry(1)
AGAIN = Retry(3, base="0s", jitter="none")


class Workshop:
    """Tasks, jobs and workers of one test."""

    def __init__(self, store: Store) -> None:
        """Work on `store`."""
        self.store = store
        self.registry = Registry()
        self.events: list[Event] = []

    def task(self, function: Callable[..., Any] | Task[..., Any, Any], **options: Any) -> str:
        """Register a function; the name of its task."""
        plain = function.function if isinstance(function, Task) else function
        chosen: dict[str, Any] = {
            "name": plain.__name__, "queue": "default", "priority": 5, "timeout": None,
            "retry": ONCE, "isolate": None,
        }  # fmt: skip
        self.registry.add(define(plain, **{**chosen, **options}))
        return plain.__name__ if "name" not in options else str(options["name"])

    def isolated(self, task: Task[..., Any, Any], **options: Any) -> str:
        """Register a task of `isolated.py` to be run in a process of its own."""
        return self.task(task, isolate="process", **options)

    async def enqueue(self, task: str, *args: Any, **fields: Any) -> JobId:
        """Ask for a job."""
        definition = self.registry.get(task)
        attempts = (fields.get("retry") or _retry_of(definition)).attempts
        encoded = b"{}"
        if definition is not None and "args" not in fields:
            encoded = definition.arguments.encode(args, {})
        job = NewJob(
            id=self.store.new_id(),
            task=task,
            **{"args": encoded, "max_attempts": attempts, **fields},
        )
        await self.store.enqueue([job])
        self.store.wakeups.send([job.queue])
        return job.id

    async def show(self, job: JobId) -> Job:
        """The job as it stands."""
        return await self.store.read(lambda connection, now: jobs.find(connection, now, job))

    async def ended(self, job: JobId) -> Job:
        """Wait until the job has ended."""
        return await self.until(job, lambda shown: shown.state.is_final)

    async def stands(self, job: JobId, state: State) -> Job:
        """Wait until the job is in `state`."""
        return await self.until(job, lambda shown: shown.state is state, promote=False)

    async def result(self, job: JobId) -> str | None:
        """The JSON of what the job's last attempt returned."""
        assert (await self.ended(job)).state is State.COMPLETED, await self.attempts(job)
        return (await self.attempts(job))[-1].result

    async def attempts(self, job: JobId) -> Sequence[Attempt]:
        """Its ended attempts."""
        return await self.store.read(
            lambda connection, now: history.list_attempts(connection, now, job)
        )

    async def lines(self, job: JobId, count: int) -> list[StoredLine]:
        """Wait until the job's log has `count` lines."""
        found: list[StoredLine] = []

        async def look() -> bool:
            found[:] = await self.store.read(
                lambda connection, now: history.list_lines(connection, now, job)
            )
            return len(found) >= count

        await wait_for(look, DEADLINE, f"{count} lines")
        return found

    async def cancel(self, job: JobId, reason: str = "by ann") -> None:
        """Call it off, or ask it to stop."""
        await self.store.write(lambda connection, now: jobs.cancel(connection, now, job, reason))

    async def sessions(self) -> list[Session]:
        """All live sessions."""
        return await self.store.read(workers.list_sessions)

    async def leases(self) -> list[Job]:
        """All jobs that run, or are held to be run."""
        running = JobFilter(state=State.RUNNING)
        return await self.store.read(
            lambda connection, now: listing.list_jobs(connection, now, running)
        )

    async def heard(self, kind: type[E]) -> E:
        """Wait for an event of that kind."""

        async def look() -> bool:
            return any(isinstance(each, kind) for each in self.events)

        await wait_for(look, DEADLINE, f"{kind.__name__} among {self.events}")
        return next(each for each in self.events if isinstance(each, kind))

    def worker(self, **options: Any) -> Worker:
        """A worker that is not started yet."""
        chosen = {"slots": 4, "heartbeat": SHORT, "rescue_after": timedelta(seconds=15), **options}
        return Worker(self.store, self.registry, WorkerOptions(**chosen), emit=self.events.append)

    @asynccontextmanager
    async def working(self, **options: Any) -> AsyncIterator[Worker]:
        """A worker at work."""
        worker = self.worker(**options)
        await worker.start()
        try:
            yield worker
        finally:
            async with asyncio.timeout(DEADLINE * 2):
                await worker.stop()

    async def until(
        self, job: JobId, condition: Callable[[Job], bool], *, promote: bool = True
    ) -> Job:
        shown = await self.show(job)

        async def look() -> bool:
            nonlocal shown
            if promote and (await self.store.promote(100)).count:
                self.store.wakeups.deliver_all()
            shown = await self.show(job)
            return condition(shown)

        await wait_for(look, DEADLINE, f"job {job}")
        return shown


def _retry_of(definition: Definition | None) -> Retry:
    return AGAIN if definition is None else definition.retry
