"""A schedule that can no longer be read is shown with the reason, can be mended, hides no other."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from onbeat.domain.recurrence import every
from onbeat.domain.schedules import Schedule
from onbeat.runtime.tick import tick
from onbeat.store import schedule_lists, schedules
from onbeat.store.schema import schedules as table
from onbeat.store.store import Store
from tests import factories
from tests.contract.beats import ledger
from tests.timing import START, ManualTiming

DAMAGES = [
    pytest.param(
        {"recurrence": '{"kind": "cron", "expr": "* * * * *", "tz": "Mars/X"}'}, id="zone"
    ),
    pytest.param({"recurrence": '{"kind": "of a newer Onbeat"}'}, id="kind"),
    pytest.param({"recurrence": "[]"}, id="form"),
    pytest.param({"catch_up": "sometimes"}, id="catch-up"),
    pytest.param({"overlap": "somehow"}, id="overlap"),
]


async def add(store: Store, name: str) -> Schedule:
    schedule = factories.schedule(name=name, recurrence=every("1h"))
    return await store.write(lambda c, now: schedules.create(c, now, schedule))


async def damage(store: Store, name: str, values: dict[str, Any]) -> None:
    change = update(table).where(table.c.name == name).values(**values)
    await store.write(lambda c, now: c.execute(change))


async def found(store: Store, name: str) -> Schedule:
    return await store.read(lambda c, now: schedules.find(c, now, name))


@pytest.mark.parametrize("values", DAMAGES)
async def test_a_damaged_schedule_hides_no_other_and_says_why(
    store: Store, values: dict[str, Any]
) -> None:
    await add(store, "bad")
    await add(store, "good")
    await damage(store, "bad", values)

    listed = await store.read(schedule_lists.page)

    assert [(each.name, each.broken is None) for each in listed] == [("bad", False), ("good", True)]


@pytest.mark.parametrize("values", DAMAGES)
async def test_a_damaged_schedule_can_be_mended(store: Store, values: dict[str, Any]) -> None:
    schedule = await add(store, "bad")
    await damage(store, "bad", values)

    await store.write(lambda c, now: schedules.change(c, now, schedule))

    assert (await found(store, "bad")).broken is None


@pytest.mark.parametrize("values", DAMAGES)
async def test_a_damaged_schedule_can_be_removed(store: Store, values: dict[str, Any]) -> None:
    await add(store, "bad")
    await damage(store, "bad", values)

    await store.write(lambda c, now: schedules.remove(c, now, "bad"))

    assert await store.read(schedule_lists.page) == []


async def test_what_is_stored_of_a_damaged_recurrence_can_be_changed_in_part(store: Store) -> None:
    await add(store, "bad")
    stored = '{"kind": "cron", "expr": "* * * * *", "tz": "Mars/X"}'
    await damage(store, "bad", {"recurrence": stored})

    assert (await found(store, "bad")).recurrence.spec()["tz"] == "Mars/X"


@pytest.mark.parametrize("values", DAMAGES)
async def test_a_damaged_schedule_is_set_aside_and_makes_no_job(
    store: Store, timing: ManualTiming, values: dict[str, Any]
) -> None:
    schedule = await add(store, "bad")
    await damage(store, "bad", values)
    timing.advance(by=timedelta(hours=2))

    await tick(store)

    assert await ledger(store, schedule) == []
    stored = await store.read(lambda c, _: c.execute(select(table.c.broken)).scalar_one())
    assert stored is not None


@pytest.mark.parametrize("values", DAMAGES)
async def test_what_was_due_while_it_was_set_aside_is_one_missed_range(
    store: Store, timing: ManualTiming, values: dict[str, Any]
) -> None:
    schedule = await add(store, "bad")
    await damage(store, "bad", values)
    timing.advance(by=timedelta(hours=2.5))
    await tick(store)

    await store.write(lambda c, now: schedules.change(c, now, schedule))

    [(missed, _)] = await ledger(store, schedule)
    assert (str(missed.outcome), missed.due_at) == ("missed", schedule.next_due_at)
    assert missed.through_at is not None
    assert missed.through_at >= missed.due_at + timedelta(hours=2)
    assert (missed.reason or "").startswith("it was set aside until it was changed: ")


UNREADABLE = {"recurrence": '{"kind": "cron", "expr": "* * * * *", "tz": "Mars/X"}'}


async def resume_damaged(store: Store, timing: ManualTiming, after: timedelta) -> Schedule:
    """A paused schedule that is damaged meanwhile, resumed so long after."""
    schedule = await add(store, "bad")
    await store.write(lambda c, now: schedules.pause(c, now, "bad", by="ann"))
    await damage(store, "bad", UNREADABLE)
    timing.advance(by=after)
    await store.write(lambda c, now: schedules.resume(c, now, "bad"))
    return schedule


@pytest.mark.parametrize("after", [timedelta(seconds=1), timedelta(hours=2.5)])
async def test_resumed_and_unreadable_it_is_set_aside(
    store: Store, timing: ManualTiming, after: timedelta
) -> None:
    await resume_damaged(store, timing, after)

    stored = await store.read(lambda c, _: c.execute(select(table.c.broken)).scalar_one())

    assert "Mars/X" in (stored or "")
    assert await store.read(schedules.set_aside) == (["bad"], 1)


@pytest.mark.parametrize("after", [timedelta(seconds=1), timedelta(hours=2.5)])
async def test_resumed_and_unreadable_it_comes_back_when_it_is_changed(
    store: Store, timing: ManualTiming, after: timedelta
) -> None:
    schedule = await resume_damaged(store, timing, after)

    mended = await store.write(lambda c, now: schedules.change(c, now, schedule))

    assert mended.broken is None
    assert mended.paused_at is None
    assert mended.next_due_at is not None


async def resumed(store: Store, timing: ManualTiming, values: dict[str, Any]) -> Schedule:
    """One of every hour that was damaged while it was paused, over two of its moments."""
    schedule = await add(store, "bad")
    await store.write(lambda c, now: schedules.pause(c, now, "bad", "ann"))
    await damage(store, "bad", values)
    timing.advance(by=timedelta(hours=2.5))
    await store.write(lambda c, now: schedules.resume(c, now, "bad"))
    return schedule


@pytest.mark.parametrize("values", DAMAGES)
async def test_a_damaged_schedule_that_is_resumed_is_set_aside(
    store: Store, timing: ManualTiming, values: dict[str, Any]
) -> None:
    await resumed(store, timing, values)

    names, count = await store.read(schedules.set_aside)
    shown = await found(store, "bad")

    assert (names, count, shown.paused_at) == (["bad"], 1, None)
    assert shown.next_due_at is not None


@pytest.mark.parametrize("values", DAMAGES)
async def test_a_damaged_schedule_that_was_resumed_comes_back_when_it_is_mended(
    store: Store, timing: ManualTiming, values: dict[str, Any]
) -> None:
    schedule = await resumed(store, timing, values)
    timing.advance(by=timedelta(hours=2))

    mended = await store.write(lambda c, now: schedules.change(c, now, schedule))

    entries = [entry for entry, _ in await ledger(store, schedule)]
    assert [str(each.outcome) for each in entries] == ["skipped", "missed"]
    assert entries[0].reason == "paused by ann"
    assert (mended.broken, mended.next_due_at) == (None, START + timedelta(hours=5))


async def test_a_change_that_leaves_what_cannot_be_read_leaves_it_set_aside(
    store: Store, timing: ManualTiming
) -> None:
    await add(store, "bad")
    await damage(store, "bad", {"recurrence": '{"kind": "of a newer Onbeat"}'})
    timing.advance(by=timedelta(hours=2))
    bad = await found(store, "bad")

    await store.write(lambda c, now: schedules.change(c, now, replace(bad, queue="other")))

    names, _ = await store.read(schedules.set_aside)
    assert names == ["bad"]
    assert (await found(store, "bad")).queue == "other"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_arguments_that_are_no_json_set_it_aside_until_they_are_given_anew(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await add(store, "bad")
    await damage(store, "bad", {"args": "{oops"})
    timing.advance(by=timedelta(hours=1))

    await tick(store)
    broken = (await found(store, "bad")).broken
    mended = await store.write(lambda c, now: schedules.change(c, now, schedule))
    versions = await store.read(lambda c, now: schedules.list_versions(c, now, "bad"))

    assert broken == "args: what is stored is not JSON; give them anew"
    assert (mended.broken, mended.args) == (None, schedule.args)
    assert "{oops" in versions[-1].said


async def test_those_that_are_set_aside_are_counted_and_the_first_are_named(store: Store) -> None:
    for name in ("e", "d", "c", "b", "good"):
        await add(store, name)
    none = await store.read(schedules.set_aside)
    for name in ("e", "d", "c", "b"):
        await damage(store, name, {"broken": "no zone Mars/X"})

    assert none == ([], 0)
    assert await store.read(schedules.set_aside) == (["b", "c", "d"], 4)
