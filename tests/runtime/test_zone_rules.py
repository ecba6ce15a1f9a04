"""Zone rules change: what has run does not run again, and who has old ones leaves it to others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial

import pytest

from onbeat.domain.events import Event, ScheduleRepaired, ZoneRulesOld
from onbeat.domain.recurrence import cron
from onbeat.domain.schedules import Overlap, Schedule
from onbeat.runtime.scheduler import Scheduler
from onbeat.runtime.tick import tick
from onbeat.runtime.watchdog import Watchdog
from onbeat.store import schedule_rows, zone_rules
from onbeat.store.store import Store
from tests.contract.beats import again, create, ledger, outcomes
from tests.timing import START, ManualTiming

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
OLD, NEW = "2029c", "2030a"


async def daily(store: Store, *, ran_at: datetime, due_at: datetime) -> Schedule:
    """A schedule of each day at 13:00 UTC, which by the rules of before was due at other times."""
    made = await create(store, recurrence=cron("0 13 * * *"), overlap=Overlap.ALLOW)
    await store.write(
        lambda connection, now: schedule_rows.set_values(
            connection, made.id, created_at=START - 10 * DAY, changed_at=START - 10 * DAY,
            last_due_at=ran_at, next_due_at=due_at,
        )
    )  # fmt: skip
    return await again(store, made)


async def ticked(store: Store) -> list[Event]:
    said: list[Event] = []
    await tick(store, emit=said.append)
    return said


async def watched(store: Store) -> list[Event]:
    said: list[Event] = []
    await Watchdog(store, emit=said.append).step()
    return said


@pytest.mark.parametrize("look", [ticked, watched])
async def test_a_moment_that_moved_after_it_had_run_does_not_run_again(
    store: Store, timing: ManualTiming, look: Callable[[Store], Awaitable[list[Event]]]
) -> None:
    """What ran today at 12:00 would be due today at 13:00."""
    schedule = await daily(store, ran_at=START, due_at=START + DAY)
    if look is ticked:  # which sees it when it is due by the rules of before
        timing.advance(by=DAY)

    said = await look(store)

    [(moved, job)] = await ledger(store, schedule)
    assert (moved.due_at, moved.outcome, job) == (START + HOUR, "skipped", None)
    assert moved.reason == (
        "it was due at 2030-06-15T12:00:00Z already, by the zone's rules of then"
    )
    assert (await again(store, schedule)).next_due_at == START + HOUR + DAY
    assert any(isinstance(each, ScheduleRepaired) for each in said)


async def test_a_moment_that_moved_back_runs_late_and_once(
    store: Store, timing: ManualTiming
) -> None:
    """What ran yesterday at 14:00 was due today at 13:00, and is known as due at 14:00."""
    schedule = await daily(store, ran_at=START - 22 * HOUR, due_at=START + 2 * HOUR)
    timing.advance(by=2 * HOUR)

    await tick(store)
    await tick(store)

    [(occurrence, job)] = await ledger(store, schedule)
    assert (occurrence.due_at, occurrence.outcome) == (START + HOUR, "late")
    assert job is not None
    assert (await again(store, schedule)).next_due_at == START + HOUR + DAY


async def test_a_moment_that_is_yet_to_come_moves_with_the_rules(store: Store) -> None:
    schedule = await daily(store, ran_at=START - 23 * HOUR, due_at=START + 3 * HOUR)

    await watched(store)

    assert (await again(store, schedule)).next_due_at == START + HOUR
    assert await ledger(store, schedule) == []


def scheduler_with(store: Store, rules: str) -> tuple[Scheduler, list[Event]]:
    said: list[Event] = []
    return Scheduler(store, zone_rules=rules, emit=said.append), said


async def test_a_scheduler_with_old_rules_leaves_schedules_to_one_with_newer(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await create(store, recurrence=cron("* * * * *"))
    (newer, _), (older, said) = scheduler_with(store, NEW), scheduler_with(store, OLD)
    await newer.step()
    timing.advance(by=timedelta(minutes=1))

    await older.step()

    assert outcomes(await ledger(store, schedule)) == ["ran"]
    assert said == [ZoneRulesOld(OLD, NEW)]


async def test_it_goes_on_when_those_with_newer_rules_are_gone(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await create(store, recurrence=cron("0 13 * * *"))
    (newer, _), (older, said) = scheduler_with(store, NEW), scheduler_with(store, OLD)
    await newer.step()
    await older.step()
    timing.advance(by=HOUR)

    await older.step()

    assert outcomes(await ledger(store, schedule)) == ["ran"]
    assert said[1] == ZoneRulesOld(OLD, None)


async def test_schedulers_of_the_same_rules_work_side_by_side(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await create(store, recurrence=cron("* * * * *"), overlap=Overlap.ALLOW)
    (one, said), (other, _) = scheduler_with(store, NEW), scheduler_with(store, NEW)
    for each in (one, other, one, other):
        await each.step()
        timing.advance(by=timedelta(minutes=1))

    assert len(await ledger(store, schedule)) == 4
    assert not any(isinstance(each, ZoneRulesOld) for each in said)


async def test_a_watchdog_with_old_rules_mends_nothing(store: Store) -> None:
    schedule = await daily(store, ran_at=START - 23 * HOUR, due_at=START + 3 * HOUR)
    await store.write(partial(zone_rules.tell, rules=NEW))

    await Watchdog(store, zone_rules=OLD).step()

    assert (await again(store, schedule)).next_due_at == schedule.next_due_at
