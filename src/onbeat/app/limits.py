"""Commands on limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection

from onbeat.app.context import Context
from onbeat.app.facts.limits import limit_data
from onbeat.app.looking import has_changed, looking
from onbeat.domain.errors import InvalidInput
from onbeat.domain.jobs import check_name
from onbeat.domain.limits import QUEUE, Bounds, LimitState, SlotState, queue_limit, read_bounds
from onbeat.store import limits as stored

T = TypeVar("T")


class Limits:
    """`ob.limits`: see what is limited, and change it at run time.

    A limit is named as its `Limit` is; the one that bounds a whole queue is "queue/NAME".
    """

    def __init__(self, context: Context) -> None:
        """Made by the application."""
        self._context = context
        self._of_queues: dict[str, Bounds] = {}

    def declare_queue(
        self,
        queue: str,
        *,
        concurrency: int | None = None,
        rate: str | None = None,
        burst: int | None = None,
    ) -> None:
        """Bound all jobs of a queue, whatever their task; brought into the store at start.

        Raises InvalidInput, also for a queue that is declared twice.
        """
        name = queue_limit(check_name("queue", queue))
        if name in self._of_queues:
            raise InvalidInput("queue", f"{queue!r} is declared twice; leave one out")
        self._of_queues[name] = read_bounds(concurrency, rate, burst)

    async def reconcile(self) -> tuple[str, ...]:
        """Bring what the code says into the store; the names of the limits that changed."""
        wanted = self._of_queues | self._context.registry.limits()
        if not wanted:
            return ()
        by = f"code:{self._context.name}"
        return await self._write(partial(stored.declare, wanted=wanted, by=by))

    async def list(self) -> Sequence[LimitState]:
        """All limits, each with how many jobs hold it and wait for it."""
        return await self._context.read(stored.list_limits)

    async def find(self, name: str) -> LimitState:
        """One limit. Raises NotFound."""
        return await self._context.read(partial(stored.find, name=name))

    async def slots(self, name: str) -> Sequence[SlotState]:
        """The slots of a limit in use, those most waited for first; at most 100."""
        return await self._context.read(partial(stored.list_slots, name=name))

    async def set(
        self,
        name: str,
        by: str,
        *,
        concurrency: int | None = None,
        rate: str | None = None,
        burst: int | None = None,
    ) -> LimitState:
        """Let it allow this from now on, and nothing else; a deploy does not undo it.

        What it allows already, set by hand, changes nothing. Raises InvalidInput, and NotFound for
        one that no code has declared, unless it bounds a queue: "queue/NAME".
        """
        if name.startswith(QUEUE):
            check_name("limit", name.removeprefix(QUEUE))
        bounds = read_bounds(concurrency, rate, burst)
        work = partial(stored.set_bounds, name=name, bounds=bounds, by=by)
        limit, _ = await self._change("limit.set", name, work, has_changed)
        return limit

    async def reset(self, name: str, by: str) -> LimitState | None:
        """Let it be as the code says again; None when no code has it, and it is gone.

        Raises NotFound.
        """
        return await self._change("limit.reset", name, partial(stored.reset, name=name, by=by))

    async def _change(
        self,
        action: str,
        name: str,
        work: Callable[[Connection, datetime], T],
        is_change: Callable[[T], bool] | None = None,
    ) -> T:
        look = looking(partial(stored.find, name=name), limit_data)
        result = await self._context.change(
            action, ("limit", name), work, look=look, is_change=is_change
        )
        (await self._context.store()).wakeups.deliver_all()
        return result

    async def _write(self, work: Callable[[Connection, datetime], T]) -> T:
        result = await self._context.write(work)
        (await self._context.store()).wakeups.deliver_all()
        return result
