"""Jobs that move while many are called off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import asyncpg
import pytest

from onbeat.domain.jobs import JobId
from onbeat.domain.states import State
from onbeat.store import bulk, workflows
from onbeat.store.bulk import CalledOff, Selection
from onbeat.store.store import Store
from tests.contract.conditions import laws
from tests.contract.flows import follow, started
from tests.contract.world import begin, claim_one, enqueue, state
from tests.waiting import wait_for

WAITS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@on_postgresql
async def test_a_job_that_is_about_to_wait_for_its_next_attempt_is_called_off_too(
    store: Store,
) -> None:
    job = await enqueue(store)
    await claim_one(store, await begin(store))

    async with retried_meanwhile(store, job):
        cancelling = asyncio.create_task(cancel(store))
    done = await cancelling

    assert (done.cancelled, done.asked) == (1, 0)
    assert await state(store, job) is State.CANCELLED
    assert await laws(store) == []


@on_postgresql
async def test_of_a_workflow_that_is_cancelled_it_does_not_go_on_either(store: Store) -> None:
    flow = await started(store, {"a": [], "b": ["a"]})
    await claim_one(store, await begin(store))

    async with retried_meanwhile(store, flow.jobs["a"]):
        cancelled = partial(workflows.cancel, identity=flow.id, reason="over")
        cancelling = asyncio.create_task(store.write(cancelled))
    done = await cancelling

    await follow(store)
    assert done == (2, 0)
    assert set((await flow.states()).values()) == {State.CANCELLED}
    assert await laws(store) == []


@asynccontextmanager
async def retried_meanwhile(store: Store, job: JobId) -> AsyncIterator[None]:
    """The running job fails and is to be tried again, which is committed while somebody waits for
    it who has seen that it runs.
    """
    acks = await asyncpg.connect(store.url)
    try:
        async with acks.transaction():
            await acks.execute("DELETE FROM onbeat_leases WHERE job = $1", job)
            await acks.execute(
                "INSERT INTO onbeat_delayed (job, queue, lane, attempt, due_at) "
                "VALUES ($1, 'default', 5, 1, now() + interval '1 hour')", job,
            )  # fmt: skip
            yield
            await wait_for(partial(_waits, acks))
    finally:
        await acks.close()


async def _waits(acks: asyncpg.Connection) -> bool:
    return bool(await acks.fetchval(WAITS))


async def cancel(store: Store) -> CalledOff:
    """Call all of a task off."""
    return await store.write(
        partial(bulk.cancel, wanted=Selection(task="send"), reason="over", after=None, limit=10)
    )
