"""The schema: what all migrations together give is what `schema.py` says, on both engines."""

from __future__ import annotations

import asyncio
import re
import subprocess
from datetime import timedelta
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from onbeat.runtime.maintenance import make_partitions
from onbeat.store.schema import PARTITIONED_BY_DAY, PARTITIONED_BY_MONTH, VERSION_TABLE, metadata
from onbeat.store.schema_state import HEAD, REVISIONS
from onbeat.store.sqlite.connections import connect, over
from onbeat.store.store import Store
from tests import factories
from tests.contract.world import acked, running
from tests.servers.postgres import NEWEST, PostgresDatabases, binaries
from tests.timing import START, ManualTiming
from tests.waiting import wait_for

on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
HEADS = (
    "CREATE TABLE",
    "ALTER TABLE",
    "CREATE INDEX",
    "CREATE UNIQUE",
    "CREATE SEQ",
    "CREATE VIEW",
    "ALTER INDEX",
)


def sqlite_catalog(path: Path | None, *, fresh: bool = False) -> set[str]:
    """Every statement a SQLite database remembers, without what white space differs in."""
    raw = connect(path)
    engine, connection = over(raw)
    if fresh:
        metadata.create_all(connection)
    rows = raw.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    connection.close()
    engine.dispose()
    raw.close()
    return {_plain(sql) for (sql,) in rows if VERSION_TABLE not in sql}


def _plain(sql: str) -> str:
    return re.sub(r"\s*([(),])\s*", r"\1", " ".join(sql.split()))


def test_on_sqlite_migrated_equals_fresh(sqlite_template: Path) -> None:
    assert sqlite_catalog(sqlite_template) == sqlite_catalog(None, fresh=True)


def postgres_catalog(url: str) -> set[str]:
    """Every statement of a schema dump: columns, keys, checks, indexes, storage, partitioning."""
    dump = subprocess.run(
        [binaries(NEWEST) / "pg_dump", "--schema-only", "--no-owner", f"--dbname={url}"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    statements = (
        " ".join(part.split()) for part in re.sub(r"(?m)^(--|\\).*$", "", dump).split(";")
    )
    children = {VERSION_TABLE, *_partition_names(dump)}
    return {
        statement
        for statement in statements
        if statement.startswith(HEADS)
        and not children & set(re.findall(r"public\.(\w+)", statement))
    }


def _partition_names(dump: str) -> set[str]:
    """Partitions and what belongs to them: made as time goes by, not by the schema."""
    tables = set(re.findall(r"ATTACH PARTITION public\.(\w+) (?:FOR|DEFAULT)", dump))
    indexes = {
        name for name in re.findall(r"public\.(\w+)", dump) if name.startswith(tuple(tables))
    }
    return tables | indexes


@pytest.fixture
def fresh_url(postgres_url: str) -> str:
    async def create() -> None:
        engine = create_async_engine(make_url(postgres_url).set(drivername="postgresql+asyncpg"))
        async with engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
        await engine.dispose()

    asyncio.run(create())
    return postgres_url


def test_on_postgresql_migrated_equals_fresh(
    fresh_url: str, postgres_server: PostgresDatabases, postgres_template: str
) -> None:
    migrated = postgres_catalog(postgres_server.url(postgres_template))

    assert migrated == postgres_catalog(fresh_url)
    assert len(migrated) > 30


def test_a_schema_dump_tells_a_partial_index_and_a_storage_parameter(fresh_url: str) -> None:
    catalog = "\n".join(postgres_catalog(fresh_url))

    for wanted in ("WHERE (awaits_job IS NOT NULL)", "fillfactor='70'", "PARTITION BY RANGE (id)",
                   "CHECK (((lane >= 0) AND (lane <= 10)))", 'COLLATE pg_catalog."C"'):  # fmt: skip
        assert wanted in catalog


def test_the_revisions_known_are_those_of_the_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", str(files("onbeat.store") / "migrations"))

    scripts = ScriptDirectory.from_config(config)
    chain = [script.revision for script in scripts.walk_revisions()]

    assert tuple(reversed(chain)) == REVISIONS
    assert scripts.get_heads() == [HEAD]


async def table_of(store: Store, parent: str) -> set[str]:
    """The partitions that hold rows of a table."""
    query = text(f"SELECT DISTINCT CAST(CAST(tableoid AS regclass) AS text) FROM {parent}")  # noqa: S608
    return set(await store.read(lambda connection, _: connection.scalars(query).all()))


@on_postgresql
async def test_every_partitioned_table_has_a_partition_for_today(store: Store) -> None:
    await acked(store, factories.ack(await running(store)))

    assert await table_of(store, "onbeat_finished") == {"onbeat_finished_20300615"}
    assert await table_of(store, "onbeat_attempts") == {"onbeat_attempts_20300615"}


@on_postgresql
async def test_a_job_lies_in_the_partition_of_the_month_its_id_was_made_in(
    store: Store, timing: ManualTiming
) -> None:
    made = []
    for moment, partition in (
        (START, "onbeat_jobs_203006"),
        (START.replace(day=30, hour=23, minute=59, second=59), "onbeat_jobs_203006"),
        (START.replace(month=7, day=1, hour=0), "onbeat_jobs_203007"),
        (START + timedelta(days=40), "onbeat_jobs_203007"),
    ):
        timing.set(moment)
        job = factories.job(id=store.new_id(), task=partition)
        made.append(job)
        await store.enqueue([job])

    query = text("SELECT CAST(CAST(tableoid AS regclass) AS text), task FROM onbeat_jobs")
    found = await store.read(lambda connection, _: connection.execute(query).all())
    assert len(found) == len(made)
    assert [lies_in for lies_in, wanted in found if lies_in != wanted] == []


def _partitions(connection: Connection) -> set[str]:
    query = text("SELECT CAST(inhrelid AS regclass) FROM pg_inherits "
                 "JOIN pg_class ON oid = inhrelid WHERE relkind = 'r'")  # fmt: skip
    return {str(name) for name in connection.scalars(query)}


@on_postgresql
async def test_partitions_are_made_ahead(store: Store, timing: ManualTiming) -> None:
    found = await store.read(lambda connection, _: _partitions(connection))

    assert {f"{table}_203008" for table in PARTITIONED_BY_MONTH} <= found
    assert {f"{table}_20300622" for table in PARTITIONED_BY_DAY} <= found
    timing.advance(by=timedelta(days=1))
    made = await make_partitions(store)
    assert made == [f"{table}_20300623" for table in PARTITIONED_BY_DAY]


@on_postgresql
async def test_making_partitions_again_makes_none(store: Store) -> None:
    assert await make_partitions(store) == []


@on_postgresql
async def test_rows_that_lie_in_the_default_partition_move_to_their_own_when_it_is_made(
    store: Store, timing: ManualTiming
) -> None:
    """A fleet that was down for weeks, and worked on before its maintenance did."""
    timing.advance(by=timedelta(days=100))
    job = factories.job(id=store.new_id())
    await store.enqueue([job])
    before = await table_of(store, "onbeat_jobs")

    await make_partitions(store)

    assert before == {"onbeat_jobs_default"}
    assert await table_of(store, "onbeat_jobs") == {"onbeat_jobs_203009"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_sqlite_has_no_partitions(store: Store) -> None:
    assert await make_partitions(store) == []


@on_postgresql
async def test_making_partitions_does_not_deadlock_with_who_reads_two_families(
    store: Store, timing: ManualTiming, database_url: str
) -> None:
    timing.advance(by=timedelta(days=40))
    reader = await asyncpg.connect(database_url)
    async with reader.transaction():
        await reader.fetch("SELECT FROM onbeat_jobs")
        making = asyncio.create_task(make_partitions(store))
        await wait_for(partial(_somebody_waits, reader), what="the maker to wait for the reader")
        await reader.fetch("SELECT FROM onbeat_finished")

    await reader.close()
    assert "onbeat_jobs_203009" in await making


async def _somebody_waits(reader: Any) -> bool:
    return bool(await reader.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"))
