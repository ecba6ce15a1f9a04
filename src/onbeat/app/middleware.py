"""What an application runs around every enqueue and every run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from onbeat.domain.errors import InvalidInput
from onbeat.domain.jobs import JobId
from onbeat.runtime.run import Run
from onbeat.runtime.tasks import Proceed

if TYPE_CHECKING:
    from onbeat.app.calls import Call

R = TypeVar("R")


class Middleware:
    """Runs around every enqueue and every run; override what is wanted. See `Onbeat.middleware`."""

    async def enqueue(self, call: Call[R]) -> Call[R]:
        """Give the call that is to be stored: as it came, or with other options (`call.opts(…)`).

        What it raises is raised where the job was asked for, and nothing is stored. It is not asked
        for jobs that schedules make.
        """
        return call

    async def enqueue_many(self, calls: list[Call[R]]) -> list[Call[R]]:
        """The same for all that is asked for at once: by `enqueue` one by one, unless overridden.

        Give as many, in their order.
        """
        return [await self.enqueue(call) for call in calls]

    async def run(self, run: Run, proceed: Proceed) -> Any:
        """Run the task with `await proceed()`, and give its result, or what is to be in its place.

        `proceed` raises what the task raises. What this raises is the outcome of the attempt, as if
        the task had raised it. What it sets in a ContextVar before, the task sees, unless that runs
        in a process of its own.
        """
        return await proceed()


async def before_enqueue(
    middleware: Sequence[Middleware], calls: list[Call[R]], ids: Sequence[JobId]
) -> list[Call[R]]:
    """The calls that are to be stored, after all middleware has seen them, the first of it first.

    Their jobs will have these `ids`. Raises what middleware raises, and InvalidInput where it gives
    no call of the same task.
    """
    seen = [call.identified(job) for call, job in zip(calls, ids, strict=True)]
    for each in middleware:
        changed = await each.enqueue_many(seen)
        if len(changed) != len(seen):
            told = f"{_name(each)}.enqueue_many gave {len(changed)} of {len(seen)}; return all"
            raise InvalidInput("middleware", told)
        seen = [_same_job(each, *both) for both in zip(seen, changed, strict=True)]
    return seen


def _same_job(by: Middleware, call: Call[R], changed: Call[R]) -> Call[R]:
    """What the middleware made of a call, as that of the job that it was."""
    if type(changed) is not type(call) or changed.definition is not call.definition:
        # Not the value itself: it may be the arguments, and those may be secret.
        gave = "another task's call" if type(changed) is type(call) else type(changed).__name__
        told = f"{_name(by)}.enqueue gave {gave}; return the call, or call.opts(…)"
        raise InvalidInput("middleware", told)
    return changed if changed.job == call.job or call.job is None else changed.identified(call.job)


def _name(of: Middleware) -> str:
    return type(of).__name__
