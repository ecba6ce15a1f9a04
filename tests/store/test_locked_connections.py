"""A user's sqlite3 connection writes only while it holds the file lock."""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from onbeat.store.sqlite.file_lock import FileLock
from onbeat.store.sqlite.guests import WriteTurn
from onbeat.store.sqlite.locked import LockedConnection


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file in WAL mode, with a table."""
    path = tmp_path / "shop.db"
    plain = sqlite3.connect(path)
    plain.execute("PRAGMA journal_mode = WAL")
    plain.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, number INTEGER UNIQUE)")
    plain.close()
    return path


def opened(path: Path) -> LockedConnection:
    """A connection in autocommit that waits for its turn a tenth of a second."""
    return LockedConnection(WriteTurn(path, 0.1), path, isolation_level=None)


@pytest.fixture
def connection(path: Path) -> Iterator[LockedConnection]:
    """One of the user's."""
    made = opened(path)
    yield made
    made.close()


@pytest.fixture
def lock(path: Path) -> Iterator[FileLock]:
    """The lock, as everybody else takes it."""
    made = FileLock(path, 0.1)
    yield made
    made.close()


def is_free(lock: FileLock) -> bool:
    """Whether nobody holds the lock."""
    taken = lock.try_acquire()
    if taken:
        lock.release()
    return taken


def test_a_write_outside_of_a_transaction_waits_for_its_turn(
    connection: LockedConnection, lock: FileLock
) -> None:
    with lock.held(), pytest.raises(sqlite3.OperationalError, match="held by another writer"):
        connection.execute("INSERT INTO orders (number) VALUES (1)")


def test_after_a_write_outside_of_a_transaction_others_may_write(
    connection: LockedConnection, lock: FileLock
) -> None:
    connection.execute("INSERT INTO orders (number) VALUES (1)")

    assert is_free(lock)


def test_rows_a_write_returns_are_there_though_others_may_write(
    connection: LockedConnection, lock: FileLock
) -> None:
    cursor = connection.execute(
        "INSERT INTO orders (number) VALUES (1), (2), (3), (4), (5) RETURNING number"
    )

    assert is_free(lock)
    assert cursor.fetchone() == (1,)
    assert cursor.fetchmany(2) == [(2,), (3,)]
    assert next(cursor) == (4,)
    assert cursor.fetchall() == [(5,)]
    assert cursor.fetchone() is None


def test_what_a_write_returns_is_committed_before_it_is_read(
    connection: LockedConnection, path: Path
) -> None:
    cursor = connection.execute("INSERT INTO orders (number) VALUES (1), (2) RETURNING id")

    other = opened(path)
    assert other.execute("SELECT count(*) FROM orders").fetchone() == (2,)
    other.close()
    cursor.close()


@pytest.mark.parametrize("begin", ["BEGIN", "BEGIN IMMEDIATE", "SAVEPOINT one"])
@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
def test_a_transaction_holds_the_lock_to_its_end(
    connection: LockedConnection, lock: FileLock, begin: str, end: str
) -> None:
    connection.execute(begin)
    connection.execute("INSERT INTO orders (number) VALUES (1)")
    connection.execute("SELECT * FROM orders").fetchall()
    within = is_free(lock)

    connection.execute(end)

    assert (within, is_free(lock)) == (False, True)


@pytest.mark.parametrize("end", ["commit", "rollback", "close"])
def test_a_transaction_ends_by_method_too(
    connection: LockedConnection, lock: FileLock, end: str
) -> None:
    connection.isolation_level = ""
    connection.execute("INSERT INTO orders (number) VALUES (1)")
    within = is_free(lock)

    getattr(connection, end)()

    assert (within, is_free(lock)) == (False, True)


def test_a_transaction_ends_with_its_block(connection: LockedConnection, lock: FileLock) -> None:
    connection.isolation_level = ""
    with connection:
        connection.execute("INSERT INTO orders (number) VALUES (1)")
        within = is_free(lock)

    assert (within, is_free(lock)) == (False, True)


def test_a_return_to_autocommit_ends_the_transaction(
    connection: LockedConnection, lock: FileLock
) -> None:
    connection.isolation_level = ""
    connection.execute("INSERT INTO orders (number) VALUES (1)")
    within = is_free(lock)

    connection.isolation_level = None

    assert (within, is_free(lock)) == (False, True)


def test_a_write_that_fails_gives_the_lock_back(
    connection: LockedConnection, lock: FileLock
) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute("INSERT INTO orders (number) VALUES (1), (1)")

    assert is_free(lock)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM orders",
        "  values (1)",
        "EXPLAIN DELETE FROM orders",
        "PRAGMA foreign_keys = ON",
        "PRAGMA table_info(orders)",
        "PRAGMA journal_mode",
    ],
)
def test_a_read_waits_for_nobody(
    connection: LockedConnection, lock: FileLock, statement: str
) -> None:
    with lock.held():
        connection.execute(statement).fetchall()


@pytest.mark.parametrize(
    "statement",
    [
        "WITH one AS (SELECT 1) INSERT INTO orders (number) SELECT * FROM one",
        "/* SELECT */ DELETE FROM orders",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "PRAGMA user_version = 7",
        "VACUUM",
        "CREATE TABLE other (id)",
    ],
)
def test_whatever_may_write_waits_for_its_turn(
    connection: LockedConnection, lock: FileLock, statement: str
) -> None:
    with lock.held(), pytest.raises(sqlite3.OperationalError, match="held by another writer"):
        connection.execute(statement)


def test_a_write_for_many_rows_waits_for_its_turn(
    connection: LockedConnection, lock: FileLock
) -> None:
    with lock.held(), pytest.raises(sqlite3.OperationalError, match="held by another writer"):
        connection.executemany("INSERT INTO orders (number) VALUES (?)", [(1,)])


def test_a_script_waits_for_its_turn(connection: LockedConnection, lock: FileLock) -> None:
    with lock.held(), pytest.raises(sqlite3.OperationalError, match="held by another writer"):
        connection.executescript("DELETE FROM orders; DELETE FROM orders;")


def test_a_connection_that_is_forgotten_gives_the_lock_back(path: Path, lock: FileLock) -> None:
    forgotten = opened(path)
    forgotten.execute("BEGIN IMMEDIATE")
    within = is_free(lock)

    del forgotten
    gc.collect()

    assert (within, is_free(lock)) == (False, True)


def test_closing_waits_for_nobody(path: Path, lock: FileLock) -> None:
    connection = opened(path)
    connection.execute("SELECT 1").fetchall()

    with lock.held():
        connection.close()

    assert is_free(lock)
