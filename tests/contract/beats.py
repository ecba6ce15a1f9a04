"""Schedules and their ledger, in the words of the laws."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, Text, cast, func, insert, literal, select, true

from onbeat.domain.jobs import JobId
from onbeat.domain.schedules import Occurrence, Schedule
from onbeat.store import schedules
from onbeat.store.schema import schedules as table
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


async def many(store: Store, count: int, **fields: Any) -> Schedule:
    """So many schedules that differ by their names alone; the one they are copies of."""
    first = await create(store, **fields)
    await store.write(partial(_copy, first=first.id, count=count - 1))
    return first


def _copy(connection: Connection, _: datetime, first: str, count: int) -> None:
    """In the database itself: 100,000 take a second."""
    of = table.alias("of")
    numbers = select(literal(1).label("number")).cte("numbers", recursive=True)
    one_more = select(numbers.c.number + 1).where(numbers.c.number < count)
    numbers = numbers.union_all(one_more)
    is_postgres = connection.dialect.name == "postgresql"
    identity = func.gen_random_uuid() if is_postgres else func.lower(func.hex(func.randomblob(16)))
    own = {"id": identity, "name": of.c.name + "-" + cast(numbers.c.number, Text)}
    values = [own.get(each.name, of.c[each.name]) for each in table.c]
    rows = select(*values).select_from(of.join(numbers, true())).where(of.c.id == first)
    connection.execute(insert(table).from_select([each.name for each in table.c], rows))
