"""A schedule, the scheduler that plans it and the worker that runs its jobs, minute by minute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection

from onbeat.domain.backfills import Wanted
from onbeat.domain.jobs import ClaimedJob
from onbeat.domain.recurrence import every
from onbeat.domain.schedules import (
    Occurrence,
    Schedule,
    parse_catch_up,
    parse_overlap,
)
from onbeat.domain.workers import Session
from onbeat.runtime.tick import tick
from onbeat.store import backfills, schedules, triggers, workers
from onbeat.store.opening import open_store
from onbeat.store.schema_state import migrate
from onbeat.store.store import Store
from tests import factories
from tests.timing import START, ManualTiming

MINUTE = timedelta(minutes=1)
BEGIN = START.replace(hour=9)
"""When stories begin."""


@dataclass(frozen=True, kw_only=True)
class Story:
    """What happens to one schedule of every ten minutes."""

    label: str
    overlap: str = "skip"
    catch_up: str = "latest within 1d"
    job_minutes: int = 3
    minutes: int = 70
    start: int | None = None
    end: int | None = None
    limit: int | None = None
    jitter_minutes: int = 0
    pause_after: int | None = None
    fails: bool = False
    """Whether its jobs do."""
    down: tuple[int, int] | None = None
    """From and until which minute no scheduler runs."""
    deeds: tuple[tuple[int, str], ...] = ()
    """What somebody does, and in which minute."""


@dataclass(frozen=True)
class Bar:
    """A job that ran, in minutes from the beginning."""

    begin: int
    end: int
    is_stopped: bool


@dataclass(frozen=True)
class Told:
    """What came of a story: its ledger, its jobs."""

    story: Story
    entries: Sequence[Occurrence]
    bars: Sequence[Bar]


@dataclass
class Running:
    """A job under way."""

    claimed: ClaimedJob
    begun: int


@dataclass
class Teller:
    """Plays a story on a store."""

    story: Story
    store: Store
    timing: ManualTiming
    schedule: Schedule
    session: Session
    under_way: list[Running] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)

    async def play(self) -> Told:
        """Let minute after minute pass."""
        for minute in range(self.story.minutes):
            await self._end_jobs(minute)
            for at, deed in self.story.deeds:
                if at == minute:
                    await self._do(deed)
            if not self._is_down(minute):
                await self._schedule()
            await self._begin_jobs(minute)
            self.timing.advance(by=MINUTE)
        await self._end_jobs(self.story.minutes, all_of_them=True)
        return await self._told()

    async def _told(self) -> Told:
        listed = partial(schedules.list_occurrences, name=self.schedule.name)
        entries = [entry for entry, _ in await self.store.read(listed)]
        return Told(self.story, entries[::-1], self.bars)

    def _is_down(self, minute: int) -> bool:
        down = self.story.down
        return down is not None and down[0] <= minute < down[1]

    async def _schedule(self) -> None:
        """What a scheduler does each minute."""
        await self.store.write(schedules.resume_over)
        await tick(self.store)
        await self.store.write(partial(backfills.go_on, new_id=self.store.new_id))

    async def _begin_jobs(self, minute: int) -> None:
        for claimed in await self.store.claim(self.session.id, ["default"], 100):
            self.under_way.append(Running(claimed, minute))

    async def _end_jobs(self, minute: int, *, all_of_them: bool = False) -> None:
        pulse = await self.store.heartbeat(self.session.id, timedelta(days=1))
        stops = {stop.token for stop in pulse.stops}
        for each in list(self.under_way):
            is_stopped = each.claimed.token in stops
            if is_stopped or all_of_them or minute - each.begun >= self.story.job_minutes:
                move = "stop" if is_stopped else "bury" if self.story.fails else "complete"
                await self.store.ack([factories.ack(each.claimed, move)])
                self.bars.append(Bar(each.begun, minute, is_stopped))
                self.under_way.remove(each)

    async def _do(self, deed: str) -> None:
        await self.store.write(partial(DEEDS[deed], name=self.schedule.name, store=self.store))


def _pause(connection: Connection, now: datetime, name: str, store: Store) -> None:
    schedules.pause(connection, now, name, "ann", until=now + 25 * MINUTE)


def _skip(connection: Connection, now: datetime, name: str, store: Store) -> None:
    schedules.skip_next(connection, now, name, "ann", 2)


def _trigger(connection: Connection, now: datetime, name: str, store: Store) -> None:
    job, backfill = store.ids.many(2)
    triggers.trigger(connection, now, name, job, at=None, by="ann", backfill=backfill)


def _backfill(connection: Connection, now: datetime, name: str, store: Store) -> None:
    wanted = Wanted(schedule=name, begin=BEGIN, end=now)
    backfills.begin(connection, now, store.new_id(), wanted)


DEEDS = {"pause": _pause, "skip-next 2": _skip, "trigger": _trigger, "backfill": _backfill}


NAMED = "01bc2f2da40070008000000000000007"
"""Of the same id a schedule has the same jitter."""


def _moment(minute: int | None) -> datetime | None:
    return None if minute is None else BEGIN + minute * MINUTE


async def told(story: Story) -> Told:
    """Play a story from its beginning to its end."""
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'story.db'}"
        timing = ManualTiming(BEGIN)
        store = open_store(url, timing=timing)
        await store.write(migrate)
        await store.open()
        try:
            return await _begun(story, store, timing)
        finally:
            await store.close()


async def _begun(story: Story, store: Store, timing: ManualTiming) -> Told:
    wanted = factories.schedule(
        name=story.label.replace(" ", "-"),
        recurrence=every("10m"),
        overlap=parse_overlap(story.overlap),
        catch_up=parse_catch_up(story.catch_up),
        start_at=_moment(story.start),
        end_at=_moment(story.end),
        limit=story.limit,
        jitter=story.jitter_minutes * MINUTE,
        pause_after=story.pause_after,
        id=NAMED,
    )
    schedule = await store.write(partial(schedules.create, schedule=wanted))
    session = factories.session()
    begun = partial(workers.begin, session=session, expires_in=timedelta(days=1))
    await store.write(begun)
    return await Teller(story, store, timing, schedule, session).play()
