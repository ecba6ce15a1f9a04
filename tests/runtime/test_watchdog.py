"""The watchdog finds schedules that would never be due again, mends them, and says so."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from onbeat.domain.events import Event, ScheduleRepaired
from onbeat.domain.recurrence import every
from onbeat.domain.schedules import Overlap, Schedule
from onbeat.runtime.tick import Planning, tick
from onbeat.runtime.watchdog import BETWEEN_PAGES, BETWEEN_ROUNDS, Watchdog
from onbeat.store.schema import schedules
from onbeat.store.store import Store
from tests import factories
from tests.contract.beats import MINUTE, again, create, ledger, outcomes
from tests.contract.world import acked, begin, claim_one, find
from tests.timing import START, ManualTiming


async def damage(store: Store, schedule: Schedule, **values: Any) -> None:
    """What no code of ours does: write to the row by hand."""
    await store.write(
        lambda connection, _: connection.execute(
            update(schedules).where(schedules.c.id == schedule.id).values(**values)
        )
    )


async def watched(store: Store) -> list[Event]:
    """What the watchdog says in one step."""
    events: list[Event] = []
    await Watchdog(store, emit=events.append).step()
    return events


@pytest.mark.parametrize(
    ("next_due_at", "wrong"),
    [
        (None, "its next time was lost"),
        (START + timedelta(hours=5), "its next time was too late"),
        (START + timedelta(seconds=30), "its next time is none of its moments"),
    ],
)
async def test_a_schedule_whose_next_time_is_wrong_is_mended_and_told_of(
    store: Store, timing: ManualTiming, next_due_at: Any, wrong: str
) -> None:
    schedule = await create(store, recurrence=every("1m"))
    await tick(store)
    await damage(store, schedule, next_due_at=next_due_at)

    events = await watched(store)

    assert events == [ScheduleRepaired(schedule.name, wrong, START + MINUTE)]
    assert (await again(store, schedule)).next_due_at == START + MINUTE


async def test_moments_that_were_lost_are_on_record_after_all(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await create(store, recurrence=every("1m"), overlap=Overlap.ALLOW)
    await tick(store)
    await damage(store, schedule, next_due_at=None)
    timing.advance(by=3 * MINUTE)

    await watched(store)
    await tick(store)

    assert outcomes(await ledger(store, schedule)) == ["ran", "coalesced", "ran"]


async def test_one_that_waits_for_a_job_that_has_ended_goes_on(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await create(store, recurrence=every("1m"), overlap=Overlap.BUFFER_ONE)
    await tick(store)
    [(_, job)] = await ledger(store, schedule)
    await acked(store, factories.ack(await claim_one(store, await begin(store))))
    await damage(store, schedule, next_due_at=None, held_due_at=START + MINUTE, awaits_job=job)

    [event] = await watched(store)

    assert isinstance(event, ScheduleRepaired)
    assert event.wrong == "it waited for a job that holds it no more"
    assert (await again(store, schedule)).next_due_at == START + MINUTE


async def test_one_that_waits_for_a_job_that_goes_on_is_left_alone(
    store: Store, timing: ManualTiming
) -> None:
    await create(store, recurrence=every("1m"), overlap=Overlap.BUFFER_ONE)
    await tick(store)
    timing.advance(by=MINUTE)
    await tick(store)

    assert await watched(store) == []


async def test_one_that_nobody_has_planned_for_long_is_planned(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await create(store, recurrence=every("1m"))
    timing.advance(by=2 * MINUTE)

    await watched(store)

    assert (await again(store, schedule)).made == 1


async def test_what_is_in_order_is_left_alone(store: Store, timing: ManualTiming) -> None:
    for overlap in Overlap:
        await create(store, recurrence=every("1m"), overlap=overlap)
    await create(store, recurrence=every("1m", after_finish=True))
    for _ in range(3):
        await tick(store)
        assert await watched(store) == []
        timing.advance(by=MINUTE)


async def test_all_schedules_are_looked_at_page_after_page(
    store: Store, timing: ManualTiming
) -> None:
    made = [await create(store, recurrence=every("1m")) for _ in range(5)]
    await tick(store)
    for schedule in made:
        await damage(store, schedule, next_due_at=None)
    events: list[Event] = []
    dog = Watchdog(store, at_once=2, emit=events.append)

    rests = [await dog.step() for _ in range(3)]

    assert rests == [BETWEEN_PAGES, BETWEEN_PAGES, BETWEEN_ROUNDS]
    assert {each.schedule for each in events if isinstance(each, ScheduleRepaired)} == {
        schedule.name for schedule in made
    }


async def test_a_job_that_was_to_be_stopped_is_asked_though_the_scheduler_died(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await create(store, recurrence=every("1m"), overlap=Overlap.CANCEL)
    await tick(store)
    claimed = await claim_one(store, await begin(store))
    timing.advance(by=MINUTE)
    planning = Planning(store.ids)
    await store.tick(planning.plan_all, 10)  # and nothing after it, as if the process had died

    await Watchdog(store).step()

    asked = (await find(store, claimed.id)).stop_asked
    assert asked == f"its schedule {schedule.name!r} is due again"
