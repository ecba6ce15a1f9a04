"""Which schema a database has: the wrong one is refused with what to do about it."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import Connection, text

from onbeat.domain.errors import SchemaMissing, SchemaNewer, SchemaOutdated
from onbeat.store import schema_state
from onbeat.store.opening import open_store
from onbeat.store.schema import VERSION_TABLE
from onbeat.store.schema_state import HEAD
from onbeat.store.store import Store
from tests.conftest import opened
from tests.timing import ManualTiming


async def set_revision(store: Store, revision: str) -> None:
    def write(connection: Connection, _: datetime) -> None:
        connection.execute(
            text(f"UPDATE {VERSION_TABLE} SET version_num = :to"),  # noqa: S608 - a constant
            {"to": revision},
        )

    await store.write(write)


async def test_a_migrated_database_is_current(store: Store) -> None:
    found = await store.read(lambda connection, _: schema_state.status(connection))

    assert (found.current, found.is_current, found.is_newer) == (HEAD, True, False)


async def test_a_database_of_a_newer_onbeat_is_refused(store: Store, database_url: str) -> None:
    await set_revision(store, "9999")

    with pytest.raises(SchemaNewer, match=r"schema 9999.*upgrade Onbeat here"):
        async with opened(database_url):
            pass


async def test_a_database_of_a_newer_onbeat_is_not_migrated(store: Store) -> None:
    await set_revision(store, "9999")

    with pytest.raises(SchemaNewer):
        await store.write(schema_state.migrate)


async def test_a_database_of_an_older_onbeat_is_refused(store: Store) -> None:
    await set_revision(store, "0001")

    with pytest.raises(SchemaOutdated, match=r"schema 0001, this Onbeat needs \d{4}.*db migrate"):
        await store.read(lambda connection, _: schema_state.check(connection))


async def test_migrating_a_current_database_changes_nothing(store: Store) -> None:
    before = await store.write(schema_state.migrate)

    assert before.is_current


async def test_an_empty_postgresql_database_says_how_to_make_the_tables(
    postgres_url: str,
) -> None:
    store = open_store(postgres_url)

    with pytest.raises(SchemaMissing, match="onbeat db migrate"):
        await store.open()

    await store.close()


@pytest.mark.parametrize("operation", ["claim", "promote", "next_due"])
async def test_a_hot_statement_on_an_empty_database_says_so_too(
    postgres_url: str, operation: str
) -> None:
    store = open_store(postgres_url, timing=ManualTiming())
    calls = {
        "claim": lambda: store.claim("0" * 32, ["default"], 1),
        "promote": lambda: store.promote(1),
        "next_due": store.next_due,
    }

    with pytest.raises(SchemaMissing, match="onbeat db migrate"):
        await calls[operation]()

    await store.close()


async def test_a_new_sqlite_file_is_given_its_tables(tmp_path: object) -> None:
    async with opened(f"sqlite:///{tmp_path}/new.db") as store:
        found = await store.read(lambda connection, _: schema_state.status(connection))

    assert found.is_current
