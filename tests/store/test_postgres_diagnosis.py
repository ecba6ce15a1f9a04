"""What the doctor sees of a PostgreSQL server: who holds it back, and what it carries along."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial

import asyncpg
import pytest

from onbeat.store import diagnosis
from onbeat.store.opening import open_store
from onbeat.store.schema_state import migrate
from onbeat.store.store import Store
from tests.servers.postgres import PostgresServer


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Store]:
    """A migrated database, in real time."""
    store = open_store(postgres_url)
    await store.write(migrate)
    yield store
    await store.close()


async def test_a_transaction_that_lasts_is_told_with_who_holds_it(
    database: Store, postgres_url: str
) -> None:
    other = await asyncpg.connect(postgres_url, server_settings={"application_name": "nightly"})
    look = partial(diagnosis.long_transactions, longer_than=timedelta())
    before = await database.read(look)
    async with other.transaction():
        pid = await other.fetchval("SELECT pg_backend_pid()")
        found = await database.read(look)
    await other.close()

    assert [(each.pid, each.application, each.state) for each in found if each not in before] == [
        (pid, "nightly", "idle in transaction")
    ]


async def test_a_transaction_of_a_moment_is_none_that_lasts(
    database: Store, postgres_url: str
) -> None:
    other = await asyncpg.connect(postgres_url)
    async with other.transaction():
        await other.execute("SELECT 1")
        found = await database.read(diagnosis.long_transactions)
    await other.close()

    assert found == []


async def test_a_table_of_dead_rows_is_bloated_until_it_was_vacuumed(
    database: Store, postgres_url: str
) -> None:
    other = await asyncpg.connect(postgres_url)
    await other.execute("ALTER TABLE onbeat_folds SET (autovacuum_enabled = off)")
    await other.execute(
        "INSERT INTO onbeat_folds SELECT n, now() FROM generate_series(1, $1) AS n",
        diagnosis.DEAD_ROWS + 1,
    )
    await other.execute("DELETE FROM onbeat_folds")
    await other.execute("SELECT pg_stat_force_next_flush()")
    await other.execute("SELECT 1")
    [found] = await database.read(diagnosis.bloated)
    await other.execute(found.remedy)
    await other.execute("SELECT pg_stat_force_next_flush()")
    await other.execute("SELECT 1")
    after = await database.read(diagnosis.bloated)
    await other.close()

    assert (found.table, found.live) == ("onbeat_folds", 0)
    assert found.dead > diagnosis.DEAD_ROWS
    assert after == []


async def test_tables_with_many_rows_are_unknown_until_they_were_analysed(
    database: Store, postgres_url: str
) -> None:
    other = await asyncpg.connect(postgres_url)
    await other.execute("ALTER TABLE onbeat_folds SET (autovacuum_enabled = off)")
    await other.execute(
        "INSERT INTO onbeat_folds SELECT n, now() FROM generate_series(1, $1) AS n",
        diagnosis.UNKNOWN_ROWS + 1,
    )
    await other.execute("SELECT pg_stat_force_next_flush()")
    await other.execute("SELECT 1")
    before = await database.read(diagnosis.never_analysed)
    await other.execute("ANALYZE onbeat_folds")
    after = await database.read(diagnosis.never_analysed)
    await other.close()

    assert (before, after) == (["onbeat_folds"], [])


async def test_settings_of_the_server_that_lose_data_are_told(
    database: Store, postgres_server: PostgresServer
) -> None:
    found = await database.read(diagnosis.careless_settings)

    assert found == ["fsync = off", "full_page_writes = off"]


async def test_an_index_of_a_great_table_is_left_to_be_made_beside_its_writers(
    database: Store, postgres_url: str
) -> None:
    other = await asyncpg.connect(postgres_url)
    await other.execute("DROP INDEX onbeat_rollups_by_age")
    await other.close()

    [small] = await database.read(diagnosis.lacks)
    [great] = await database.read(partial(diagnosis.lacks, quick=-1))

    assert small.repair is not None
    assert great.repair is None
    assert great.remedy.startswith("CREATE INDEX CONCURRENTLY onbeat_rollups_by_age ON ")


async def test_an_environment_s_indexes_are_looked_for_in_its_own_schema(postgres_url: str) -> None:
    store = open_store(f"{postgres_url}?environment=blue")
    other = await asyncpg.connect(postgres_url)
    await store.write(migrate)
    whole = await store.read(diagnosis.lacks)
    await other.execute("DROP INDEX onbeat_blue.onbeat_rollups_by_age")

    [found] = await store.read(diagnosis.lacks)
    await other.close()
    await store.close()

    assert whole == []
    assert found.index == "onbeat_rollups_by_age"
