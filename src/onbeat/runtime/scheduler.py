"""The scheduler service: a loop around `tick`. Any number of them may run; none is the leader."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from onbeat.domain.events import ClockLeapt, ZoneRulesOld
from onbeat.domain.planning import GRACE
from onbeat.domain.processes import CYCLE
from onbeat.domain.recurrence.zones import RULES
from onbeat.runtime.follower import follow
from onbeat.runtime.leaps import Leaps
from onbeat.runtime.maintenance import call_off_overdue
from onbeat.runtime.regions import Router, sending
from onbeat.runtime.service import Service
from onbeat.runtime.tick import tick
from onbeat.store import backfills, schedules, zone_rules
from onbeat.store.store import Store
from onbeat.store.wakeups import SCHEDULER

LONGEST_REST = CYCLE.total_seconds()
"""Seconds between looks at the store when nothing is known to be due: what a lost wakeup costs.

It also bounds the harm of a clock that was set or a machine that slept: a longer sleep would be
measured on a clock that stands still meanwhile.
"""

SHORTEST_REST = 0.02
"""Seconds to the next look when something is still due: another scheduler is just planning it."""


BACKFILL_REST = 0.1
"""Seconds between looks at backfills under way: their jobs' ends wake nobody."""


LEAP = timedelta(minutes=5)
"""How far the store's clock may be set before what is due by it is doubted."""

HOLD = timedelta(seconds=60)
"""How long nothing is made due by a clock that was set forward: it may be set right again, and what
was missed is not made up for by mistake. What becomes due meanwhile is on time.
"""


TELL_EVERY = zone_rules.TERM.total_seconds() / 3
"""Seconds between two times that a scheduler says which zone rules it has."""


class Scheduler(Service):
    """Makes due schedules into jobs, due jobs pending, moves backfills and workflows on."""

    def __init__(
        self,
        store: Store,
        *,
        zone_rules: str = RULES,
        router: Router | None = None,
        **options: Any,
    ) -> None:
        """Tick `store`; `zone_rules` is the edition of the zones' rules that this process has."""
        self._router = router
        super().__init__(**{"id": "scheduler", "timing": store.timing, **options})
        self._store = store
        self._zone_rules = self._newest_rules = zone_rules
        self._told_at = float("-inf")
        self._is_behind = False
        """Whether the last tick left something due: then there is no need to look."""
        self._has_pauses_over = self._has_backfills = False
        self._has_ends = self._has_overdue = False
        self._leaps = Leaps()
        self._held_until: float | None = None
        """Until when on the monotonic clock nothing is made due."""

    async def set_up(self) -> None:
        """Be woken when something may be due earlier than thought."""
        self._store.wakeups.subscribe(self.woken, [SCHEDULER])

    async def clean_up(self) -> None:
        """Be woken no more."""
        self._store.wakeups.unsubscribe(self.woken)

    async def step(self) -> float:
        """Tick if something is due; at once again when there was more than one tick's worth.

        To look is one statement, to tick are five: most looks of an idle second find nothing due.
        """
        if (rest := await self._rest()) > 0:
            return rest
        if self._has_pauses_over:
            await self._store.write(schedules.resume_over)
        if self._has_overdue:
            await call_off_overdue(self._store)
        side_by_side = self._store.ticks_at_once if self._is_behind else 1
        grace = GRACE + HOLD if self._is_held(lately=HOLD) else GRACE
        ticks = [
            tick(self._store, emit=self.emit, grace=grace, router=self._router)
            for _ in range(side_by_side)
        ]
        done = await asyncio.gather(*ticks, return_exceptions=True)
        self._is_behind = False
        for each in done:
            if isinstance(each, BaseException):
                raise each
            self._is_behind = self._is_behind or each.is_full
        return 0.0 if self._is_behind else max(await self._wait(), SHORTEST_REST)

    async def _rest(self) -> float:
        """Seconds until there is something for this scheduler to do; none while there is."""
        if self.timing.monotonic() - self._told_at > TELL_EVERY:
            await self._tell_zone_rules()
        if self._newest_rules > self._zone_rules:
            return LONGEST_REST
        wait = 0.0 if self._is_behind else await self._wait()
        if self._has_backfills:
            await self._move_backfills()
        if self._has_ends:
            await follow(self._store)
        return min(wait or LONGEST_REST, LONGEST_REST) if self._is_held() else wait

    async def _tell_zone_rules(self) -> None:
        """Say which rules this process has, and leave schedules to those with newer ones."""
        before, own = self._newest_rules, self._zone_rules
        self._newest_rules = await self._store.write(partial(zone_rules.tell, rules=own))
        self._told_at = self.timing.monotonic()
        if self._newest_rules != before:
            newest = self._newest_rules if self._newest_rules > own else None
            self.emit(ZoneRulesOld(own, newest))

    async def _move_backfills(self) -> None:
        send = await sending(self._router, self._store)
        moved = await self._store.write(
            partial(backfills.go_on, new_id=self._store.new_id, send=send)
        )
        self._store.wakeups.send(moved.queues)

    async def _wait(self) -> float:
        """Seconds until something is due, as far as is known; none while something is."""
        due = await self._store.next_due()
        self._watch_clock(due.now)
        wait = due.wait
        self._has_pauses_over = due.resume_at is not None and due.resume_at <= due.now
        self._has_overdue = due.expires_at is not None and due.expires_at <= due.now
        self._has_backfills, self._has_ends = due.has_backfills, due.has_ends
        longest = BACKFILL_REST if due.has_backfills else LONGEST_REST
        return longest if wait is None else min(wait.total_seconds(), longest)

    def _watch_clock(self, now: datetime) -> None:
        leap = self._leaps.see(self.timing.boottime(), now)
        if abs(leap) < LEAP:
            return
        held = HOLD if leap > timedelta() else timedelta()
        self._held_until = self.timing.monotonic() + held.total_seconds() if held else None
        self.emit(ClockLeapt(leap, held))

    def _is_held(self, lately: timedelta = timedelta()) -> bool:
        """Whether nothing is made due now, or was a little while ago."""
        since = self.timing.monotonic() - lately.total_seconds()
        return self._held_until is not None and since < self._held_until
