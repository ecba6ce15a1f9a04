"""A task with the options of its next calls, which makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, Unpack

from onbeat.app.calls import Call
from onbeat.app.enqueueing import (
    Guest,
    enqueue_calls,
    enqueue_calls_within,
    enqueue_calls_within_async,
)
from onbeat.app.handles import JobHandle
from onbeat.app.options import PLAIN, JobOptions, Options, change_options
from onbeat.app.results import results_among
from onbeat.app.sending import check_region
from onbeat.domain.errors import InvalidArguments
from onbeat.runtime.tasks import Definition
from onbeat.store.guests.recognition import guest_of
from onbeat.store.sqlite.guests import refuse_inside_open_write

if TYPE_CHECKING:
    from onbeat.app.context import Context

P = ParamSpec("P")
R = TypeVar("R")


class Bound(Generic[P, R]):
    """A task with options for its next calls, and perhaps a transaction of the caller's."""

    __slots__ = ("_context", "_definition", "_guest", "_options")

    def __init__(
        self,
        context: Context,
        definition: Definition,
        options: Options | None = None,
        guest: Guest | None = None,
    ) -> None:
        """Made by `Task.opts` and `Task.within`."""
        self._context = context
        self._definition = definition
        self._options = options or PLAIN
        self._guest = guest

    def bind(self, *args: P.args, **kwargs: P.kwargs) -> Call[R]:
        """The call with these arguments, not made yet. Raises InvalidArguments."""
        try:
            encoded = self._definition.arguments.encode(args, kwargs)
        except InvalidArguments:  # results of a workflow's jobs, which most calls never take
            if (call := self._bind_results(args, kwargs)) is None:
                raise
            return call
        return Call(self._definition, encoded, self._options)

    def _bind_results(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call[R] | None:
        """The call where some of its arguments are results of a workflow's jobs, else None."""
        arguments = self._definition.arguments
        given = arguments.by_name(args, kwargs)
        results = results_among(given)
        if not results:
            return None
        plain = {name: value for name, value in given.items() if name not in results}
        encoded = arguments.without(results).encode((), plain)
        return Call(self._definition, encoded, self._options, tuple(results.items()))

    async def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> JobHandle[R]:
        """Ask for a job. When this returns, it is stored (within: when the caller commits)."""
        call: Call[R] = self.bind(*args, **kwargs)
        if self._guest is None:
            handles = await enqueue_calls(self._context, [call])
            return handles[0]
        return (await enqueue_calls_within_async(self._context, self._guest, [call]))[0]

    def enqueue_blocking(self, *args: P.args, **kwargs: P.kwargs) -> JobHandle[R]:
        """The same from code without an event loop; one that runs is held up meanwhile."""
        call: Call[R] = self.bind(*args, **kwargs)
        if self._guest is not None:
            return enqueue_calls_within(self._context, self._guest, [call])[0]
        refuse_inside_open_write(self._context.url)
        return self._context.block(lambda: enqueue_calls(self._context, [call]))[0]

    def opts(self, **options: Unpack[JobOptions]) -> Bound[P, R]:
        """The same task with other options; those left out stay. Raises InvalidInput."""
        check_region(self._context, options.get("region"))
        changed = change_options(self._definition, self._options, options)
        return Bound(self._context, self._definition, changed, self._guest)

    def within(self, transaction: object) -> Bound[P, R]:
        """Enqueue inside the caller's own transaction: the job exists if and when it commits.

        `transaction` is a SQLAlchemy Session, AsyncSession, Connection or AsyncConnection, a
        connection of psycopg 3 or asyncpg, or Django's, on Onbeat's database. On SQLite its
        engine must come from `onbeat.sqlite_engine`, or be Django's ENGINE
        "onbeat.integrations.django.sqlite". Raises InvalidInput for anything else.
        """
        guest = guest_of(transaction, self._context.url)
        return Bound(self._context, self._definition, self._options, guest)
