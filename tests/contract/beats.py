"""Schedules and their ledger, in the words of the laws."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from onbeat.domain.jobs import JobId
from onbeat.domain.schedules import Occurrence, Schedule
from onbeat.store import schedules
from onbeat.store.store import Store
from tests import factories

MINUTE = timedelta(minutes=1)


async def create(store: Store, **fields: Any) -> Schedule:
    wanted = factories.schedule(**fields)
    return await store.write(lambda connection, now: schedules.create(connection, now, wanted))


async def change(store: Store, schedule: Schedule) -> Schedule:
    return await store.write(lambda connection, now: schedules.change(connection, now, schedule))


async def again(store: Store, schedule: Schedule) -> Schedule:
    """The schedule as it is stored now."""
    return await store.read(lambda c, now: schedules.find(c, now, schedule.name))


async def ledger(store: Store, schedule: Schedule) -> list[tuple[Occurrence, JobId | None]]:
    """What is on record of a schedule's moments, oldest first."""
    return [each for each in await all_due(store, schedule) if each[0].outcome != "undecided"]


async def all_due(store: Store, schedule: Schedule) -> list[tuple[Occurrence, JobId | None]]:
    """The same, and what is due and not planned yet."""
    rows = await store.read(lambda c, now: schedules.list_occurrences(c, now, schedule.name))
    return list(reversed(rows))


def outcomes(rows: list[tuple[Occurrence, JobId | None]]) -> list[str]:
    return [str(occurrence.outcome) for occurrence, _ in rows]
