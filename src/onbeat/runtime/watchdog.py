"""Compares when schedules should be due with when they are, mends what is wrong, and says so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from onbeat.domain.events import Emit, discard
from onbeat.domain.expectation import OVERDUE, wrong_with
from onbeat.domain.recurrence.zones import RULES
from onbeat.domain.schedules import Schedule
from onbeat.runtime.clocks import advance
from onbeat.runtime.lease import Duty
from onbeat.runtime.mending import mend
from onbeat.runtime.tick import tick
from onbeat.store import clocks, repairs, zone_rules
from onbeat.store.store import Store

AT_ONCE = 500
"""Schedules looked at in one step, 20 us each."""

BETWEEN_PAGES = 1.0
BETWEEN_ROUNDS = 10.0
"""Seconds of rest: with 100,000 schedules each is looked at every three minutes."""


class Watchdog(Duty):
    """Walks through all schedules, again and again."""

    def __init__(
        self,
        store: Store,
        *,
        at_once: int = AT_ONCE,
        zone_rules: str = RULES,
        emit: Emit = discard,
    ) -> None:
        """Watch those in `store`, so many in one step, by this edition of the zones' rules."""
        super().__init__(store, id="watchdog", emit=emit)
        self._at_once = at_once
        self._zone_rules = zone_rules
        self._after = ""

    async def perform(self) -> float:
        """Look at the next page; rest longer at the end."""
        newest = await self.store.read(zone_rules.newest_told)
        if newest is not None and newest > self._zone_rules:
            await self.clean_up()
            self._holds = False
            return zone_rules.TERM.total_seconds()
        found, overdue, after = await self.store.read(
            lambda connection, now: suspects(connection, now, self._after, self._at_once)
        )
        await mend(self.store, found, self.emit)
        if overdue:
            await tick(self.store, emit=self.emit)
        if not after:
            await self._settle_clocks()
        self._after = after
        return BETWEEN_PAGES if after else BETWEEN_ROUNDS

    async def _settle_clocks(self) -> None:
        """Plan what has become due on a clock though that stands: what waited for a job to end."""
        for clock in await self.store.read(clocks.list_clocks):
            await advance(self.store, clock.name, by=timedelta(), emit=self.emit)


def suspects(
    connection: Connection, now: datetime, after: str, at_once: int
) -> tuple[Sequence[str], bool, str]:
    """Of a page of schedules the ids of those to be looked at closely, whether any has been due for
    long, and where the next page begins.
    """
    page = repairs.page(connection, now, after, at_once)
    found = [each.id for each in page if _is_suspect(each, now)]
    is_overdue = any(_is_overdue(each, now) for each in page)
    return found, is_overdue, page[-1].id if len(page) == at_once else ""


def _is_suspect(schedule: Schedule, now: datetime) -> bool:
    if schedule.awaits_job is not None:
        return True
    return wrong_with(schedule, decided_at=repairs.decided_at(schedule), now=now) is not None


def _is_overdue(schedule: Schedule, now: datetime) -> bool:
    is_expected = schedule.paused_at is None and schedule.broken is None and schedule.clock is None
    if not is_expected:
        return False
    return schedule.next_due_at is not None and schedule.next_due_at < now - OVERDUE
