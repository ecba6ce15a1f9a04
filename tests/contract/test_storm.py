"""A storm: what fails by the thousand is judged in a bounded number of transactions and time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from onbeat.domain.health import Kind
from onbeat.domain.incidents import State
from onbeat.domain.judging import REFRESHED_EVERY, RENEWED_AT_ONCE
from onbeat.domain.notices import Notice
from onbeat.domain.recurrence import every
from onbeat.runtime.judge import Judge
from onbeat.store import expectations
from onbeat.store.schema import expectations as stored
from onbeat.store.schema import health, schedules
from onbeat.store.settling import AT_ONCE
from onbeat.store.store import Store
from tests.contract.beats import many
from tests.contract.judging import judged, listed, schedule_at_work
from tests.contract.troubles import channel, told
from tests.timing import ManualTiming

MANY = 10_000
MOST_WRITES = MANY // AT_ONCE + 5
"""So many batches, and what each round writes besides."""


async def failing(store: Store, *, count: int) -> None:
    """So many tasks failed a moment ago, and never before or after."""

    def write(connection: Any, now: Any) -> None:
        rows = [
            {"kind": Kind.TASK, "subject": f"task-{number}", "completed": 0, "failed": 1,
             "cancelled": 0, "attempts": 1, "last_failure_at": now, "failed_since": 1,
             "completed_since": 0}
            for number in range(count)
        ]  # fmt: skip
        connection.execute(insert(health), rows)

    await store.write(write)


async def test_ten_thousand_tasks_that_fail_at_once_are_written_in_few_transactions(
    store: Store, timing: ManualTiming
) -> None:
    await failing(store, count=MANY)
    writes = counted(store)
    judge = await judged(store, timing)
    found = await listed(store)
    assert len(found) == MANY
    assert {each.state for each in found} == {State.OPEN}
    assert writes[0] < MOST_WRITES

    writes[0] = 0
    await judged(store, timing, judge)
    assert writes[0] <= 1, "the second round writes its lease alone"


async def test_of_many_that_are_open_those_are_written_anew_first_that_waited_longest(
    store: Store, timing: ManualTiming
) -> None:
    await failing(store, count=3 * RENEWED_AT_ONCE)
    judge = await judged(store, timing)
    opened = {each.id: each.seen_at for each in await listed(store)}
    timing.advance(by=REFRESHED_EVERY)
    renewed: list[set[str]] = []
    for _ in range(3):
        before = {each.id: each.seen_at for each in await listed(store)}
        await judged(store, timing, judge)
        after = {each.id: each.seen_at for each in await listed(store)}
        renewed.append({each for each in after if after[each] != before[each]})

    assert [len(each) for each in renewed] == [RENEWED_AT_ONCE] * 3
    assert set.union(*renewed) == opened.keys()


def counted(store: Store) -> list[int]:
    """How many transactions write from now on."""
    writes, own = [0], store.write

    async def write(work: Any) -> Any:
        writes[0] += 1
        return await own(work)

    store.write = write  # type: ignore[method-assign] # counted, and done all the same
    return writes


SCHEDULES = 2_000
MOST_NOTICES = 2
"""Of the openings, and of the ends: one at once, and one of what came while that was held."""


async def all_missed(store: Store) -> None:
    """A moment of each was missed."""
    await store.write(lambda connection, _: connection.execute(update(schedules).values(missed=1)))


async def all_fail(store: Store) -> None:
    """The last three jobs of each failed."""
    failed = {"kind": Kind.SCHEDULE, "completed": 0, "failed": 3, "cancelled": 0, "attempts": 3,
              "failed_since": 3, "completed_since": 0}  # fmt: skip

    def write(connection: Any, now: Any) -> None:
        ids = connection.scalars(select(schedules.c.id)).all()
        rows = [{**failed, "subject": each, "last_failure_at": now} for each in ids]
        connection.execute(insert(health), rows)

    await store.write(write)


async def all_is_well(store: Store) -> None:
    """What was missed or failed is of the past."""

    def write(connection: Any, _: Any) -> None:
        connection.execute(update(health).values(failed_since=0))
        connection.execute(update(stored).values(missed_at=None))

    await store.write(write)


async def told_after(store: Store, timing: ManualTiming, judge: Judge) -> list[Notice]:
    """What was told while the judge and the dispatcher went on for six minutes."""
    sent: list[Notice] = []
    for _ in range(8):
        await judged(store, timing, judge)
        timing.advance(seconds=30)
        sent += await told(store)
    return sent


@pytest.mark.parametrize(
    ("storm", "rule"), [(all_missed, "missed"), (all_fail, "schedule-in-a-row")]
)
async def test_two_thousand_schedules_in_trouble_at_once_are_a_few_notices(
    store: Store,
    timing: ManualTiming,
    storm: Callable[[Store], Awaitable[None]],
    rule: str,
) -> None:
    await channel(store, group_wait="30s", group_interval="5m")
    await schedule_at_work(store)
    await many(store, SCHEDULES, recurrence=every("30d"))
    judge = await judged(store, timing)

    await storm(store)
    openings = await told_after(store, timing, judge)
    await all_is_well(store)
    ends = await told_after(store, timing, judge)

    assert {each.rule for each in openings + ends} <= {rule, "failed"}
    assert 0 < len(of_rule(openings, rule)) <= MOST_NOTICES
    assert sum(each.count for each in of_rule(openings, rule)) == SCHEDULES
    assert 0 < len(of_rule(ends, rule)) <= MOST_NOTICES * MOST_NOTICES
    assert len(openings + ends) <= 2 * MOST_NOTICES * MOST_NOTICES


def of_rule(notices: list[Notice], rule: str) -> list[Notice]:
    """Those of one rule."""
    return [each for each in notices if each.rule == rule]


async def test_the_walk_over_schedules_is_bounded_and_ends(
    store: Store, timing: ManualTiming
) -> None:
    step = await store.read(partial(expectations.look, after=None))
    assert (step.rows, step.gone, step.after) == ([], [], None)
    assert await store.read(lambda c, _: c.execute(select(stored)).all()) == []
    assert Judge(store).term < timedelta(minutes=1)
