"""Several schedulers over thousands of schedules: each occurrence is made and run once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select

from onbeat import Onbeat, Settings, every
from onbeat.domain.states import State
from onbeat.store.column_types import to_micros
from onbeat.store.schema import jobs, occurrences, schedules
from onbeat.store.store import Store
from tests.conftest import opened
from tests.e2e.crews import crew, left_over, outcomes
from tests.waiting import wait_for

SCHEDULES = 5_000
TURNS = 2
"""How many jobs each schedule makes before it has ended."""

pytestmark = pytest.mark.timeout(180)


@dataclass(frozen=True)
class Books:
    """What the ledger and the book of jobs say."""

    due: list[tuple[str, int]]
    """Schedule and moment of each occurrence that made a job."""
    asked: list[tuple[str, int]]
    """Schedule and moment of each job."""
    job_of: dict[str, tuple[str, int]]


@pytest.fixture
async def record(postgres_url: str) -> AsyncIterator[Store]:
    """The database, as an onlooker sees it."""
    await Onbeat(postgres_url, settings=Settings(db=postgres_url)).migrate()
    async with opened(postgres_url) as store:
        yield store


async def test_each_occurrence_is_made_and_run_once(record: Store, tmp_path: Path) -> None:
    await _create_schedules(record.url)
    with crew(record.url, tmp_path) as processes:
        parts = [("scheduler",), ("scheduler",), ("worker",), ("worker",), ("worker",)]
        for each in parts:
            await asyncio.to_thread(processes.start, *each)
        await wait_for(lambda: _is_over(record), 120, "the end of all schedules and jobs")
        effects = Counter(each.job for each in processes.effects())

    books = await record.read(lambda connection, _: read_books(connection))
    made = SCHEDULES * TURNS
    assert len(books.due) == len(set(books.due)) == made, "each moment is on record once"
    assert sorted(books.asked) == sorted(books.due), "each has its job, and no other has one"
    assert set(effects) == set(books.job_of), "each job ran"
    assert set(effects.values()) == {1}, "and none twice"
    assert await outcomes(record) == Counter({State.COMPLETED: made})
    per_schedule = Counter(schedule for schedule, _ in books.due)
    assert set(per_schedule.values()) == {TURNS}


async def _create_schedules(url: str) -> None:
    ob = Onbeat(url, settings=Settings(db=url))

    @ob.task(name="beat")
    async def beat() -> None:
        """Made here, run by the crew."""

    async with ob:
        rows = [(f"beat-{number}", beat.bind(), every("2s")) for number in range(SCHEDULES)]
        await ob.schedules.create_many(rows, overlap="allow", limit=TURNS)


async def _is_over(record: Store) -> bool:
    open_schedules = await record.read(
        lambda connection, _: connection.scalar(
            select(func.count()).where(schedules.c.next_due_at.is_not(None))
        )
    )
    return open_schedules == 0 and await left_over(record) == (0, 0)


def read_books(connection: Connection) -> Books:
    """The ledger's rows that made a job, and the jobs that have a schedule."""
    ledger = connection.execute(
        select(occurrences.c.schedule, occurrences.c.due_at).where(occurrences.c.job.is_not(None))
    )
    asked = connection.execute(select(jobs.c.id, jobs.c.schedule, jobs.c.occurrence_at)).all()
    return Books(
        [(row.schedule, to_micros(row.due_at)) for row in ledger],
        [(row.schedule, to_micros(row.occurrence_at)) for row in asked],
        {row.id: (row.schedule, to_micros(row.occurrence_at)) for row in asked},
    )
