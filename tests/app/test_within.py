"""Jobs asked for inside the caller's own transaction: they exist if and when it commits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from onbeat import (
    Conflict,
    InvalidInput,
    JobFilter,
    NotFound,
    Onbeat,
    Settings,
    State,
    sqlite_async_engine,
    sqlite_engine,
)
from onbeat.app.processes import Parts
from onbeat.domain.errors import SchemaMissing
from onbeat.runtime.worker.worker import WorkerOptions


def add(left: int, right: int = 1) -> int:
    return left + right


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A user's engine on Onbeat's database."""
    if database_url.startswith("sqlite"):
        made = sqlite_engine(database_url)
    else:
        pytest.importorskip("psycopg", reason="a sync session on PostgreSQL needs psycopg")
        made = create_engine(database_url.replace("postgresql:", "postgresql+psycopg:", 1))
    yield made
    made.dispose()


@pytest.fixture
async def async_engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """The same for asyncio."""
    if database_url.startswith("sqlite"):
        made = sqlite_async_engine(database_url)
    else:
        made = create_async_engine(database_url.replace("postgresql:", "postgresql+asyncpg:", 1))
    yield made
    await made.dispose()


def count(ob: Onbeat) -> int:
    """How many jobs there are."""
    return len(ob._context.block(lambda: ob.jobs.list(JobFilter())))


async def subscribed(ob: Onbeat) -> asyncio.Event:
    """What is set when a worker of the queue `default` would be woken."""
    store = await ob.store()
    woken = asyncio.Event()
    store.wakeups.subscribe(woken, ["default"])
    if store.engine == "postgresql":  # which wakes everybody once it listens
        async with asyncio.timeout(10):
            await woken.wait()
        woken.clear()
    return woken


def test_a_sync_commit_stores_the_job(blocking_ob: Onbeat, engine: Engine) -> None:
    task = blocking_ob.task(add)

    with Session(engine) as session, session.begin():
        job = task.within(session).enqueue_blocking(1)

    assert job.show_blocking().state is State.PENDING


def test_a_sync_rollback_leaves_no_job(blocking_ob: Onbeat, engine: Engine) -> None:
    task = blocking_ob.task(add)

    with Session(engine) as session:
        job = task.within(session).enqueue_blocking(1)
        session.rollback()

    with pytest.raises(NotFound):
        job.show_blocking()


def test_a_connection_will_do(blocking_ob: Onbeat, engine: Engine) -> None:
    task = blocking_ob.task(add)

    with engine.begin() as connection:
        job = task.within(connection).opts(queue="mail").enqueue_blocking(1)

    assert job.show_blocking().queue == "mail"


async def test_an_async_commit_stores_the_job(ob: Onbeat, async_engine: AsyncEngine) -> None:
    task = ob.task(add)

    async with AsyncSession(async_engine) as session, session.begin():
        job = await task.within(session).enqueue(1)

    assert (await job.show()).state is State.PENDING


async def test_an_async_rollback_leaves_no_job(ob: Onbeat, async_engine: AsyncEngine) -> None:
    task = ob.task(add)

    async with AsyncSession(async_engine) as session:
        job = await task.within(session).enqueue(1)
        await session.rollback()

    with pytest.raises(NotFound):
        await job.show()


async def test_before_the_commit_nobody_sees_the_job(ob: Onbeat, async_engine: AsyncEngine) -> None:
    task = ob.task(add)

    async with AsyncSession(async_engine) as session, session.begin():
        job = await task.within(session).enqueue(1)

        with pytest.raises(NotFound):
            await job.show()


async def test_an_async_connection_will_do(ob: Onbeat, async_engine: AsyncEngine) -> None:
    task = ob.task(add)

    async with async_engine.begin() as connection:
        job = await task.within(connection).enqueue(1)

    assert (await job.show()).state is State.PENDING


async def test_a_worker_is_woken_after_the_commit(ob: Onbeat, async_engine: AsyncEngine) -> None:
    task = ob.task(add)
    woken = await subscribed(ob)

    async with AsyncSession(async_engine) as session, session.begin():
        await task.within(session).enqueue(1)
        before = woken.is_set()

    async with asyncio.timeout(10):
        await woken.wait()
    assert not before


async def test_a_rollback_wakes_nobody(ob: Onbeat, async_engine: AsyncEngine) -> None:
    task = ob.task(add)
    woken = await subscribed(ob)

    async with AsyncSession(async_engine) as session:
        await task.within(session).enqueue(1)
        await session.rollback()
    await (await task.opts(queue="other").enqueue(1)).show()

    assert not woken.is_set()


async def test_a_job_of_a_transaction_runs(ob: Onbeat, async_engine: AsyncEngine) -> None:
    task = ob.task(add)
    async with ob.running(parts=Parts(scheduler=False, options=WorkerOptions())):
        async with AsyncSession(async_engine) as session, session.begin():
            job = await task.within(session).enqueue(1)

        assert await job.result("15s") == 2


async def test_an_async_session_is_not_for_blocking_code(
    ob: Onbeat, async_engine: AsyncEngine
) -> None:
    task = ob.task(add)

    async with AsyncSession(async_engine) as session:
        with pytest.raises(InvalidInput, match="the session is async; use `await"):
            task.within(session).enqueue_blocking(1)


def test_what_is_no_transaction_is_refused(blocking_ob: Onbeat) -> None:
    with pytest.raises(InvalidInput, match="str is not a transaction Onbeat knows; give a SQLAl"):
        blocking_ob.task(add).within("session")


@pytest.fixture
def on_file(tmp_path: Path) -> Iterator[Onbeat]:
    """An application on a SQLite file."""
    ob = Onbeat(f"sqlite:///{tmp_path}/onbeat.db", settings=Settings())
    ob.task(add).enqueue_blocking(0)
    yield ob
    ob.close_blocking()


def test_an_engine_that_does_not_take_the_file_lock_is_refused(on_file: Onbeat) -> None:
    engine = create_engine(on_file.url)

    with (
        Session(engine) as session,
        pytest.raises(InvalidInput, match=r"must come from onbeat.sqlite_engine\(url\)"),
    ):
        on_file.task(add).within(session).enqueue_blocking(1)
    engine.dispose()


def test_an_engine_on_another_file_is_refused(on_file: Onbeat, tmp_path: Path) -> None:
    engine = sqlite_engine(f"sqlite:///{tmp_path}/other.db")

    with (
        Session(engine) as session,
        pytest.raises(InvalidInput, match=r"the session writes .*other"),
    ):
        on_file.task(add).within(session).enqueue_blocking(1)
    engine.dispose()


def test_an_engine_of_another_kind_is_refused(on_file: Onbeat) -> None:
    on_postgres = Onbeat("postgresql://nowhere/onbeat", settings=Settings())
    engine = sqlite_engine(on_file.url)

    with (
        Session(engine) as session,
        pytest.raises(InvalidInput, match="is on sqlite, Onbeat is on postgr"),
    ):
        on_postgres.task(add).within(session).enqueue_blocking(1)
    engine.dispose()


def test_a_plain_enqueue_inside_an_open_write_is_refused(on_file: Onbeat) -> None:
    engine, task = sqlite_engine(on_file.url), on_file.task(add)

    with engine.begin(), pytest.raises(Conflict, match=r"enqueue in it, with `.within\(session\)`"):
        task.enqueue_blocking(1)
    engine.dispose()


def test_asking_for_many_inside_an_open_write_is_refused(on_file: Onbeat) -> None:
    engine, task = sqlite_engine(on_file.url), on_file.task(add)

    with engine.begin(), pytest.raises(Conflict, match=r"enqueue in it, with `.within\(session\)`"):
        on_file.enqueue_many_blocking([task.bind(1)])
    engine.dispose()


async def test_a_plain_async_enqueue_inside_an_open_write_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/onbeat.db"
    engine = sqlite_async_engine(url)
    async with Onbeat(url, settings=Settings()) as ob:
        task = ob.task(add)
        async with AsyncSession(engine) as session, session.begin():
            await task.within(session).enqueue(1)

            with pytest.raises(Conflict, match=r"`.within\(session\)`"):
                await task.enqueue(1)
    await engine.dispose()


def test_after_the_commit_a_plain_enqueue_is_taken(on_file: Onbeat) -> None:
    engine, task = sqlite_engine(on_file.url), on_file.task(add)
    with Session(engine) as session, session.begin():
        task.within(session).enqueue_blocking(1)

    task.enqueue_blocking(2)

    assert count(on_file) == 3
    engine.dispose()


async def test_a_database_without_tables_says_how_to_make_them(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/onbeat.db"
    engine, task = sqlite_async_engine(url), Onbeat(url, settings=Settings()).task(add)

    async with AsyncSession(engine) as session:
        with pytest.raises(SchemaMissing, match="`onbeat db migrate`"):
            await task.within(session).enqueue(1)
    await engine.dispose()


async def test_a_postgresql_database_without_tables_says_so_too(postgres_url: str) -> None:
    engine = create_async_engine(postgres_url.replace("postgresql:", "postgresql+asyncpg:", 1))
    task = Onbeat(postgres_url, settings=Settings()).task(add)

    async with AsyncSession(engine) as session:
        with pytest.raises(SchemaMissing, match="`onbeat db migrate`"):
            await task.within(session).enqueue(1)
    await engine.dispose()
