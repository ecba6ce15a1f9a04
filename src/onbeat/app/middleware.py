"""What an application runs around every enqueue and every run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from onbeat.domain.errors import InvalidInput
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

    async def run(self, run: Run, proceed: Proceed) -> Any:
        """Run the task with `await proceed()`, and give its result, or what is to be in its place.

        `proceed` raises what the task raises. What this raises is the outcome of the attempt, as if
        the task had raised it. What it sets in a ContextVar before, the task sees, unless that runs
        in a process of its own.
        """
        return await proceed()


async def before_enqueue(middleware: Sequence[Middleware], calls: list[Call[R]]) -> list[Call[R]]:
    """The calls that are to be stored, after all middleware has seen them, the first of it first.

    Raises what it raises, and InvalidInput where it gives no call of the same task.
    """
    return [await _before(middleware, call) for call in calls]


async def _before(middleware: Sequence[Middleware], call: Call[R]) -> Call[R]:
    for each in middleware:
        changed = await each.enqueue(call)
        if type(changed) is not type(call) or changed.definition is not call.definition:
            name = type(each).__name__
            # Not the value itself: it may be the arguments, and those may be secret.
            gave = "another task's call" if type(changed) is type(call) else type(changed).__name__
            told = f"{name}.enqueue gave {gave}; return the call, or call.opts(…)"
            raise InvalidInput("middleware", told)
        call = changed
    return call
