"""A caller's transaction stores jobs in Onbeat's environment, and its search path stays its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from onbeat import InvalidInput, JobFilter, Onbeat, Settings, Unique
from onbeat.domain.errors import SchemaMissing
from onbeat.store.sqlite.connections import database_path
from tests.app.guests.hosts import AsyncHost, Host
from tests.app.guests.test_laws import guests

on_postgresql = guests(lambda kind: kind.engine == "postgresql")
on_sqlite = guests(lambda kind: kind.engine == "sqlite")
FOREIGN = "shop, public"


def application(url: str, environment: str | None) -> Onbeat:
    ob = Onbeat(url, settings=Settings(), environment=environment)
    ob.task(name="send")(send)
    return ob


async def send(to: str) -> None: ...


def queue_of(ob: Onbeat) -> list[Any]:
    return list(ob._context.block(lambda: ob.jobs.list(JobFilter())))


@pytest.fixture
def staging(database_url: str) -> Iterator[Onbeat]:
    """An application in an environment, beside one in none."""
    ob = application(database_url, "sta-ging")
    asyncio.run(ob.migrate())
    yield ob
    ob.close_blocking()


@pytest.fixture
def bare(database_url: str) -> Iterator[Onbeat]:
    """The same in none."""
    ob = application(database_url, None)
    yield ob
    ob.close_blocking()


@pytest.fixture
def with_search_path(database_url: str) -> None:
    """Whoever connects to the database has a search path, which is none of ours."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA shop")
        name = connection.info.dbname
        connection.execute(f'ALTER DATABASE "{name}" SET search_path = {FOREIGN}'.encode())


def search_path(host: Host, within: Any) -> str:
    """What the caller's own statements go by."""
    statement = "SELECT current_setting('search_path')"
    name = type(host).__name__
    if "Session" in name or "Connection" in name:
        found = within.execute(text(statement))
        return str((host.run(found) if isinstance(host, AsyncHost) else found).scalar())
    if name.startswith("Asyncpg") and isinstance(host, AsyncHost):
        return str(host.run(within.fetchval(statement)))
    if name.startswith("Django"):
        with within.cursor() as cursor:
            cursor.execute(statement)
            return str(cursor.fetchone()[0])
    if isinstance(host, AsyncHost):
        cursor = host.run(within.execute(statement))
        return str(host.run(cursor.fetchone())[0])
    return str(within.execute(statement).fetchone()[0])


@on_postgresql
def test_a_job_goes_to_the_environment_and_the_search_path_stays(
    with_search_path: None, host: Host, staging: Onbeat, bare: Onbeat
) -> None:
    task = staging.task(name="other")(send)
    with host.begun() as within:
        job = host.enqueue(task.within(within), "x")
        unique = task.opts(unique=Unique(key="k")).within(within)
        keyed = host.enqueue(unique, "x")
        seen = search_path(host, within)

    assert {each.id for each in queue_of(staging)} == {job.id, keyed.id}
    assert queue_of(bare) == []
    assert seen == FOREIGN


@on_postgresql
def test_both_in_one_transaction_go_where_each_belongs(
    host: Host, staging: Onbeat, bare: Onbeat
) -> None:
    with host.begun() as within:
        jobs = [
            host.enqueue(ob.task(name="other")(send).within(within), "x") for ob in (staging, bare)
        ]

    assert [[each.id for each in queue_of(ob)] for ob in (staging, bare)] == [
        [job.id] for job in jobs
    ]


@on_postgresql
def test_an_environment_without_tables_is_told_with_the_command(
    host: Host, database_url: str
) -> None:
    ob = application(database_url, "gone")

    with (
        pytest.raises(SchemaMissing, match=r"'gone'; run `onbeat db migrate --environment gone`"),
        host.begun() as within,
    ):
        host.enqueue(ob.task(name="other")(send).within(within), "x")


@on_sqlite
def test_a_transaction_on_the_main_file_is_refused_with_the_environment_s_own(
    host: Host, staging: Onbeat, database_url: str
) -> None:
    own = database_path(staging.url)

    with (
        pytest.raises(InvalidInput, match=rf"Onbeat is on {own}.*keep your tables there too"),
        host.begun() as within,
    ):
        host.enqueue(staging.task(name="other")(send).within(within), "x")

    assert queue_of(staging) == []


@on_sqlite
def test_a_transaction_on_the_environment_s_file_stores_the_job(
    kind: Any, staging: Onbeat, bare: Onbeat
) -> None:
    is_django = kind.host.__name__.startswith("Django")
    own: Path | None = database_path(staging.url)
    host = kind.host(f"sqlite:///{own}" if is_django else staging.url)
    with host.begun() as within:
        job = host.enqueue(staging.task(name="other")(send).within(within), "x")
    host.close()

    assert [each.id for each in queue_of(staging)] == [job.id]
    assert queue_of(bare) == []
