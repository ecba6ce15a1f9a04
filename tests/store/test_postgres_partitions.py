"""Making and dropping a partition beside those who read for long, or who come meanwhile."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from onbeat.domain.errors import StoreUnavailable
from onbeat.domain.states import State
from onbeat.store import partitions
from onbeat.store.partitions import Partition
from onbeat.store.store import Store
from tests import factories
from tests.contract.world import acked, enqueue, find, running, state
from tests.timing import START
from tests.waiting import wait_for

on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

WAITS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""

AT_ONCE = 2.0
"""Seconds: far more than a drop may wait, far less than a store waits for a lock by itself."""


@on_postgresql
@pytest.mark.parametrize("is_read", ["ONLY {0.parent}", "{0.name}"], ids=["parent", "partition"])
async def test_a_drop_that_a_long_read_keeps_waiting_holds_up_no_ack_and_comes_again(
    store: Store, other_store: Store, is_read: str
) -> None:
    claimed = await running(store)
    emptied = await empty(store)
    reader = await asyncpg.connect(store.url)
    try:
        async with reader.transaction():
            await reader.fetch(f"SELECT FROM {is_read.format(emptied)}")
            dropping = asyncio.create_task(drop(other_store, emptied))
            await wait_for(partial(_waits_or_has_ended, reader, dropping))

            async with asyncio.timeout(AT_ONCE):
                await acked(store, factories.ack(claimed))

            with pytest.raises(StoreUnavailable):
                await dropping
    finally:
        await reader.close()

    assert await state(store, claimed.id) is State.COMPLETED
    assert await drop(other_store, emptied)


async def _waits_or_has_ended(reader: asyncpg.Connection, doing: asyncio.Task[Any]) -> bool:
    return doing.done() or bool(await reader.fetchval(WAITS))


async def empty(store: Store) -> Partition:
    """A day in which no job has ended, and into which none that ends now belongs."""
    past = await store.read(partial(partitions.left, before=START.replace(year=START.year + 1)))
    return [each for each in past if each.parent == "onbeat_finished"][-1]


async def drop(store: Store, emptied: Partition) -> bool:
    """Drop it, as the cleaner does."""
    return await store.write(partial(partitions.drop, wanted=emptied))


@on_postgresql
@pytest.mark.parametrize("late", [timedelta(), timedelta(days=200)], ids=["current", "past"])
async def test_who_looks_for_a_job_while_its_partition_is_made_finds_it(
    store: Store, late: timedelta
) -> None:
    now = datetime.now(UTC)  # a job's id is of the machine's clock
    month = (await months_missing(store, now))[0]
    job = await enqueue(store)
    watcher = await asyncpg.connect(store.url)
    engine = create_async_engine(store.url.replace("postgresql://", "postgresql+asyncpg://"))
    try:
        async with engine.begin() as connection:
            await connection.run_sync(partitions.make, now + late, month)
            looking = asyncio.create_task(find(store, job))
            await wait_for(partial(_waits_or_has_ended, watcher, looking))
        assert (await looking).id == job
    finally:
        await engine.dispose()
        await watcher.close()

    assert month not in await months_missing(store, now)


async def months_missing(store: Store, now: datetime) -> list[Partition]:
    missing = await store.read(lambda connection, _: partitions.missing(connection, now))
    return [each for each in missing if each.parent == "onbeat_jobs"]
