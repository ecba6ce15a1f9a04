"""Commands on jobs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec

from onbeat.app.calls import Call, Options, enqueue_calls
from onbeat.app.context import Context
from onbeat.app.handles import JobHandle
from onbeat.domain.attempts import Attempt
from onbeat.domain.errors import InvalidArguments
from onbeat.domain.jobs import Job, JobId, parse_job_id
from onbeat.domain.reasons import Reason
from onbeat.domain.states import State
from onbeat.runtime.shell import shell_definition
from onbeat.runtime.tasks import SHELL, unknown_task
from onbeat.store import history
from onbeat.store import jobs as stored
from onbeat.store import why as store_why
from onbeat.store.history import StoredLine
from onbeat.store.jobs import JobFilter


class Jobs:
    """`ob.jobs`: find, list, cancel, run again."""

    def __init__(self, context: Context) -> None:
        """Made by the application."""
        self._context = context

    async def find(self, job: str) -> Job:
        """The job of that id and where it stands. Raises NotFound."""
        wanted = parse_job_id(job)
        return await self._context.read(
            lambda connection, now: stored.find(connection, now, wanted)
        )

    async def list(self, wanted: JobFilter | None = None) -> Sequence[Job]:
        """Jobs, the newest first, a page at a time."""
        return await self._context.read(
            lambda connection, now: stored.list_jobs(connection, now, wanted or JobFilter())
        )

    async def why(self, job: str) -> Sequence[Reason]:
        """Why it does not run: what holds it, and what would change that; empty when nothing does.

        Raises NotFound.
        """
        wanted = parse_job_id(job)
        return (await self._context.read(partial(store_why.of_job, job=wanted)))[1]

    async def attempts(self, job: str) -> Sequence[Attempt]:
        """The job's ended attempts, oldest first."""
        wanted = parse_job_id(job)
        return await self._context.read(
            lambda connection, now: history.list_attempts(connection, now, wanted)
        )

    async def log(self, job: str) -> Sequence[StoredLine]:
        """The lines the job wrote, attempt after attempt."""
        wanted = parse_job_id(job)
        return await self._context.read(
            lambda connection, now: history.list_lines(connection, now, wanted)
        )

    async def cancel(self, job: str, reason: str = "cancelled") -> State:
        """Call a waiting job off, or ask a running one to stop. Raises NotFound, Conflict."""
        wanted = parse_job_id(job)
        return await self._context.write(
            lambda connection, now: stored.cancel(connection, now, wanted, reason)
        )

    async def retry(self, job: str) -> None:
        """Run an ended job again, or a waiting one at once. Raises NotFound, Conflict."""
        wanted = parse_job_id(job)
        queue = await self._context.write(
            lambda connection, now: stored.run_again(connection, now, wanted)
        )
        (await self._context.store()).wakeups.send([queue])

    async def enqueue(
        self,
        task: str,
        args: str = "{}",
        options: Options | None = None,
        *,
        must_be_known: bool = True,
    ) -> JobHandle[Any]:
        """Ask for a job by the task's name, its arguments a JSON object.

        Raises UnknownTask; with `must_be_known` false the job is left to a worker that knows it,
        with queue, priority and attempts as of a task that says nothing of them, unless `options`
        do. The built-in task `shell` is known even then.
        """
        call = self.bind(task, args, options, must_be_known=must_be_known)
        return (await enqueue_calls(self._context, [call]))[0]

    def bind(
        self,
        task: str,
        args: str = "{}",
        options: Options | None = None,
        *,
        must_be_known: bool = True,
    ) -> Call[Any]:
        """The call that `enqueue` makes, for schedules. Raises UnknownTask, InvalidArguments."""
        registry = self._context.registry
        definition = registry.find(task) if must_be_known else registry.get(task)
        if definition is None and task == SHELL:
            definition = shell_definition()
        if definition is None:
            return Call(unknown_task(task), _read_object(args), options or Options())
        encoded = definition.arguments.encode((), msgspec.json.decode(_read_object(args)))
        return Call(definition, encoded, options or Options())

    def handle(self, job: str, task: str) -> JobHandle[Any]:
        """A handle on a job that was enqueued elsewhere."""
        definition = self._context.registry.get(task) or unknown_task(task)
        return JobHandle(self._context, JobId(parse_job_id(job)), definition)


_OBJECT = 'give a JSON object of arguments by name, as {"id": 1}'


def _read_object(text: str) -> bytes:
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise InvalidArguments("args", f"it is not JSON: {error}; {_OBJECT}") from None
    if not isinstance(value, dict):
        raise InvalidArguments("args", _OBJECT)
    return msgspec.json.encode(value)
