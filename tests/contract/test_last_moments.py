"""What came of the last moments of each schedule of a list: told of all in one statement."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert

from onbeat.domain.recurrence import every
from onbeat.domain.schedule_filters import LAST_MOMENTS, Came
from onbeat.domain.schedules import CatchUp, CatchUpMode, Overlap, Schedule
from onbeat.runtime.tick import tick
from onbeat.store import schedule_lists
from onbeat.store.last_moments import last_moments
from onbeat.store.schema import occurrences
from onbeat.store.store import Store
from tests import factories
from tests.contract.beats import MINUTE, create, many
from tests.contract.world import acked, begin, claim_one
from tests.timing import START, ManualTiming

HOUR = timedelta(hours=1)


async def told(store: Store, *wanted: Schedule) -> list[list[Came]]:
    """Of each its last moments, the newest first."""
    ids = [each.id for each in wanted]
    found = await store.read(lambda c, _: last_moments(c, ids))
    return [list(found.get(each, ())) for each in ids]


async def test_a_moment_has_come_to_what_its_job_has_and_else_to_what_is_on_record(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await create(store, overlap=Overlap.SKIP, catch_up=CatchUp(CatchUpMode.NONE))
    session = await begin(store, term=HOUR)
    for move in ("complete", "bury"):
        await tick(store)
        await acked(store, factories.ack(await claim_one(store, session), move))
        timing.advance(by=MINUTE)
    await tick(store)
    await claim_one(store, session)
    timing.advance(by=MINUTE)
    await tick(store)
    timing.advance(by=5 * MINUTE)
    await tick(store)

    [found] = await told(store, schedule)

    assert [each.came for each in found] == [
        "skipped", "missed", "skipped", "running", "failed", "completed",
    ]  # fmt: skip
    assert [each.due_at for each in found][-2:] == [START + MINUTE, START]
    assert [each.job is None for each in found] == [True, True, True, False, False, False]
    assert (found[1].due_at, found[1].through_at) == (START + 4 * MINUTE, START + 7 * MINUTE)


@pytest.mark.parametrize("number", [LAST_MOMENTS - 1, LAST_MOMENTS, LAST_MOMENTS + 5])
async def test_of_each_the_last_are_told_and_no_more(store: Store, number: int) -> None:
    one, other, _ = [await create(store) for _ in range(3)]
    await store.write(partial(_recorded, schedules=[one.id, other.id], number=number))

    [first, second] = await told(store, one, other)

    assert len(first) == len(second) == min(number, LAST_MOMENTS)
    assert first[0].due_at == START + (number - 1) * MINUTE
    assert first == sorted(first, key=lambda each: each.due_at, reverse=True)


async def test_a_page_of_fifty_with_a_long_past_is_one_statement_by_index(store: Store) -> None:
    await many(store, 50, recurrence=every("1m"))
    ids = [each.id for each in await store.read(schedule_lists.page)]
    for at in range(0, 50, 10):
        await store.write(partial(_recorded, schedules=ids[at : at + 10], number=500))
    said: list[tuple[str, Any]] = []

    def look(connection: Connection, _: datetime) -> tuple[int, list[str]]:
        note = partial(_noted, said)
        event.listen(connection, "before_cursor_execute", note)
        found = last_moments(connection, ids)
        event.remove(connection, "before_cursor_execute", note)
        return sum(len(each) for each in found.values()), _plan(connection, *said[0])

    number, plan = await store.read(look)

    assert (number, len(said)) == (50 * LAST_MOMENTS, 1)
    assert not [step for step in plan if "Seq Scan" in step and "occurrences" in step]
    assert not [step for step in plan if step.startswith("SCAN onbeat_occurrences")]


def _noted(said: list[tuple[str, Any]], *given: Any) -> None:
    said.append((given[2], given[3]))


def _plan(connection: Connection, sql: str, values: Any) -> list[str]:
    is_postgres = connection.dialect.name == "postgresql"
    explain = "EXPLAIN (COSTS OFF)" if is_postgres else "EXPLAIN QUERY PLAN"
    return [str(row[-1]) for row in connection.exec_driver_sql(f"{explain} {sql}", values)]


def _recorded(connection: Connection, now: datetime, schedules: list[str], number: int) -> None:
    rows = [
        {"schedule": each, "due_at": START + at * MINUTE, "outcome": "ran", "decided_at": now}
        for each in schedules
        for at in range(number)
    ]
    connection.execute(insert(occurrences), rows)
