"""What the judge makes of 100,000 schedules: in a minute, and by one probe of an index."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, text, update

from onbeat.domain.recurrence import every
from onbeat.runtime.judge import LOOK_EVERY, Judge
from onbeat.store import expectations
from onbeat.store.schema import expectations as stored
from onbeat.store.schema import schedules
from onbeat.store.store import Store
from tests.contract import beats
from tests.contract.judging import judged, listed, schedule_at_work
from tests.timing import ManualTiming

MANY = 100_000
MINUTE = 60
HALF_AN_HOUR = timedelta(minutes=30)


@pytest.fixture
async def many(store: Store) -> Store:
    """A store in which so many schedules are at work."""
    await schedule_at_work(store)
    await beats.many(store, MANY, recurrence=every("1d"))
    return store


async def walked(store: Store, timing: ManualTiming) -> Judge:
    """A judge that has seen all of them."""
    judge = await judged(store, timing)
    for _ in range(MINUTE // int(LOOK_EVERY)):
        if await store.read(expectations.count) == MANY:
            return judge
        await judged(store, timing, judge)
    raise AssertionError(f"{await store.read(expectations.count):,} were seen within a minute")


async def missed(store: Store, order: Any) -> str:
    """A moment of the first in that order was missed just now; its id."""

    def write(connection: Connection, _: Any) -> str:
        found = connection.scalar(select(schedules.c.id).order_by(order).limit(1))
        connection.execute(update(schedules).where(schedules.c.id == found).values(missed=1))
        return str(found)

    return await store.write(write)


async def test_a_moment_that_one_of_a_hundred_thousand_schedules_missed_is_found_within_a_minute(
    many: Store, timing: ManualTiming
) -> None:
    judge = await walked(many, timing)
    first = await missed(many, schedules.c.id)
    last = await missed(many, schedules.c.id.desc())

    await judged(many, timing, judge, rounds=MINUTE // int(LOOK_EVERY))

    found = [each.subject for each in await listed(many) if each.rule == "missed"]
    assert sorted(found) == sorted([first, last])


@pytest.mark.parametrize("is_counted", [True, False], ids=["analysed", "not analysed"])
async def test_staleness_of_a_hundred_thousand_schedules_is_one_probe_of_an_index(
    many: Store, is_counted: bool
) -> None:
    await many.write(partial(_expect, is_counted=is_counted))

    plan = await many.read(_plan_of_the_probe)

    assert plan in (
        ["SEARCH onbeat_expectations USING INDEX onbeat_expectations_due (since_at<?)"],
        ["Limit", "Index Scan using onbeat_expectations_due on onbeat_expectations"],
    )


def _expect(connection: Connection, _: Any, is_counted: bool) -> None:
    """A success of each is due when its next moment is."""
    rows = select(schedules.c.id, schedules.c.next_due_at, schedules.c.version, schedules.c.missed)
    names = ["schedule", "since_at", "version", "missed"]
    connection.execute(insert(stored).from_select(names, rows))
    if is_counted:
        connection.execute(text("ANALYZE"))


def _plan_of_the_probe(connection: Connection, now: Any) -> list[str]:
    """The steps of the engine's plan, without what they cost."""
    probe = expectations.probe(now - HALF_AN_HOUR)
    sql = str(probe.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True}))
    is_postgres = connection.dialect.name == "postgresql"
    explain = "EXPLAIN (COSTS OFF)" if is_postgres else "EXPLAIN QUERY PLAN"
    steps = [str(row[-1]) for row in connection.exec_driver_sql(f"{explain} {sql}")]
    return [each.strip(" ->") for each in steps if "Index Cond" not in each]
