"""The scheduler makes due schedules into jobs and due jobs pending, none twice and none held up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from onbeat.domain.events import Event, ScheduleBroken, Ticked
from onbeat.domain.recurrence import cron, every
from onbeat.domain.schedules import OccurrenceOutcome, Schedule
from onbeat.domain.states import State
from onbeat.runtime.scheduler import LONGEST_REST, SHORTEST_REST, Scheduler
from onbeat.runtime.tick import SCHEDULES_AT_ONCE, tick
from onbeat.store import schedules
from onbeat.store.schema import jobs
from onbeat.store.schema import schedules as table
from onbeat.store.store import Promoted, Store
from onbeat.store.wakeups import SCHEDULER
from tests import factories
from tests.contract import world
from tests.runtime.flaky import FlakyStore
from tests.runtime.services import within_deadline
from tests.timing import ManualTiming
from tests.waiting import wait_for

MINUTE = timedelta(minutes=1)


async def created(store: Store, **fields: object) -> Schedule:
    """A schedule on record."""
    wanted = factories.schedule(**fields)
    return await store.write(lambda connection, now: schedules.create(connection, now, wanted))


async def made(store: Store, schedule: Schedule) -> int:
    """How many jobs it has made."""
    found = await store.read(
        lambda connection, _: connection.execute(
            select(jobs.c.id).where(jobs.c.schedule == schedule.id)
        ).all()
    )
    return len(found)


async def spoil(store: Store, schedule: Schedule) -> None:
    """Make its recurrence unreadable, as a downgrade would find one of a newer Onbeat."""
    await store.write(
        lambda connection, _: connection.execute(
            update(table).where(table.c.id == schedule.id).values(recurrence='{"kind":"tide"}')
        )
    )


@asynccontextmanager
async def scheduling(store: Store) -> AsyncIterator[Scheduler]:
    """A scheduler at work."""
    scheduler = Scheduler(store)
    await scheduler.start()
    try:
        yield scheduler
    finally:
        await within_deadline(scheduler.stop())


async def test_a_due_schedule_makes_a_job(store: Store, timing: ManualTiming) -> None:
    schedule = await created(store, recurrence=cron("* * * * *"))
    timing.advance(by=MINUTE)

    done = await tick(store)

    assert (done.fired, await made(store, schedule)) == (1, 1)


async def test_a_tick_promotes_jobs_whose_moment_has_come(
    store: Store, timing: ManualTiming
) -> None:
    job = await world.enqueue(store, delay=MINUTE)
    timing.advance(by=MINUTE)

    done = await tick(store)

    assert (done.promoted, await world.state(store, job)) == (1, State.PENDING)


async def test_a_tick_with_nothing_to_do_tells_nothing(store: Store) -> None:
    events: list[Event] = []

    await tick(store, emit=events.append)

    assert events == []


async def test_a_tick_tells_how_late_it_was(store: Store, timing: ManualTiming) -> None:
    events: list[Event] = []
    await created(store, recurrence=cron("* * * * *"))
    await tick(store)
    timing.advance(by=MINUTE + timedelta(seconds=3))

    await tick(store, emit=events.append)

    [told] = [each for each in events if isinstance(each, Ticked)]
    assert told.lateness == timedelta(seconds=3)


async def test_two_ticks_at_one_moment_make_one_job(store: Store, other_store: Store) -> None:
    schedule = await created(store, recurrence=cron("* * * * *"))

    await tick(store)
    await tick(other_store)

    assert await made(store, schedule) == 1


async def test_a_broken_schedule_is_set_aside_and_the_others_fire(
    store: Store, timing: ManualTiming
) -> None:
    events: list[Event] = []
    broken = await created(store, recurrence=cron("* * * * *"))
    sound = await created(store, recurrence=cron("* * * * *"))
    await spoil(store, broken)
    timing.advance(by=MINUTE)

    await tick(store, emit=events.append)

    [told] = [each for each in events if isinstance(each, ScheduleBroken)]
    assert (told.schedule, await made(store, sound)) == (broken.name, 1)


async def test_a_broken_schedule_is_not_planned_again(store: Store, timing: ManualTiming) -> None:
    events: list[Event] = []
    await spoil(store, await created(store, recurrence=cron("* * * * *")))
    timing.advance(by=MINUTE)
    await tick(store)
    timing.advance(by=MINUTE)

    await tick(store, emit=events.append)

    assert events == []


async def test_more_than_a_ticks_worth_says_so(store: Store, timing: ManualTiming) -> None:
    for _ in range(3):
        await created(store, recurrence=cron("* * * * *"))
    timing.advance(by=MINUTE)

    first = await tick(store, most_schedules=2)
    second = await tick(store, most_schedules=2)

    assert [(each.fired, each.is_full) for each in (first, second)] == [(2, True), (1, False)]


async def test_it_rests_until_the_next_moment_when_that_is_near(
    store: Store, timing: ManualTiming
) -> None:
    await world.enqueue(store, delay=timedelta(milliseconds=300))

    assert await Scheduler(store).step() == pytest.approx(0.3)


async def test_it_never_rests_longer_than_a_lost_wakeup_may_cost(store: Store) -> None:
    await world.enqueue(store, delay=timedelta(hours=1))

    assert await Scheduler(store).step() == LONGEST_REST


async def test_while_nothing_is_due_it_only_looks(store: Store) -> None:
    await world.enqueue(store, delay=timedelta(seconds=2))
    watched = FlakyStore(store)
    scheduler = Scheduler(watched)
    await scheduler.step()
    watched.calls.clear()

    await scheduler.step()

    assert watched.calls == {"next_due": 1}


async def test_it_rests_a_moment_when_another_scheduler_is_planning_what_is_due(
    store: Store, timing: ManualTiming
) -> None:
    await world.enqueue(store, delay=MINUTE)
    timing.advance(by=MINUTE)

    assert await Scheduler(Blind(store)).step() == SHORTEST_REST


class Blind(FlakyStore):
    """A store whose due rows are all locked by somebody else."""

    async def promote(self, limit: int) -> Promoted:
        """See nothing."""
        return Promoted(0)


async def test_it_does_not_rest_when_there_may_be_more(store: Store, timing: ManualTiming) -> None:
    wanted = factories.jobs(1_000, delay=MINUTE)
    await store.enqueue(wanted)
    timing.advance(by=MINUTE)

    assert await Scheduler(store).step() == 0.0


async def test_a_running_scheduler_fires_when_time_comes(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await created(store, recurrence=every("1m"))
    async with scheduling(store):
        timing.advance(by=MINUTE)

        await wait_for(lambda: made(store, schedule))


async def test_it_looks_again_when_something_is_due_sooner(store: Store) -> None:
    async with scheduling(store) as scheduler:
        await wait_for(lambda: _has_stepped(scheduler, 1))
        schedule = await created(store, recurrence=cron("* * * * *"))

        store.wakeups.send([SCHEDULER])

        await wait_for(lambda: made(store, schedule))


async def test_a_stopped_scheduler_is_woken_no_more(store: Store) -> None:
    async with scheduling(store) as scheduler:
        pass
    scheduler.woken.clear()

    store.wakeups.send([SCHEDULER])

    assert not scheduler.woken.is_set()


async def test_each_moment_is_on_record_once(store: Store, timing: ManualTiming) -> None:
    schedule = await created(store, recurrence=cron("* * * * *"), overlap="allow")
    for _ in range(3):
        await tick(store)
        await tick(store)
        timing.advance(by=MINUTE)

    ledger = await store.read(
        lambda connection, now: schedules.list_occurrences(connection, now, schedule.name)
    )

    undecided, *ran = [each.outcome for each, _ in ledger]
    assert (undecided, ran) == (OccurrenceOutcome.UNDECIDED, [OccurrenceOutcome.RAN] * 3)


async def _has_stepped(scheduler: Scheduler, times: int) -> bool:
    return scheduler.snapshot().successes >= times


async def test_a_backlog_longer_than_a_tick_is_made_into_jobs_once_each(
    store: Store, timing: ManualTiming
) -> None:
    """On PostgreSQL ticks go side by side then."""
    wanted = [factories.schedule() for _ in range(3 * SCHEDULES_AT_ONCE)]
    await store.write(lambda connection, now: schedules.create_many(connection, now, wanted))
    timing.advance(seconds=61)
    scheduler = Scheduler(store)

    while await scheduler.step() == 0:
        pass

    fired = await store.read(
        lambda connection, _: connection.scalars(select(jobs.c.schedule)).all()
    )
    assert sorted(fired) == sorted(each.id for each in wanted)
