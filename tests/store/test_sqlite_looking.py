"""Looking at a SQLite file takes no lock and writes nothing."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from onbeat.domain.job_filters import JobFilter
from onbeat.store import listing, schema_state
from onbeat.store.sqlite.file_lock import FileLock
from onbeat.store.sqlite.readers import Readers
from tests import factories
from tests.conftest import opened

LOOK = """
import asyncio, sys
from onbeat.store import schema_state
from onbeat.store.opening import open_store

async def main():
    store = open_store(sys.argv[1])
    await store.open()
    print((await store.read(lambda c, _: schema_state.status(c))).current)
    await store.close()

asyncio.run(main())
"""


@pytest.fixture
def path(tmp_path: Path, sqlite_template: Path) -> Path:
    return Path(shutil.copy(sqlite_template, tmp_path / "onbeat.db"))


async def test_a_file_another_program_is_writing_can_be_looked_at(path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async with opened(f"sqlite:///{path}") as store:
        found = await store.read(lambda c, now: listing.list_jobs(c, now, JobFilter()))

    other.close()
    assert list(found) == []


async def test_a_file_whose_lock_is_held_can_be_looked_at_and_closed(path: Path) -> None:
    lock = FileLock(path, 1)

    with lock.held():
        async with opened(f"sqlite:///{path}") as store:
            found = await store.read(lambda c, _: schema_state.status(c))
    lock.close()

    assert found.is_current


async def test_looking_leaves_no_lock_file_beside_a_file_of_somebody_else(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    sqlite3.connect(path).execute("CREATE TABLE t (a)").connection.close()
    readers = Readers(path)

    found = await readers.read(schema_state.status)
    await readers.close()

    assert found.current is None
    assert list(tmp_path.iterdir()) == [path]  # noqa: ASYNC240 - a moment, in a test


async def test_after_looking_the_first_write_is_taken(path: Path) -> None:
    async with opened(f"sqlite:///{path}") as store:
        assert await store.enqueue(factories.jobs(1)) == 1


async def test_closing_the_last_reader_checkpoints(path: Path) -> None:
    async with opened(f"sqlite:///{path}") as store:
        await store.enqueue(factories.jobs(1))
    async with opened(f"sqlite:///{path}") as store:
        await store.read(lambda c, _: schema_state.status(c))

    assert not path.with_name("onbeat.db-wal").exists()


def test_a_file_on_a_read_only_mount_can_be_looked_at(path: Path) -> None:
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "-rm", "true"], check=False).returncode:
        pytest.skip("mounting is not allowed here")
    mounted = (
        f'mount --bind "{path.parent}" "{path.parent}" && mount -o remount,bind,ro "{path.parent}"'
    )

    looked = subprocess.run(
        [unshare, "-rm", "sh", "-c", f'{mounted} && exec "$@"', "sh",
         sys.executable, "-c", LOOK, f"sqlite:///{path}"],
        check=False, capture_output=True, text=True,
    )  # fmt: skip

    assert (looked.stdout.strip(), looked.returncode) == (schema_state.HEAD, 0), looked.stderr
