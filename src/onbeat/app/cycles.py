"""One cycle of work in a process that is there for a moment: what somebody's minute cron starts."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from onbeat.app.onbeat import Onbeat
from onbeat.app.processes import Parts
from onbeat.domain.errors import InvalidInput, StoreError
from onbeat.domain.events import Event, JobEnded, Ticked
from onbeat.domain.queues import Queue
from onbeat.runtime.metering import add_counted
from onbeat.store import queues

BUDGET = timedelta(seconds=45)
"""How long a cycle may take where nothing is said: platforms end a call after a minute."""

LONGEST_BUDGET = timedelta(minutes=15)

SHARE_FOR_ENDS = 5
"""A fifth of the budget is for jobs that run to end, and for what they did to be stored."""

LOOK_EVERY = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """What a cycle did, and what it left."""

    fired: int
    """Jobs made of schedules."""
    promoted: int
    """Jobs that became pending."""
    ended: int
    """Attempts that ended."""
    pending: int
    """Jobs of the served queues that wait; at 10,000 that many or more."""
    is_complete: bool
    """Whether nothing was left that could have been done now."""
    took: timedelta


async def run_cycle(ob: Onbeat, *, drain: bool = False, budget: timedelta = BUDGET) -> Cycle:
    """Make due schedules into jobs; with `drain`, run jobs too until none is pending.

    It ends when there is nothing to do, and begins nothing more once four fifths of the budget are
    gone. Others may do the same at the same time. Raises InvalidInput, StoreError.
    """
    if not timedelta(seconds=1) <= budget <= LONGEST_BUDGET:
        raise InvalidInput("max_seconds", f"{budget.total_seconds():g} is out of range; "
                           f"give 1 to {LONGEST_BUDGET.total_seconds():g}")  # fmt: skip
    counted: Counter[str] = Counter()

    def count(event: Event) -> None:
        if isinstance(event, Ticked):
            counted["fired"] += event.fired
            counted["promoted"] += event.promoted
        elif type(event) is JobEnded:
            counted["ended"] += 1

    store = await ob.store()
    began = store.timing.monotonic()
    parts = Parts.from_settings(ob.settings, worker=drain, scheduler=True)
    rest = budget / SHARE_FOR_ENDS
    parts = replace(parts, options=replace(parts.options, grace=rest), is_told=False)
    async with ob.running(emit=count, parts=parts):
        deadline = began + (budget - rest).total_seconds()
        while not (is_complete := await _is_done(ob, drain=drain)):
            if store.timing.monotonic() >= deadline:
                break
            await store.timing.wait(asyncio.Event(), LOOK_EVERY)
    with suppress(StoreError):  # the cycle is done, whether its figures are added or not
        await add_counted(store)
    return Cycle(
        fired=counted["fired"], promoted=counted["promoted"], ended=counted["ended"],
        pending=sum(each.pending for each in await _served(ob)), is_complete=is_complete,
        took=timedelta(seconds=store.timing.monotonic() - began),
    )  # fmt: skip


async def _is_done(ob: Onbeat, *, drain: bool) -> bool:
    due = await (await ob.store()).next_due()
    if due.wait is not None and due.wait <= timedelta():
        return False
    return not drain or not any(each.pending or each.running for each in await _served(ob))


async def _served(ob: Onbeat) -> list[Queue]:
    def look(connection: Connection, now: datetime) -> list[Queue]:
        return [queues.one(connection, name) for name in ob.settings.queues]

    return await (await ob.store()).read(look)
