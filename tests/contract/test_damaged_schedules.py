"""A schedule that can no longer be read is shown with the reason, can be mended, hides no other."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from onbeat.domain.recurrence import every
from onbeat.domain.schedules import Schedule
from onbeat.store import schedules
from onbeat.store.schema import schedules as table
from onbeat.store.store import Store
from tests import factories

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

    listed = await store.read(schedules.list_schedules)

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

    assert await store.read(schedules.list_schedules) == []


async def test_what_is_stored_of_a_damaged_recurrence_can_be_changed_in_part(store: Store) -> None:
    await add(store, "bad")
    stored = '{"kind": "cron", "expr": "* * * * *", "tz": "Mars/X"}'
    await damage(store, "bad", {"recurrence": stored})

    assert (await found(store, "bad")).recurrence.spec()["tz"] == "Mars/X"
