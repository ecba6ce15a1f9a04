"""Two regions of real workers: one dies, and its jobs go on in the other."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from onbeat.domain.jobs import JobId, NewJob
from onbeat.store import regions
from onbeat.store.store import Store
from tests.conftest import opened
from tests.contract.world import find
from tests.e2e.crews import DEADLINE, Crew, crew, outcomes
from tests.waiting import wait_for

pytestmark = pytest.mark.timeout(180)

REGIONS = {
    "ONBEAT_REGIONS": json.dumps(
        {
            "queues": {"us": "checks-us", "eu": "checks-eu"},
            "default": "checks",
            "fallback": {"us": ["eu"]},
            "unavailable_after": "2s",
            "move_after": "3s",
        }
    )
}


@pytest.fixture
async def record(database_url: str) -> AsyncIterator[Store]:
    """The database, as an onlooker sees it."""
    async with opened(database_url) as store:
        yield store


@pytest.fixture
def processes(database_url: str, tmp_path: Path) -> Iterator[Crew]:
    """Workers of an application."""
    with crew(database_url, tmp_path) as made:
        yield made


async def test_the_jobs_of_a_region_that_dies_run_in_the_other(
    record: Store, processes: Crew
) -> None:
    workers = {
        region: await asyncio.to_thread(
            processes.start_onbeat,
            *("worker", "--queues", f"checks-{region}", "--region", region),
            env=REGIONS,
        )
        for region in ("us", "eu")
    }
    first = await ask(record, "checks-us", 50)
    await wait_for(lambda: has_ended(record, 50), DEADLINE, "the end of the first jobs")

    workers["us"].kill()
    workers["us"].wait()
    left = await ask(record, "checks-us", 700)
    await wait_for(lambda: has_ended(record, 750), DEADLINE, "the end of those left behind")

    ran_in = {each.job: each.worker for each in processes.effects()}
    assert {ran_in[job] for job in first} == {workers["us"].pid}
    assert {ran_in[job] for job in left} == {workers["eu"].pid}
    moved = await find(record, left[0])
    assert moved.queue == "checks-eu"
    assert json.loads(moved.route or "")["moved_from"] == "checks-us"
    us = next(each for each in await record.read(regions.list_regions) if each.region == "us")
    assert (us.refusal, us.goes_to) == ("no worker for 2s", "checks-eu")


async def ask(store: Store, queue: str, count: int) -> list[JobId]:
    """Jobs that are in the queue already when its region goes."""
    wanted = [NewJob(id=each, task="work", queue=queue) for each in store.ids.many(count)]
    await store.enqueue(wanted)
    return [each.id for each in wanted]


async def has_ended(store: Store, count: int) -> bool:
    """Whether so many jobs have completed."""
    return (await outcomes(store))["completed"] == count
