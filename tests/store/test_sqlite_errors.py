"""What SQLite refuses, in our words, and that work goes on once the cause is gone."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from onbeat.domain.errors import (
    InvalidSetting,
    SchemaMissing,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreLocked,
    StoreReadOnly,
    StoreUnavailable,
)
from onbeat.store.opening import open_store
from onbeat.store.sqlite.connections import check_version
from onbeat.store.sqlite.errors import translate
from onbeat.store.sqlite.readers import Readers
from onbeat.store.store import Store
from tests import factories
from tests.conftest import opened

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "onbeat.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    async with opened(f"sqlite:///{path}") as store:
        yield store


async def set_pragma(store: Store, pragma: str) -> None:
    await store.write(lambda connection, _: connection.execute(text(f"PRAGMA {pragma}")) and None)


async def test_a_file_another_program_is_writing_is_locked(store: Store, path: Path) -> None:
    await set_pragma(store, "busy_timeout = 20")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreLocked, match="locked by another program; end its write transaction"):
        await store.enqueue(factories.jobs(1))

    other.close()
    assert await store.enqueue(factories.jobs(1)) == 1


async def test_a_locked_file_is_an_answer_to_everyone_who_waited(store: Store, path: Path) -> None:
    await set_pragma(store, "busy_timeout = 20")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    answers = await asyncio.gather(
        *(store.enqueue(factories.jobs(1)) for _ in range(5)), return_exceptions=True
    )

    other.close()
    assert [type(answer) for answer in answers] == [StoreLocked] * 5


async def test_a_full_disk_is_said_so_and_work_goes_on_once_there_is_space(store: Store) -> None:
    await set_pragma(store, "max_page_count = 1")
    great = [factories.job(args=b'{"text":"%s"}' % (b"x" * 100_000))]

    with pytest.raises(StoreFull, match="no space left"):
        await store.enqueue(great)

    await set_pragma(store, "max_page_count = 1000000")
    assert await store.enqueue(great) == 1


@pytest.fixture
def garbage(path: Path) -> Path:
    path.write_bytes(b"certainly not a database" * 100)
    return path


async def test_a_file_that_is_no_database_is_corrupt(garbage: Path) -> None:
    store = open_store(f"sqlite:///{garbage}")

    with pytest.raises(StoreCorrupt, match="not a sound database"):
        await store.open()

    await store.close()


async def test_a_folder_that_is_no_folder_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("")
    store = open_store(f"sqlite:///{tmp_path}/folder/onbeat.db")

    with pytest.raises(StoreReadOnly, match="give the folder to the user"):
        await store.open()

    await store.close()


def test_a_file_opened_read_only_cannot_be_written(path: Path) -> None:
    sqlite3.connect(path).execute("CREATE TABLE t (a)").connection.close()
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)

    with pytest.raises(sqlite3.OperationalError) as caught:
        connection.execute("INSERT INTO t VALUES (1)")

    connection.close()
    assert isinstance(translate(caught.value, path), StoreReadOnly)


async def test_a_read_that_takes_too_long_is_ended(path: Path) -> None:
    readers = Readers(path, deadline=0.02)

    with pytest.raises(StoreUnavailable, match=r"took over 0\.02 s"):
        await readers.read(lambda connection: connection.execute(text(ENDLESS)).scalar())

    assert await readers.read(lambda connection: connection.execute(text("SELECT 7")).scalar()) == 7
    await readers.close()


async def test_a_file_without_our_tables_says_how_to_make_them(path: Path) -> None:
    store = open_store(f"sqlite:///{path}")

    with pytest.raises(SchemaMissing, match="onbeat db migrate"):
        await store.enqueue(factories.jobs(1))

    await store.close()


async def test_a_read_sees_one_state_of_the_database(store: Store, path: Path) -> None:
    def twice(connection: Connection, _: object) -> tuple[int | None, int | None]:
        count = text("SELECT count(*) FROM onbeat_jobs")
        first = connection.execute(count).scalar()
        other = sqlite3.connect(path)
        other.execute("DELETE FROM onbeat_jobs")
        other.commit()
        other.close()
        return first, connection.execute(count).scalar()

    await store.enqueue(factories.jobs(3))

    assert await store.read(twice) == (3, 3)


@pytest.mark.parametrize("url", ["sqlite:onbeat.db", "sqlite://host/onbeat.db"])
def test_a_url_that_names_no_file_is_refused(url: str) -> None:
    with pytest.raises(InvalidSetting, match="sqlite:///FILE"):
        open_store(url)


def test_an_engine_nobody_knows_is_refused() -> None:
    with pytest.raises(InvalidSetting, match="'mysql' is not an engine"):
        open_store("mysql://host/database")


def test_a_sqlite_that_is_too_old_is_refused() -> None:
    with pytest.raises(StoreError, match=r"3\.37 or newer"):
        check_version((3, 36, 0))
