"""Calendars by name: a schedule that keeps to one changes with it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import pytest

from onbeat.domain.errors import Conflict, NotFound
from onbeat.domain.recurrence import WorkCalendar, cron, union, work_calendar, workdays
from onbeat.store import calendars, schedules
from onbeat.store.schedule_rows import set_values
from onbeat.store.store import Store
from tests import factories
from tests.contract.beats import again, change, create

PLAIN = work_calendar("fr", weekend=[])
MONDAY = work_calendar("fr", weekend=[], holidays=["2030-06-17"])
SUNDAY = work_calendar("fr", weekend=[], holidays=["2030-06-16"])
DAILY = cron("0 9 * * *")  # the contract's time begins on Saturday, 2030-06-15, at noon


def day(number: int) -> datetime:
    return datetime(2030, 6, number, 9, tzinfo=UTC)


async def put(store: Store, calendar: WorkCalendar) -> list[str]:
    _, changed = await exchange(store, calendar)
    return changed


async def exchange(store: Store, calendar: WorkCalendar) -> tuple[WorkCalendar | None, list[str]]:
    return await store.write(partial(calendars.put, calendar=calendar, by="ann"))


async def test_a_calendar_is_kept_as_it_was_given(store: Store) -> None:
    await put(store, MONDAY)

    assert await store.read(partial(calendars.find, name="fr")) == MONDAY
    assert await store.read(calendars.list_calendars) == [MONDAY]


async def test_one_that_is_not_there_is_named(store: Store) -> None:
    with pytest.raises(NotFound, match="no calendar named 'fr'"):
        await store.read(partial(calendars.find, name="fr"))


async def test_schedules_change_with_their_calendar(store: Store) -> None:
    kept = await create(store, recurrence=workdays(DAILY, work_calendar("fr", weekend=["sun"])))
    nested = await create(store, recurrence=union(workdays(DAILY, PLAIN), cron("0 0 1 1 *")))
    other = await create(store, recurrence=workdays(DAILY, work_calendar("de", weekend=[])))

    changed = await put(store, work_calendar("fr", weekend=[], holidays=["2030-06-16"]))

    assert sorted(changed) == sorted([kept.name, nested.name])
    assert kept.next_due_at == day(17)
    assert nested.next_due_at == day(16)
    assert [(await again(store, each)).next_due_at for each in (kept, nested, other)] == [
        day(17), day(17), day(16),
    ]  # fmt: skip
    [version, *_] = await store.read(partial(schedules.list_versions, name=kept.name))
    assert (version.by, version.why) == ("ann", "the calendar fr changed")


async def test_a_calendar_that_says_the_same_changes_nothing(store: Store) -> None:
    await put(store, PLAIN)
    schedule = await create(store, recurrence=workdays(DAILY, PLAIN))

    assert await put(store, PLAIN) == []
    assert (await again(store, schedule)).version == 1


async def test_a_schedule_in_code_has_its_calendar_in_code(store: Store) -> None:
    schedule = await create(store, recurrence=workdays(DAILY, PLAIN), source="code:shop")

    assert await put(store, work_calendar("fr", weekend=[], holidays=["2030-06-16"])) == []
    assert (await again(store, schedule)).next_due_at == day(16)


async def test_who_read_a_calendar_before_it_changed_keeps_to_what_it_says_now(
    store: Store,
) -> None:
    await put(store, PLAIN)
    early = await create(store, recurrence=workdays(DAILY, PLAIN))
    await put(store, SUNDAY)

    late = await create(store, recurrence=union(workdays(DAILY, PLAIN), cron("0 0 1 1 *")))
    changed = await change(store, replace(early, queue="other"))
    await store.write(
        lambda c, now: schedules.create_many(
            c, now, [factories.schedule(name="many", recurrence=workdays(DAILY, PLAIN))]
        )
    )

    many = await store.read(lambda c, now: schedules.find(c, now, "many"))
    assert [each.next_due_at for each in (late, changed, many)] == [day(17)] * 3
    assert (changed.queue, changed.recurrence) == ("other", workdays(DAILY, SUNDAY))


async def test_a_schedule_in_code_keeps_to_the_calendar_in_code(store: Store) -> None:
    await put(store, SUNDAY)

    schedule = await create(store, recurrence=workdays(DAILY, PLAIN), source="code:shop")

    assert schedule.next_due_at == day(16)


async def test_a_calendar_and_a_schedule_that_change_at_once_lose_neither_change(
    store: Store, other_store: Store
) -> None:
    await put(store, PLAIN)
    schedule = await create(store, recurrence=workdays(DAILY, PLAIN))
    for number in range(1, 9):
        calendar = work_calendar("fr", weekend=[], holidays=["2030-06-16", f"2031-01-{number:02}"])
        before = await again(store, schedule)
        await asyncio.gather(
            put(store, calendar), change(other_store, replace(before, queue=f"q{number}"))
        )

        after = await again(store, schedule)
        assert (after.recurrence, after.queue) == (workdays(DAILY, calendar), f"q{number}")


async def test_a_schedule_that_cannot_be_read_keeps_no_calendar_from_changing(
    store: Store,
) -> None:
    await put(store, PLAIN)
    bad = await create(store, recurrence=workdays(DAILY, PLAIN))
    spec = {**workdays(DAILY, PLAIN).spec(), "source": {"kind": "of a newer Onbeat"}}
    await store.write(lambda c, now: set_values(c, bad.id, recurrence=json.dumps(spec)))

    assert await put(store, SUNDAY) == []
    assert (await again(store, bad)).broken is not None


async def test_one_that_a_schedule_keeps_to_is_not_removed(store: Store) -> None:
    await put(store, PLAIN)
    schedule = await create(store, recurrence=workdays(DAILY, PLAIN))
    with pytest.raises(Conflict, match=schedule.name):
        await store.write(partial(calendars.remove, name="fr"))
    await store.write(lambda c, now: schedules.remove(c, now, schedule.name))

    await store.write(partial(calendars.remove, name="fr"))

    assert await store.read(calendars.list_calendars) == []


async def test_each_of_many_puts_at_once_says_what_it_took_the_place_of(store: Store) -> None:
    given = [work_calendar("fr", holidays=[f"2030-06-{number}"]) for number in range(10, 18)]

    answers = await asyncio.gather(*(exchange(store, each) for each in given))

    kept = await store.read(partial(calendars.find, name="fr"))
    replaced = [before.holidays for before, _ in answers if before is not None]
    assert sorted([*replaced, kept.holidays], key=str) == sorted(
        (each.holidays for each in given), key=str
    )
