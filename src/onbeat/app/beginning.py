"""Calls whose job should have begun before it is asked for: refused, for it would never run."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from onbeat.domain.errors import InvalidInput

if TYPE_CHECKING:
    from onbeat.app.calls import Call
    from onbeat.app.context import Context


async def refuse_too_late(context: Context, calls: Iterable[Call[Any]]) -> None:
    """Raise InvalidInput for one whose `start_by` is over by the clock of the store."""
    if timed := _timed(calls):
        now = await context.read(lambda _, now: now)
        for call in timed:
            refuse_begun(call, now)


def refuse_too_late_within(context: Context, calls: Iterable[Call[Any]]) -> None:
    """The same by the clock of this process: a transaction of the caller's is asked nothing."""
    if timed := _timed(calls):
        now = context.stores.now()
        for call in timed:
            refuse_begun(call, now)


def _timed(calls: Iterable[Call[Any]]) -> list[Call[Any]]:
    return [call for call in calls if call.options.start_by is not None]


def refuse_begun(call: Call[Any], now: datetime) -> None:
    """The same for one call, when it is `now`."""
    end, delay = call.options.start_by, call.options.delay
    if end is None or end > now + (delay or timedelta()):
        return
    told = f"{end.isoformat()} is over: it is {now.isoformat(timespec='seconds')}"
    if end > now:
        told = f"{end.isoformat()} is before its delay is over"
    raise InvalidInput("start_by", f"{told}; give a later moment, or leave it out")
