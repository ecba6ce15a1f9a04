"""A year of 200 mixed schedules in 20 zones, with ticks and downtimes at random moments: the ledger
has no hole and no double, and every job that was made is one that it knows.
"""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import select

from onbeat.domain.recurrence import Recurrence, cron, every, exclusion, rrule, union
from onbeat.domain.schedules import Occurrence, Overlap, Schedule, parse_catch_up
from onbeat.runtime.tick import tick
from onbeat.store import schedules, workers
from onbeat.store.schema import jobs, occurrences
from onbeat.store.store import Store
from tests import factories
from tests.contract.world import TERM, acked, begin
from tests.timing import START, ManualTiming

YEAR = timedelta(days=365)
COUNT = 200
ZONES = (
    "UTC", "Europe/Paris", "Europe/London", "America/New_York", "America/Sao_Paulo",
    "America/St_Johns", "America/Havana", "America/Santiago", "Africa/Cairo", "Africa/Casablanca",
    "Asia/Beirut", "Asia/Tehran", "Asia/Kathmandu", "Asia/Tokyo", "Australia/Lord_Howe",
    "Australia/Adelaide", "Pacific/Apia", "Pacific/Chatham", "Pacific/Auckland",
    "Antarctica/Troll",
)  # fmt: skip
CATCH_UPS = ("latest within 1d", "latest within 30d", "first within 2d", "none", "all within 12h",
             "all within 3d at most 5 every 10s")  # fmt: skip


def recurrence(luck: random.Random, zone: str) -> Recurrence:
    """One of a kind that people use."""
    hour, minute = luck.randrange(24), luck.randrange(60)
    kinds: list[Recurrence] = [
        cron(f"{minute} {hour} * * *", tz=zone),
        cron(f"{minute} {luck.randrange(4)} * * mon-fri", tz=zone),
        cron(f"{minute} */6 * * *", tz=zone),
        cron(f"{minute} {hour} L * *", tz=zone),
        every("7h"),
        every("1d", tz=zone),
        every("1 month", tz=zone),
        rrule("FREQ=WEEKLY;BYDAY=MO,TH;BYHOUR=2;BYMINUTE=30", tz=zone),
        union(every("2d", tz=zone), cron(f"{minute} {hour} 1 * *", tz=zone)),
        exclusion(
            cron(f"{minute} {hour} * * *", tz=zone), cron(f"{minute} {hour} * * sun", tz=zone)
        ),
    ]
    return luck.choice(kinds)


def mixed(luck: random.Random) -> Iterator[Schedule]:
    """Schedules of all kinds, in all zones, with all policies."""
    for number in range(COUNT):
        yield factories.schedule(
            recurrence=recurrence(luck, ZONES[number % len(ZONES)]),
            catch_up=parse_catch_up(luck.choice(CATCH_UPS)),
            overlap=luck.choice(list(Overlap)),
            end_at=START + YEAR / 2 if luck.random() < 0.1 else None,
            start_at=START + YEAR / 4 if luck.random() < 0.1 else None,
            limit=luck.randrange(1, 60) if luck.random() < 0.1 else None,
            jitter=timedelta(seconds=luck.choice([0, 0, 90])),
        )


async def end_some(store: Store, luck: random.Random) -> None:
    """A worker runs what there is to run, or some of it."""
    session = await begin(store, TERM * 1_000_000)
    await store.promote(1_000)
    claimed = await store.claim(session.id, ["default"], luck.choice([0, 20, 1_000]))
    moves = {True: "complete", False: "bury"}
    await acked(store, *(factories.ack(job, moves[luck.random() < 0.8]) for job in claimed))
    await store.write(lambda c, now: workers.end(c, now, session.id))


def expected(schedule: Schedule, until: datetime) -> Iterator[datetime]:
    """Every moment of the schedule from the year's begin on."""
    begin_at = max(START, schedule.start_at or START)
    end_at = min(until, schedule.end_at or until)
    moment = schedule.recurrence.next(begin_at - timedelta(microseconds=1))
    while moment is not None and moment <= end_at:
        yield moment
        moment = schedule.recurrence.next(moment)


def wrongs(
    schedule: Schedule, found: list[Occurrence], moments: list[datetime]
) -> Iterator[datetime]:
    """Moments that stand in no entry of the ledger, or in two."""
    counted = [0] * len(moments)
    for entry in found:
        first = bisect_left(moments, entry.due_at)
        for place in range(first, bisect_right(moments, entry.through_at or entry.due_at)):
            counted[place] += 1
    for moment, count in zip(moments, counted, strict=True):
        if count != 1:
            yield moment


@pytest.mark.parametrize("seed", [7])
async def test_a_year_has_no_hole_and_no_double(
    store: Store, timing: ManualTiming, seed: int
) -> None:
    luck = random.Random(seed)
    made = list(mixed(luck))
    await store.write(lambda c, now: schedules.create_many(c, now, made))
    while timing.now() < START + YEAR:
        hours = luck.choice([0.02, 1, 3, 6, 12, 24, 24 * luck.random() * 10])
        timing.advance(by=timedelta(hours=hours))
        while (await tick(store)).is_full:
            pass
        await end_some(store, luck)
    for _ in range(150):  # what waited for jobs runs, one after the other
        await end_some(store, random.Random(0))
        await tick(store)

    found = [
        (each, await store.read(
            partial(schedules.list_occurrences, name=each.name, limit=100_000)
        ))
        for each in made
    ]  # fmt: skip
    bad = []
    for schedule, entries in found:
        moments = list(expected(schedule, timing.now()))
        stands = await store.read(partial(schedules.find, name=schedule.name))
        if stands.limit is not None and stands.made >= stands.limit and entries:
            last = entries[0][0].through_at or entries[0][0].due_at
            moments = [moment for moment in moments if moment <= last]
        bad += [
            (schedule.recurrence.describe(), str(schedule.overlap), str(schedule.catch_up), moment)
            for moment in wrongs(schedule, [entry for entry, _ in entries], moments)
        ]
    assert bad == []
    booked = await store.read(lambda c, _: set(c.scalars(select(jobs.c.id))))
    known = await store.read(
        lambda c, _: c.scalars(
            select(occurrences.c.job).where(occurrences.c.job.is_not(None))
        ).all()
    )
    assert len(known) == len(set(known))
    assert set(known) == booked
