"""Those who ask: a client for jobs, operators for all else, over wires that lose things."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select

from onbeat import cron, every
from onbeat.domain.errors import Conflict, InvalidInput, NotFound, StoreError
from onbeat.domain.jobs import HIGHEST_PRIORITY, JobId, NewJob
from onbeat.domain.recurrence import Recurrence
from onbeat.domain.schedules import Overlap, Schedule, parse_catch_up
from onbeat.runtime.clocks import advance
from onbeat.store import clocks, jobs, schedules
from onbeat.store.schema import attempts, occurrences
from onbeat.store.store import Store
from onbeat.testing.shared_memory import SharedMemory
from tests.chaos.history import Answer
from tests.simulation.bonds import KEYS, Bonds, any_bound, any_flow, keyed, start_flow
from tests.simulation.book import Asked, Skips

CLOCK = "tide"
GRIDS: tuple[Recurrence, ...] = (
    every("2s"), every("3s"), every("5s"), every("20s"), cron("*/4 * * * * *"),
    cron("7,9,30 * * * * *"), cron("* * * * *"), every("7s"),
)  # fmt: skip
CATCH_UPS = (
    "latest", "latest within 10s", "first within 1m", "none", "all within 1h at most 5 every 1s",
    "all within 20s",
)  # fmt: skip
OVERLAPS = (
    [Overlap.SKIP, Overlap.ALLOW, Overlap.BUFFER_ONE, Overlap.CANCEL, Overlap.BUFFER_ALL],
    [4, 3, 3, 3, 1],
)
"""Policies, and how often which. What waits under `buffer all`, up to 100, goes one by one."""

WITH_LIMIT, WITH_END = 0.2, 0.2
"""How many of the schedules."""

MINUTE_GRID = cron("* * * * *")
"""The one that may have no moment before an end."""

OF_FLOWS = 0.4
"""How many of the jobs that are called off are of the latest workflow."""

AGAIN = 0.5
"""How many of the batches whose answer did not come are asked for once more, with the same ids."""


def first_schedules(store: Store, luck: random.Random) -> list[Schedule]:
    """What a run begins with."""
    made = [_any_schedule(store, luck, f"grid {number}") for number in range(luck.randint(2, 4))]
    rest = every(timedelta(seconds=luck.randint(1, 4)), after_finish=True)
    made.append(replace(_any_schedule(store, luck, "rests"), recurrence=rest, overlap=Overlap.SKIP))
    on_clock = _any_schedule(store, luck, "on the clock")
    made.append(replace(on_clock, recurrence=every("10s"), overlap=Overlap.SKIP, clock=CLOCK))
    if luck.random() < 0.5:
        made.append(_self_pausing(store, luck))
    return made


def _self_pausing(store: Store, luck: random.Random) -> Schedule:
    """One whose jobs always fail: each has ended, and is counted, before the next is made."""
    made = _any_schedule(store, luck, "pauses itself")
    return replace(
        made, task="flop", args="{}", max_attempts=1, overlap=Overlap.SKIP, limit=None,
        recurrence=luck.choice([every("2s"), every("3s"), every("5s")]),
        pause_after=luck.randint(1, 3),
    )  # fmt: skip


def _any_schedule(store: Store, luck: random.Random, name: str) -> Schedule:
    overlap = luck.choices(*OVERLAPS)[0]
    grid = every("7s") if overlap is Overlap.BUFFER_ALL else luck.choice(GRIDS)
    seconds = 0.1 if overlap is Overlap.BUFFER_ALL else luck.choice([0.0, 0.1, 1.0, 3.0])
    return Schedule(
        id=store.new_id(), name=name, task="beat", recurrence=grid, overlap=overlap,
        args=f'{{"seconds": {seconds}}}', priority=HIGHEST_PRIORITY,
        catch_up=parse_catch_up(luck.choice(CATCH_UPS)),
        jitter=timedelta(seconds=luck.choice([0, 0, 0, 2])),
        limit=luck.randint(1, 8) if luck.random() < WITH_LIMIT else None,
    )  # fmt: skip


def any_length(schedule: Schedule, luck: random.Random) -> timedelta | None:
    """How long after its begin the schedule is to end; None for never."""
    has_end = luck.random() < WITH_END and schedule.recurrence != MINUTE_GRID
    return timedelta(seconds=luck.uniform(21, 60)) if has_end else None


def set_up(
    database: SharedMemory, asked: Asked, wanted: Sequence[Schedule], luck: random.Random
) -> None:
    """Make the clock, and the schedules a run begins with."""
    now = database.timing.now()
    database.do(lambda hands: clocks.create(hands.core, now, CLOCK, now))
    for schedule in wanted:
        work = partial(create, schedule=schedule, lasts=any_length(schedule, luck), asked=asked)
        database.do(partial(_do, work, now=now))


def _do(work: Callable[[Connection, datetime], None], hands: Any, now: datetime) -> None:
    work(hands.core, now)


def create(
    connection: Connection,
    now: datetime,
    *,
    schedule: Schedule,
    lasts: timedelta | None,
    asked: Asked,
) -> None:
    """Make a schedule that ends after so long, and write it down."""
    time = clocks.now_of(connection, now, schedule.clock)
    made = replace(schedule, end_at=None if lasts is None else time + lasts)
    schedules.create(connection, now, made)
    asked.created(made, time)


def resume(connection: Connection, now: datetime, *, schedule: Schedule, asked: Asked) -> None:
    """Let a schedule go on, and write down how many jobs one that pauses itself has made."""
    if schedule.pause_after is not None:
        found = schedules.find(connection, now, schedule.name)
        if found.paused_at is not None:
            told = (found.made, found.paused_by == "onbeat")
            asked.resumed.setdefault(schedule.id, []).append(told)
    schedules.resume(connection, now, schedule.name)


def note_skips(
    connection: Connection, now: datetime, *, schedule: Schedule, count: int, asked: Asked
) -> None:
    """Write down how it stands as so many moments are to be left out from now on."""
    found = schedules.find(connection, now, schedule.name)
    is_left_out = occurrences.c.reason.like("left out by %")
    query = select(func.count()).where(occurrences.c.schedule == schedule.id, is_left_out)
    stands = Skips(found.made, connection.scalar(query) or 0, found.skips, count)
    asked.skips.setdefault(schedule.id, []).append(stands)


class Client:
    """Asks for jobs by hand."""

    def __init__(
        self, store: Store, luck: random.Random, asked: Asked, bonds: Bonds, longest: float
    ) -> None:
        """Ask `store`, for jobs of up to `longest` seconds."""
        self._store = store
        self._bonds = bonds
        self._luck = luck
        self._asked = asked
        self._longest = longest

    async def ask_on(self, every_seconds: float) -> None:
        """Ask until ended."""
        while True:
            await asyncio.sleep(self._luck.uniform(0.3, 1.7) * every_seconds)
            await self.ask([self._any_job() for _ in range(self._luck.randint(1, 3))])

    async def bind_on(self, every_seconds: float) -> None:
        """Ask for jobs that are bound until ended."""
        while True:
            await asyncio.sleep(self._luck.uniform(0.3, 1.7) * every_seconds)
            if self._luck.random() < 0.4:
                key, seconds = self._luck.randrange(KEYS), self._luck.choice([0.0, 0.5, 3.0])
                await self.ask([keyed(self._store, key, seconds)])
            else:
                await self.ask(any_bound(self._store, self._luck))

    async def ask_for_keys(self) -> list[str]:
        """Ask once more for a job of every key; those that were refused."""
        batch = [keyed(self._store, key, 0.0) for key in range(KEYS)]
        await self.ask(list(batch))
        return [job.id for job in batch if job.id in self._bonds.refused]

    async def ask(self, batch: list[NewJob]) -> None:
        """Ask for `batch`, once more perhaps when the answer did not come."""
        self._hear(batch, Answer.UNKNOWN)
        for left in (1, 0):
            try:
                await self._send(batch)
            except StoreError:
                if not left or self._luck.random() > AGAIN:
                    return
                await asyncio.sleep(0.5)
            else:
                self._hear(batch, Answer.ACCEPTED)
                return

    async def _send(self, batch: list[NewJob]) -> None:
        """Have them stored, in the way of what they ask for."""
        self._bonds.keys |= {job.id: job.unique.key for job in batch if job.unique is not None}
        self._bonds.dated |= {job.id for job in batch if job.start_within is not None}
        if not any(job.has_conditions for job in batch):
            await self._store.enqueue(batch)
            return
        refused = await self._store.enqueue_with_conditions(batch)
        self._bonds.refused.update((str(job), str(held)) for job, held in refused.items())
        batch[:] = [job for job in batch if job.id not in refused]

    def linger(self, seconds: float) -> NewJob:
        """A job of so many seconds."""
        return self._job("linger", {"seconds": seconds})

    def _hear(self, batch: list[NewJob], answer: Answer) -> None:
        for job in batch:
            self._asked.heard(job.id, answer)

    def _any_job(self) -> NewJob:
        luck = self._luck
        kinds: list[tuple[float, str, dict[str, Any]]] = [
            (5, "blink", {}),
            (1, "linger", {"seconds": round(luck.uniform(0.1, self._longest), 3)}),
            (1, "stumble", {"failures": luck.randint(1, 5)}),
            (0.5, "overrun", {"overruns": luck.randint(1, 2)}),
            (0.5, "doze", {"seconds": luck.choice([0.0, 1.0, 3.0])}),
            (1, "breed", {}),
        ]
        [(_, task, args)] = luck.choices(kinds, [weight for weight, *_ in kinds])
        delay = timedelta(seconds=luck.uniform(0.1, 5)) if luck.random() < 0.15 else None
        job = self._job(task, args)
        return msgspec.structs.replace(job, delay=delay, priority=luck.choice([5, 5, 8]))

    def _job(self, task: str, args: dict[str, Any]) -> NewJob:
        tries = 4 if task in ("stumble", "overrun") else 3
        return NewJob(
            id=self._store.new_id(), task=task, args=msgspec.json.encode(args), max_attempts=tries
        )


class Operator:
    """Edits schedules, calls jobs off, moves the clock."""

    def __init__(self, store: Store, luck: random.Random, asked: Asked, bonds: Bonds) -> None:
        """Work on `store`."""
        self._store = store
        self._bonds = bonds
        self._luck = luck
        self._asked = asked
        self._made = 0

    async def work_on(self, every_seconds: float) -> None:
        """Do one thing after the other until ended; what fails, fails."""
        while True:
            await asyncio.sleep(self._luck.uniform(0.3, 1.7) * every_seconds)
            try:
                await self._luck.choice(self._deeds)()
            except (StoreError, Conflict, NotFound, InvalidInput):
                continue

    @property
    def _deeds(self) -> Sequence[Callable[[], Any]]:
        return (
            self._change_times, self._change_times, self._change_overlap, self._pause,
            self._pause_until, self._resume, self._skip_next, self._call_off, self._revive,
            self._make, self._move_clock, self._move_clock, self._start_flow, self._start_flow,
        )  # fmt: skip

    def _any(self, *, with_grid: bool = False) -> Schedule:
        among = [
            schedule
            for schedule in self._asked.schedules.values()
            if not with_grid or (schedule.id in self._asked.eras and schedule.clock is None)
        ]
        return self._luck.choice(among)

    async def _change_times(self) -> None:
        schedule, grid = self._any(with_grid=True), self._luck.choice(GRIDS)

        def work(connection: Connection, now: datetime) -> None:
            before = schedules.find(connection, now, schedule.name)
            schedules.change(connection, now, replace(before, recurrence=grid), by="operator")
            if before.recurrence != grid:
                self._asked.changed(schedule.id, grid, now)

        await self._store.write(work)

    async def _change_overlap(self) -> None:
        schedule = self._any(with_grid=True)
        if schedule.pause_after is not None:  # its jobs must not run side by side
            return
        overlap = self._luck.choice([each for each in Overlap if each is not Overlap.BUFFER_ALL])

        def work(connection: Connection, now: datetime) -> None:
            before = schedules.find(connection, now, schedule.name)
            schedules.change(connection, now, replace(before, overlap=overlap), by="operator")
            self._asked.admitted(schedule.id, overlap)

        await self._store.write(work)

    async def _pause(self) -> None:
        name = self._any().name
        await self._store.write(partial(schedules.pause, name=name, by="operator"))

    async def _pause_until(self) -> None:
        schedule, wait = self._any(), timedelta(seconds=self._luck.uniform(0.1, 20))
        name = schedule.name
        if schedule.pause_after is not None:  # nobody would write down that it is over
            return

        def work(connection: Connection, now: datetime) -> None:
            schedules.pause(connection, now, name, "operator", until=now + wait)

        await self._store.write(work)

    async def _resume(self) -> None:
        for schedule in list(self._asked.schedules.values()):
            await self._store.write(partial(resume, schedule=schedule, asked=self._asked))

    async def _skip_next(self) -> None:
        schedule, count = self._any(), self._luck.randint(0, 3)

        def work(connection: Connection, now: datetime) -> None:
            note_skips(connection, now, schedule=schedule, count=count, asked=self._asked)
            schedules.skip_next(connection, now, schedule.name, "operator", count)

        await self._store.write(work)

    async def _call_off(self) -> None:
        if not self._asked.answers:
            return
        among: Sequence[str] = list(self._asked.answers)[-10:]
        if self._bonds.flows and self._luck.random() < OF_FLOWS:
            among = [member.job.id for member in self._bonds.flows[-1].members]
        job = JobId(self._luck.choice(among))
        self._asked.called_off.add(job)
        await self._store.write(partial(jobs.cancel, job=job, reason="by the operator"))

    async def _revive(self) -> None:
        """Run a job again that has failed or was called off."""
        asked = list(self._asked.answers)[-20:]
        self._luck.shuffle(asked)
        await self._store.write(partial(self._revive_first, among=asked))

    def _revive_first(self, connection: Connection, now: datetime, among: Sequence[str]) -> None:
        for identity in among:
            job = JobId(identity)
            is_known = jobs.is_known(connection, job)
            if is_known and jobs.find(connection, now, job).state in ("failed", "cancelled"):
                query = select(func.max(attempts.c.token)).where(attempts.c.job == job)
                self._asked.revived[job] = connection.scalar(query) or 0
                jobs.revive(connection, now, job)
                self._asked.run_again.add(job)
                return

    async def _start_flow(self) -> None:
        flow = any_flow(self._store, self._luck)
        work = partial(start_flow, flow=flow, asked=self._asked, bonds=self._bonds)
        await self._store.write(work)

    async def _make(self) -> None:
        self._made += 1
        schedule = _any_schedule(self._store, self._luck, f"made {self._made}")
        lasts = any_length(schedule, self._luck)
        await self._store.write(partial(create, schedule=schedule, lasts=lasts, asked=self._asked))

    async def _move_clock(self) -> None:
        """Move it, and perhaps again while that is under way."""
        moves = [self._advance() for _ in range(self._luck.choice([1, 1, 2]))]
        for done in await asyncio.gather(*moves, return_exceptions=True):
            if isinstance(done, BaseException):
                raise done

    async def _advance(self) -> None:
        by = timedelta(seconds=self._luck.choice([10, 59, 1500]))
        await advance(self._store, CLOCK, by=by, jump=self._luck.random() < 0.3)
