"""A storm: what fails by the thousand is judged in a bounded number of transactions and time."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import insert, select

from onbeat.domain.health import Kind
from onbeat.domain.incidents import State
from onbeat.runtime.judge import Judge
from onbeat.store import expectations
from onbeat.store.schema import expectations as stored
from onbeat.store.schema import health
from onbeat.store.settling import AT_ONCE
from onbeat.store.store import Store
from tests.contract.judging import judged, listed
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


def counted(store: Store) -> list[int]:
    """How many transactions write from now on."""
    writes, own = [0], store.write

    async def write(work: Any) -> Any:
        writes[0] += 1
        return await own(work)

    store.write = write  # type: ignore[method-assign] # counted, and done all the same
    return writes


async def test_the_walk_over_schedules_is_bounded_and_ends(
    store: Store, timing: ManualTiming
) -> None:
    step = await store.read(partial(expectations.look, after=None))
    assert (step.rows, step.gone, step.after) == ([], [], None)
    assert await store.read(lambda c, _: c.execute(select(stored)).all()) == []
    assert Judge(store).term < timedelta(minutes=1)
