"""Commands on calendars of working days."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from onbeat.app.context import Context
from onbeat.app.looking import looking
from onbeat.domain.jobs import check_name
from onbeat.domain.recurrence import WorkCalendar
from onbeat.store import calendars as stored
from onbeat.store.store import T, Work
from onbeat.store.wakeups import SCHEDULER


class Calendars:
    """`ob.calendars`: holidays and closed times kept by name, for schedules made at run time.

    A schedule in code has its calendar in code.
    """

    def __init__(self, context: Context) -> None:
        """Made by the application."""
        self._context = context

    async def put(self, calendar: WorkCalendar, by: str) -> Sequence[str]:
        """Keep the calendar, in place of one of its name; the schedules that changed with it.

        Their next moments are computed anew. What says the same changes nothing. Raises
        InvalidInput for the name.
        """
        _, changed = await self.exchange(calendar, by)
        return changed

    async def exchange(
        self, calendar: WorkCalendar, by: str
    ) -> tuple[WorkCalendar | None, Sequence[str]]:
        """The same as `put`; also gives the calendar whose place it took, None where none was."""
        check_name("calendar", calendar.name)
        work = partial(stored.put, calendar=calendar, by=by)
        before, changed = await self._change(
            "put", calendar.name, work, lambda done: done[0] != calendar or bool(done[1])
        )
        (await self._context.store()).wakeups.send([SCHEDULER])
        return before, changed

    async def find(self, name: str) -> WorkCalendar:
        """The calendar of that name. Raises NotFound."""
        return await self._context.read(partial(stored.find, name=name))

    async def list(self, *, after: str = "", limit: int | None = None) -> Sequence[WorkCalendar]:
        """Calendars by name: all, or so many of those after a name."""
        return await self._context.read(partial(stored.list_calendars, after=after, limit=limit))

    async def remove(self, name: str) -> None:
        """Take it away. Raises NotFound, and Conflict while a schedule keeps to it."""
        await self._change("remove", name, partial(stored.remove, name=name))

    async def _change(
        self, verb: str, name: str, work: Work[T], is_change: Callable[[T], bool] | None = None
    ) -> T:
        look = looking(partial(stored.find, name=name), WorkCalendar.spec)
        return await self._context.change(
            f"calendar.{verb}", ("calendar", name), work, look=look, is_change=is_change
        )
