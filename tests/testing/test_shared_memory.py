"""Stores that share a database in memory, as processes share a file."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime

import pytest
from sqlalchemy import Connection, event, text

from onbeat.domain.errors import SchemaMissing
from onbeat.domain.jobs import JobId
from onbeat.store import jobs
from onbeat.store.sqlite.writer import Hands
from onbeat.store.store import Store
from onbeat.testing.shared_memory import SharedMemory
from tests import factories
from tests.timing import START, ManualTiming


@pytest.fixture
def database() -> Iterator[SharedMemory]:
    database = SharedMemory(ManualTiming())
    yield database
    database.close()


async def test_what_one_store_writes_the_other_reads(database: SharedMemory) -> None:
    here, there = database.store(), database.store()
    job = factories.job()

    await here.enqueue([job])

    assert await knows(there, job.id)


async def test_a_store_that_is_closed_leaves_the_database_to_the_others(
    database: SharedMemory,
) -> None:
    here, there = database.store(), database.store()
    await here.enqueue([factories.job()])

    await here.open()
    await here.close()

    assert await there.enqueue([factories.job()]) == 1


class CutOff(BaseException):
    """What Ctrl-C and a time limit of tests raise, wherever the program is."""


def test_a_statement_that_is_cut_off_is_told_as_it_was_and_spoils_no_later_database() -> None:
    def cut(hands: Hands) -> None:
        @event.listens_for(hands.core, "after_cursor_execute")
        def raises(*_: object) -> None:
            raise CutOff

        hands.core.execute(text("SELECT 1"))

    database = SharedMemory(ManualTiming())
    with pytest.raises(CutOff):
        database.do(cut)
    database.close()
    later = SharedMemory(ManualTiming())
    count = later.do(lambda hands: hands.core.scalar(text("SELECT count(*) FROM onbeat_jobs")))
    later.close()

    assert count == 0


async def test_the_time_is_the_databases_whatever_a_store_takes_it_for(
    database: SharedMemory,
) -> None:
    elsewhere = ManualTiming()
    elsewhere.advance(seconds=3600)
    store = database.store(elsewhere)

    assert await store.read(lambda _, now: now) == START
    assert await store.write(lambda _, now: now) == START


async def test_a_database_is_empty_when_it_is_made(database: SharedMemory) -> None:
    job = factories.job()
    await database.store().enqueue([job])
    database.close()

    other = SharedMemory(ManualTiming())

    assert not await knows(other.store(), job.id)


async def test_what_fails_leaves_nothing_behind(database: SharedMemory) -> None:
    store, job = database.store(), factories.job()
    await store.enqueue([job])

    with pytest.raises(SchemaMissing):
        await store.write(half_of_it)

    assert await knows(store, job.id)


def half_of_it(connection: Connection, _: datetime) -> None:
    """Delete everything, then fail."""
    connection.exec_driver_sql("DELETE FROM onbeat_jobs")
    connection.exec_driver_sql("DELETE FROM nothing_of_ours")


async def test_the_same_luck_gives_the_same_ids(database: SharedMemory) -> None:
    first, second = (database.store(randomness=random.Random(7)).new_id() for _ in range(2))
    assert first == second


async def knows(store: Store, job: JobId) -> bool:
    return await store.read(lambda connection, _: jobs.is_known(connection, job))
