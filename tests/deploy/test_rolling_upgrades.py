"""A fleet is brought to a new release and schema, process by process, while it works."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from onbeat.store.schema import jobs, occurrences
from onbeat.store.store import Store
from onbeat.store.verify.walk import verify
from tests.conftest import opened
from tests.deploy.releases import NoHistory, Release, back
from tests.deploy.rollout import Rollout, gaps
from tests.e2e.crews import crew, outcomes, tried
from tests.forking import fresh
from tests.outages.record import count_open
from tests.waiting import wait_for

pytestmark = pytest.mark.timeout(240)

OUTDATED = 5
"""How a process ends that does not know the schema it finds."""


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without any tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'onbeat.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def old(tmp_path: Path) -> Release:
    """The release with the schema before."""
    try:
        return back(1, tmp_path / "old")
    except NoHistory as error:
        pytest.skip(f"no release of before: {error}")


@pytest.fixture
def rollout(empty_url: str, old: Release, tmp_path: Path) -> Iterator[Rollout]:
    """A fleet of the old release, which is not there yet."""
    with crew(empty_url, tmp_path, fresh) as fleet:
        yield Rollout(fleet, tmp_path, old)


async def test_a_fleet_comes_to_a_new_release_without_a_lost_or_a_doubled_run(
    rollout: Rollout,
) -> None:
    await asyncio.to_thread(rollout.begin)
    await asyncio.to_thread(rollout.migrate)
    assert await asyncio.to_thread(rollout.refused) == OUTDATED
    await asyncio.to_thread(rollout.replace_all)
    await asyncio.to_thread(rollout.come_to_rest)

    async with opened(rollout.fleet.url) as store:
        await wait_for(lambda: _none_open(store), 60, "the end of all jobs")
        assert await asyncio.to_thread(rollout.end) == [0, 0, 0]
        await _check_jobs(store, rollout)
        await _check_moments(store)
        assert (await verify(store)).breaches == []


async def _none_open(store: Store) -> bool:
    return await count_open(store) == 0


async def _check_jobs(store: Store, rollout: Rollout) -> None:
    """Each ended, completed, by its one attempt, which had its effect once."""
    booked = await store.read(lambda connection, _: connection.scalars(select(jobs.c.id)).all())
    done = Counter(each.job.replace("-", "") for each in rollout.effects() if each.word != "begun")
    wanted = {str(job).replace("-", "") for job in booked}

    assert wanted >= rollout.accepted(), "each that was accepted is on record"
    assert await outcomes(store) == Counter(completed=len(wanted))
    assert Counter(each.outcome for each in await tried(store)) == Counter(succeeded=len(wanted))
    assert done == Counter(dict.fromkeys(wanted, 1)), "each had its effect once"


async def _check_moments(store: Store) -> None:
    """One a second, without a gap, each with a job of its own."""
    query = select(occurrences.c.due_at, occurrences.c.job).order_by(occurrences.c.due_at)
    rows = await store.read(lambda connection, _: connection.execute(query).all())
    found = [row.job for row in rows if row.job is not None]

    assert gaps([row.due_at.timestamp() for row in rows]) == []
    assert len(set(found)) == len(found) == len(rows)
