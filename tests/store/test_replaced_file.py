"""A database whose file is replaced under a process: nothing is written into the old one."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from onbeat.domain.errors import StoreUnavailable
from tests import factories
from tests.conftest import opened
from tests.contract.world import enqueue


def put_back(path: Path) -> None:
    """What an operator does: move the files away, copy a backup into their place."""
    backup = path.with_name("backup.db")
    for each in path.parent.glob(path.name + "*"):
        each.unlink()
    shutil.copy(backup, path)


def remove(path: Path) -> None:
    path.unlink()


@pytest.fixture
def path(sqlite_template: Path, tmp_path: Path) -> Path:
    """A migrated database, and a backup of it."""
    shutil.copy(sqlite_template, tmp_path / "backup.db")
    return Path(shutil.copy(sqlite_template, tmp_path / "onbeat.db"))


@pytest.mark.parametrize("happens", [put_back, remove])
async def test_nothing_is_written_into_a_file_that_was_replaced(
    path: Path, happens: Callable[[Path], None]
) -> None:
    async with opened(f"sqlite:///{path}") as store:
        await enqueue(store)
        happens(path)

        with pytest.raises(StoreUnavailable, match=r"was replaced or removed.*restart the process"):
            await store.enqueue([factories.job()])


PROGRAM = """
import asyncio, sys
from onbeat.store.opening import open_store
from tests import factories

async def main():
    store = open_store(sys.argv[1])
    await store.open()
    await store.enqueue([factories.job()])
    print("open", flush=True)
    sys.stdin.readline()
    await store.close()

asyncio.run(main())
"""


def test_who_ends_with_the_old_file_open_takes_nothing_from_the_new_one(path: Path) -> None:
    old = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, f"sqlite:///{path}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert old.stdout is not None
    assert old.stdout.readline() == "open\n"
    put_back(path)
    new = sqlite3.connect(path)
    new.execute("PRAGMA journal_mode = WAL")
    new.execute("CREATE TABLE kept (n INTEGER)")
    new.commit()

    old.communicate("end\n", timeout=30)

    wal = path.with_name(path.name + "-wal")
    assert wal.exists()
    assert sqlite3.connect(path).execute("SELECT count(*) FROM kept").fetchone() == (0,)
    new.close()
