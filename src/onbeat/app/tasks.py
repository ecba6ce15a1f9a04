"""Tasks as users declare and call them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, Unpack, overload

from onbeat.app.bound import Bound
from onbeat.app.breakers import Breakers, read_breakers
from onbeat.app.calls import Call
from onbeat.app.handles import JobHandle
from onbeat.app.options import (
    JobOptions,
    Limits,
    read_limits,
    read_start_within,
    read_timeout,
)
from onbeat.app.sending import check_region
from onbeat.domain.errors import InvalidTask
from onbeat.domain.jobs import DEFAULT_PRIORITY, DEFAULT_QUEUE
from onbeat.domain.marks import check_tags
from onbeat.domain.retention import Keep
from onbeat.domain.retries import Retry
from onbeat.domain.uniqueness import Unique
from onbeat.runtime.run import Run
from onbeat.runtime.tasks import Definition, define

if TYPE_CHECKING:
    from onbeat.app.context import Context

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])


class Task(Generic[P, R, F]):
    """A function that can be called as before, and enqueued.

    `P` are its parameters without the run, `R` is what it returns, `F` is the function itself.
    """

    def __init__(self, context: Context, definition: Definition, function: F) -> None:
        """Made by `Onbeat.task`."""
        self._context = context
        self.definition = definition
        self.function = function
        self.__name__ = function.__name__
        self.__qualname__ = function.__qualname__
        self.__module__ = function.__module__
        self.__doc__ = function.__doc__
        self._plain: Bound[P, R] = Bound(context, definition)

    @property
    def __call__(self) -> F:
        """Call the function itself, here and now, without a job."""
        return self.function

    @property
    def name(self) -> str:
        """The name its jobs carry."""
        return self.definition.name

    def __repr__(self) -> str:
        """Show the name."""
        return f"<Task {self.name}>"

    async def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> JobHandle[R]:
        """Ask for a job with these arguments; it is stored when this returns.

        Raises InvalidArguments for arguments that do not fit, StoreError when it was not stored.
        """
        return await self._bound().enqueue(*args, **kwargs)

    def enqueue_blocking(self, *args: P.args, **kwargs: P.kwargs) -> JobHandle[R]:
        """The same from code without an event loop; one that runs is held up meanwhile."""
        return self._bound().enqueue_blocking(*args, **kwargs)

    def bind(self, *args: P.args, **kwargs: P.kwargs) -> Call[R]:
        """The call with these arguments, for `enqueue_many` and for schedules."""
        return self._bound().bind(*args, **kwargs)

    def opts(self, **options: Unpack[JobOptions]) -> Bound[P, R]:
        """The task with other options for its next calls; see JobOptions. Raises InvalidInput."""
        return self._bound().opts(**options)

    def within(self, transaction: object) -> Bound[P, R]:
        """The task, enqueued inside the caller's own transaction; see `Bound.within`."""
        return self._bound().within(transaction)

    def _bound(self) -> Bound[P, R]:
        return self._plain


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOptions:
    """What a task is declared with; `name` None stands for the function's own."""

    name: str | None = None
    queue: str = DEFAULT_QUEUE
    priority: int = DEFAULT_PRIORITY
    timeout: str | timedelta | None = None
    retry: Retry | None = None
    isolate: str | None = None
    limits: Limits = None
    breakers: Breakers = None
    aliases: Sequence[str] = ()
    region: str | None = None
    keep: Keep | None = None
    unique: Unique | None = None
    start_within: str | timedelta | None = None
    tags: Sequence[str] = ()
    for_users: bool = False
    objective: float | str | None = None


def _refuse_unknown(given: Iterable[str]) -> None:
    known = tuple(TaskOptions.__dataclass_fields__)
    for name in given:
        if name in known:
            continue
        if name in JobOptions.__annotations__:
            told = f"a call has it, a task has not; give task.opts({name}=…)"
            raise InvalidTask(name, told)
        close = get_close_matches(name, known, n=1)
        meant = f"is {close[0]} meant?" if close else f"give one of {', '.join(known)}"
        raise InvalidTask(name, f"a task has no such option; {meant}")


class TaskDecorator:
    """Makes a function a task. Four shapes: with a run or without, `async def` or `def`."""

    def __init__(
        self,
        context: Context,
        options: TaskOptions | None = None,
        *,
        keep: Callable[[str, str, Keep | None], None],
        aim: Callable[[str, str, float | str | None], None],
        serve_users: Callable[[], None],
    ) -> None:
        """Register tasks in `context`; `keep` is told what is kept of whose jobs, `aim` which part
        of whose is to complete, and `serve_users` is called where users may schedule one.
        """
        self._keep = keep
        self._aim = aim
        self._serve_users = serve_users
        self._context = context
        self._options = options or TaskOptions()

    @overload
    def __call__(  # type: ignore[overload-overlap] # the first that fits is meant, in this order
        self, function: Callable[Concatenate[Run, P], Coroutine[Any, Any, R]], /
    ) -> Task[P, R, Callable[Concatenate[Run, P], Coroutine[Any, Any, R]]]: ...
    @overload
    def __call__(
        self, function: Callable[Concatenate[Run, P], R], /
    ) -> Task[P, R, Callable[Concatenate[Run, P], R]]: ...
    @overload
    def __call__(
        self, function: Callable[P, Coroutine[Any, Any, R]], /
    ) -> Task[P, R, Callable[P, Coroutine[Any, Any, R]]]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> Task[P, R, Callable[P, R]]: ...
    @overload
    def __call__(
        self,
        *,
        name: str | None = None,
        queue: str = DEFAULT_QUEUE,
        priority: int = DEFAULT_PRIORITY,
        timeout: str | timedelta | None = None,
        retry: Retry | None = None,
        isolate: str | None = None,
        limits: Limits = None,
        breakers: Breakers = None,
        aliases: Sequence[str] = (),
        region: str | None = None,
        keep: Keep | None = None,
        unique: Unique | None = None,
        start_within: str | timedelta | None = None,
        tags: Sequence[str] = (),
        for_users: bool = False,
        objective: float | str | None = None,
    ) -> TaskDecorator: ...

    def __call__(self, *function: Any, **options: Any) -> Any:
        """Make the task; without a function, take options for the one that follows.

        `isolate="process"` runs it in a process of its own, which a timeout can kill. `aliases` are
        names it had before: jobs and schedules stored under them are run by it. `unique` says which
        of its jobs are the same, of which there is then one. A job that has not begun
        `start_within` the time after it might is called off. Its jobs can be found by its `tags`.
        One `for_users` may be scheduled by users through the API, each for themselves: its argument
        `user_id`, or `userId`, is whose the job is. `objective` is which part of its jobs is to
        complete, 0.999 or "99.9% over 7d".
        Raises InvalidTask, InvalidInput.
        """
        if not function:
            _refuse_unknown(options)
            return TaskDecorator(
                self._context, TaskOptions(**options), keep=self._keep, aim=self._aim,
                serve_users=self._serve_users,
            )  # fmt: skip
        return self._make(*function)

    def _make(self, function: Callable[..., Any]) -> Task[..., Any, Any]:
        if not callable(function):
            raise InvalidTask(
                "task", f"{function!r} is not a function; options have names, as in "
                "@ob.task(name=…, queue=…)",
            )  # fmt: skip
        options = self._options
        check_region(self._context, options.region)
        definition = define(
            function,
            name=function.__name__ if options.name is None else options.name,
            queue=options.queue,
            priority=options.priority,
            timeout=read_timeout(options.timeout),
            retry=Retry() if options.retry is None else options.retry,
            isolate=options.isolate,
            limits=read_limits(options.limits),
            breakers=read_breakers(options.breakers),
            aliases=options.aliases,
            max_payload=self._context.max_payload,
            unique=options.unique,
            start_within=read_start_within(options.start_within),
            tags=check_tags(options.tags),
            for_users=options.for_users,
        )
        if options.region is not None:
            definition = replace(definition, region=options.region)
        self._keep("task", definition.name, options.keep)
        self._aim("task", definition.name, options.objective)
        self._context.registry.add(definition)
        if definition.for_users:
            self._serve_users()
        return Task(self._context, definition, function)
