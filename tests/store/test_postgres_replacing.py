"""Who replaces a job that a worker is claiming: in what order their rows are locked."""

from __future__ import annotations

import asyncio
from functools import partial

import asyncpg
import pytest

from onbeat.domain.jobs import JobId, NewJob
from onbeat.domain.ties import TieKind
from onbeat.store import replacing
from onbeat.store.store import Store
from tests.contract.conditions import ask, laws, unique
from tests.waiting import wait_for

on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

WAITS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@on_postgresql
async def test_who_replaces_waits_for_a_claim_and_does_not_hold_its_key(store: Store) -> None:
    first, second = unique(until=TieKind.WAITING), unique(until=TieKind.WAITING, replaces=True)
    await ask(store, first)
    claim = await asyncpg.connect(store.url)
    try:
        async with claim.transaction():
            await claim.execute("DELETE FROM onbeat_ready WHERE job = $1", first.id)
            replaced = asyncio.create_task(replace(store, second))
            await wait_for(lambda: _waits(claim))
            await claim.execute("SET LOCAL lock_timeout = '500ms'")
            await claim.execute("DELETE FROM onbeat_uniques WHERE job = $1", first.id)
            await claim.execute(
                "INSERT INTO onbeat_finished (job, finished_at, task, queue, lane, outcome, "
                "attempts) VALUES ($1, now(), 'send', 'default', 5, 'cancelled', 0)", first.id,
            )  # fmt: skip
        assert await replaced == {}
    finally:
        await claim.close()

    assert await laws(store) == []


@on_postgresql
async def test_those_who_replace_each_other_wait_for_their_turn(
    store: Store, other_store: Store
) -> None:
    wanted = [unique(until=TieKind.WAITING, replaces=True) for _ in range(20)]

    refused = await asyncio.gather(
        *(replace((store, other_store)[n % 2], job) for n, job in enumerate(wanted))
    )

    assert [each for each in refused if each] == []
    assert await laws(store) == []


async def _waits(claim: asyncpg.Connection) -> bool:
    return bool(await claim.fetchval(WAITS))


async def replace(store: Store, *wanted: NewJob) -> dict[JobId, JobId]:
    """Enqueue them in the place of those that wait."""
    return await store.write(partial(replacing.enqueue, wanted=wanted))
