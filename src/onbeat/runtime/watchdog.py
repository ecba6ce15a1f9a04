"""Compares when schedules should be due with when they are, mends what is wrong, and says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from onbeat.domain.events import Emit, discard
from onbeat.domain.expectation import OVERDUE, wrong_with
from onbeat.domain.jobs import JobId
from onbeat.domain.processes import SCHEDULER, at_rest
from onbeat.domain.recurrence.zones import RULES
from onbeat.domain.schedules import Overlap, Schedule
from onbeat.runtime.clocks import advance
from onbeat.runtime.lease import Duty
from onbeat.runtime.mending import mend
from onbeat.runtime.regions import Router
from onbeat.runtime.tick import settle, tick
from onbeat.store import clocks, processes, repairs, zone_rules
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
        router: Router | None = None,
    ) -> None:
        """Watch those in `store`, so many in one step, by this edition of the zones' rules;
        `router` sends what they make to regions.
        """
        super().__init__(store, id="watchdog", emit=emit)
        self._router = router
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
        found = await self.store.read(
            lambda connection, now: suspects(connection, now, self._after, self._at_once)
        )
        await mend(self.store, found.suspects, self.emit)
        if found.to_stop:
            await self.store.write(partial(settle, held=(), to_stop=found.to_stop))
        if found.is_overdue:
            await tick(self.store, emit=self.emit, router=self._router)
        if not found.last:
            await self._settle_clocks()
        self._after = found.last
        return BETWEEN_PAGES if found.last else BETWEEN_ROUNDS

    async def _settle_clocks(self) -> None:
        """Plan what has become due on a clock though that stands: what waited for a job to end."""
        for clock in await self.store.read(clocks.list_clocks):
            await advance(
                self.store, clock.name, by=timedelta(), emit=self.emit, router=self._router
            )


@dataclass(frozen=True, slots=True)
class Found:
    """What a page of schedules shows."""

    suspects: Sequence[str]
    """The ids of those to be looked at closely."""
    to_stop: Sequence[tuple[JobId, str]]
    """Jobs to be stopped for schedules, which a scheduler may have died before asking."""
    is_overdue: bool
    """Whether any has been due for long, and nobody told the schedulers to rest."""
    last: str
    """Where the next page begins; empty at the end."""


def suspects(connection: Connection, now: datetime, after: str, at_once: int) -> Found:
    """Look at a page of schedules."""
    page = repairs.page(connection, now, after, at_once)
    return Found(
        [each.id for each in page if _is_suspect(each, now)],
        [(each.awaits_job, each.name) for each in page if each.awaits_job and _stops(each)],
        any(_is_overdue(each, now) for each in page) and not _at_rest(connection, now),
        page[-1].id if len(page) == at_once else "",
    )


def _at_rest(connection: Connection, now: datetime) -> bool:
    """Whether somebody stopped or paused all schedulers: then nothing is to become due."""
    return bool(at_rest(processes.list_processes(connection, now), SCHEDULER))


def _stops(schedule: Schedule) -> bool:
    return schedule.overlap == Overlap.CANCEL and schedule.held_due_at is not None


def _is_suspect(schedule: Schedule, now: datetime) -> bool:
    if schedule.awaits_job is not None:
        return True
    return wrong_with(schedule, decided_at=repairs.decided_at(schedule), now=now) is not None


def _is_overdue(schedule: Schedule, now: datetime) -> bool:
    is_expected = schedule.paused_at is None and schedule.broken is None and schedule.clock is None
    if not is_expected:
        return False
    return schedule.next_due_at is not None and schedule.next_due_at < now - OVERDUE
