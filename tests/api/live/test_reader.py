"""What the reader of a process sees: every change, however late its transaction ends.

Time is moved by hand, so that a transaction can be late by as much as is wanted.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta

import psycopg
import pytest

from onbeat.api.live.reader import Look, Reader
from onbeat.domain.jobs import NewJob
from onbeat.store import changes, workers
from onbeat.store.column_types import to_micros
from onbeat.store.store import Store
from tests import factories
from tests.timing import ManualTiming

HOUR = 3_600.0
AN_HOUR = timedelta(seconds=HOUR)


@pytest.fixture
async def reader(store: Store) -> Reader:
    """One that has begun."""
    reader = Reader(store)
    await reader.begin()
    return reader


def job_of(store: Store) -> NewJob:
    """A job whose id was made now, by the time of the store."""
    return NewJob(id=store.new_id(), task="send")


def told(look: Look, what: str | None = None) -> list[str]:
    """The jobs a look tells of."""
    return [
        each.change.id
        for each in look.news
        if each.change.kind == "job" and what in (None, str(each.change.what))
    ]


async def test_a_change_is_told_by_one_look_and_no_other(
    store: Store, reader: Reader, timing: ManualTiming
) -> None:
    job = job_of(store)
    await store.enqueue([job])

    found = [told(await reader.look()) for _ in range(3) if timing.advance(seconds=0.25)]

    assert found == [[job.id], [], []]


async def test_nothing_is_told_twice_in_the_long_run(
    store: Store, reader: Reader, timing: ManualTiming
) -> None:
    """Moments are no whole milliseconds, and what was told is forgotten after a while."""
    found: list[str] = []
    asked: list[str] = []
    for _ in range(400):
        timing.advance(by=timedelta(microseconds=137_531))
        job = job_of(store)
        asked.append(job.id)
        await store.enqueue([job])
        look = await reader.look()
        assert not look.is_blind
        found += told(look)

    assert found == asked


async def test_each_step_of_a_job_is_told(
    store: Store, reader: Reader, timing: ManualTiming
) -> None:
    session, job = factories.session(), job_of(store)
    await store.write(lambda connection, now: workers.begin(connection, now, session, AN_HOUR))
    steps = []

    async def see() -> None:
        timing.advance(seconds=0.25)
        look = await reader.look()
        steps.append([str(each.change.what) for each in look.news if each.change.id == job.id])

    await store.enqueue([job])
    await see()
    [claimed] = await store.claim(session.id, ["default"], 1)
    await see()
    await store.ack([factories.ack(claimed, "retry", delay=timedelta(seconds=1))])
    await see()
    timing.advance(seconds=2)
    await store.promote(1)
    [claimed] = await store.claim(session.id, ["default"], 1)
    await see()
    await store.ack([factories.ack(claimed)])
    await see()

    assert steps == [["asked"], ["began"], ["waits"], ["began"], ["ended"]]


async def test_an_end_within_one_look_is_told(
    store: Store, reader: Reader, timing: ManualTiming
) -> None:
    session, job = factories.session(), job_of(store)
    await store.write(lambda connection, now: workers.begin(connection, now, session, AN_HOUR))
    await store.enqueue([job])
    [claimed] = await store.claim(session.id, ["default"], 1)
    await store.ack([factories.ack(claimed)])

    look = await reader.look()

    assert told(look, "ended") == [job.id]


@pytest.mark.parametrize("seconds", [0.5, 3, 20, 90, HOUR])
async def test_a_transaction_that_ends_late_loses_nothing(
    seconds: float, store: Store, reader: Reader, timing: ManualTiming
) -> None:
    """It stays open for so long, while others commit, each of them seen."""
    late = job_of(store)
    seen: list[str] = []
    with held(store, late, timing.now()) as end:
        passed = 0.0
        while passed < seconds:
            step = min(seconds - passed, max(seconds / 50, 0.25))
            timing.advance(seconds=step)
            passed += step
            if store.engine == "postgresql":
                other = job_of(store)
                await store.enqueue([other])
            look = await reader.look()
            seen += told(look)
            assert late.id not in seen
        end()
    timing.advance(seconds=0.25)

    look = await reader.look()

    assert told(look) == [late.id]
    assert not look.is_blind


async def test_a_job_of_a_machine_whose_clock_lags_is_told(
    store: Store, reader: Reader, timing: ManualTiming
) -> None:
    timing.advance(by=timedelta(minutes=-4))
    lagging = job_of(store)
    timing.advance(by=timedelta(minutes=4))
    await store.enqueue([lagging])

    found: list[str] = []
    for _ in range(50):
        timing.advance(seconds=0.25)
        found += told(await reader.look())

    assert lagging.id in found


async def test_more_than_can_be_told_is_said(
    store: Store, reader: Reader, timing: ManualTiming
) -> None:
    await store.enqueue([job_of(store) for _ in range(changes.MOST_ROWS + 1)])

    look = await reader.look()

    assert look.is_blind


@contextmanager
def held(store: Store, job: NewJob, at: datetime) -> Iterator[Callable[[], None]]:
    """A transaction of somebody's that has stored `job`, and is committed by what is yielded."""
    columns = "INSERT INTO onbeat_jobs (id, task, queue, lane, max_attempts, args, created_at) "
    rest = "'send', 'default', 5, 3, '{}'"
    if store.engine == "postgresql":
        with psycopg.connect(store.url) as guest:
            guest.execute(f"{columns} VALUES (%s, {rest}, %s)", (job.id, at))
            yield guest.commit
        return
    file = store.url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(f"{columns} VALUES (?, {rest}, ?)", (job.id, to_micros(at)))
        yield connection.commit
