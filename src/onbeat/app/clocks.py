"""Commands on virtual clocks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from onbeat.app.context import Context
from onbeat.app.facts.clocks import advanced_data, clock_data
from onbeat.app.looking import looking
from onbeat.app.request_keys import key_taken
from onbeat.domain.clocks import Advanced, Clock, check_clock
from onbeat.domain.durations import read_duration
from onbeat.domain.errors import InvalidInput
from onbeat.domain.recurrence.recurrence import aware
from onbeat.runtime import clocks as runtime
from onbeat.store import clocks as stored
from onbeat.store.store import T, Work


class Clocks:
    """`ob.clocks`: named time lines that move only when they are told to.

    Schedules made with `clock="world"`, and jobs with `.opts(clock="world", delay="3h")`, wait for
    the world's time; workers run what becomes due as they run everything.
    """

    def __init__(self, context: Context) -> None:
        """Made by the application."""
        self._context = context

    async def create(self, name: str, at: datetime) -> Clock:
        """Make a clock that stands at `at`. Raises InvalidInput, and Conflict if it exists."""
        made = partial(stored.create, name=check_clock(name), at=aware(at, "at"))
        return await self._change("create", name, made)

    async def find(self, name: str) -> Clock:
        """The clock, and where it stands. Raises NotFound."""
        return await self._context.read(partial(stored.find, name=name))

    async def now(self, name: str) -> datetime:
        """What time it is on the clock. Raises NotFound."""
        return (await self.find(name)).now_at

    async def list(self, *, after: str = "", limit: int | None = None) -> Sequence[Clock]:
        """Virtual clocks by name: all, or so many of those after a name."""
        return await self._context.read(partial(stored.list_clocks, after=after, limit=limit))

    async def remove(self, name: str) -> None:
        """Take a clock away. Raises NotFound, and Conflict while anything lives by it."""
        await self._change("remove", name, partial(stored.remove, name=name))

    async def _change(self, verb: str, name: str, work: Work[T]) -> T:
        look = looking(partial(stored.find, name=name), clock_data)
        return await self._context.change(f"clock.{verb}", ("clock", name), work, look=look)

    async def advance(
        self,
        name: str,
        *,
        to: datetime | None = None,
        by: str | timedelta | None = None,
        jump: bool = False,
        most: int = runtime.MOST_MOMENTS,
    ) -> Advanced:
        """Move the clock to a moment, or by a duration; whatever becomes due on the way is done in
        the order of its moments.

        Each schedule is planned at each of its moments. With `jump` it is planned once, at the end,
        and its catch-up policy says what becomes of those between. After `most` moments it stops
        where it is (`is_done` is false then): go on with `to=done.goal_at`; the same `by` again
        would lead further. Several may move a clock at once.
        Raises NotFound, and InvalidInput for backwards.
        """
        duration = None if by is None else read_duration(by, "by")
        if most < 1:
            raise InvalidInput("most", f"{most} is out of range; give 1 or more")
        store = await self._context.store()
        before = await self.find(name)
        async with key_taken(store, ("clock", name)):
            done = await runtime.advance(
                store, name, to=to, by=duration, jump=jump, most=most, router=self._context.router
            )
        await self._context.note(
            "clock.advance", ("clock", name), before=clock_data(before), after=advanced_data(done)
        )
        return done
