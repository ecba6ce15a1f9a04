"""The lock beside a SQLite file: one process writes at a time, and none waits for ever."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from onbeat.domain.errors import StoreLocked, StoreReadOnly
from onbeat.domain.job_filters import JobFilter
from onbeat.store import listing
from onbeat.store.sqlite.file_lock import FileLock
from tests import factories
from tests.conftest import opened

HOLDER = """
import sys
from pathlib import Path
from onbeat.store.sqlite.file_lock import FileLock

with FileLock(Path(sys.argv[1]), 10).held():
    print("held", flush=True)
    sys.stdin.read()
"""

WRITER = """
import asyncio, sys
from onbeat.store.opening import open_store
from tests import factories

async def main():
    store = open_store(sys.argv[1])
    await store.open()
    print("open", flush=True)
    for _ in range(100):
        await store.enqueue([factories.job(queue="theirs")])
    await store.close()

asyncio.run(main())
"""


@contextmanager
def python(program: str, argument: str) -> Iterator[subprocess.Popen[str]]:
    """Another process, that has said its first word."""
    with subprocess.Popen(
        [sys.executable, "-c", program, argument],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.communicate()


def test_a_lock_another_process_holds_is_given_up_on_after_the_deadline(tmp_path: Path) -> None:
    database = tmp_path / "onbeat.db"
    lock = FileLock(database, 0.05)

    with (
        python(HOLDER, str(database)),
        pytest.raises(StoreLocked, match=r"onbeat\.db\.lock is held by another process"),
        lock.held(),
    ):
        pass

    lock.close()


def test_a_lock_is_free_again_when_its_holder_dies(tmp_path: Path) -> None:
    database = tmp_path / "onbeat.db"
    lock = FileLock(database, 5)
    with python(HOLDER, str(database)) as process:
        process.kill()
        process.wait()

        with lock.held():
            pass

    lock.close()


def test_two_locks_of_one_process_exclude_each_other(tmp_path: Path) -> None:
    first, second = (FileLock(tmp_path / "onbeat.db", 0.02) for _ in range(2))

    with first.held(), pytest.raises(StoreLocked), second.held():
        pass

    first.close()
    second.close()


def test_a_lock_that_was_let_go_can_be_had_again(tmp_path: Path) -> None:
    lock, other = (FileLock(tmp_path / "onbeat.db", 0.02) for _ in range(2))

    with lock.held():
        pass
    with other.held():
        pass
    with lock.held():
        pass

    lock.close()
    other.close()


def test_a_folder_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("not a folder")
    lock = FileLock(tmp_path / "folder" / "onbeat.db", 1)

    with pytest.raises(StoreReadOnly, match="give the folder to the user"), lock.held():
        pass


async def test_two_processes_write_to_one_file_and_nothing_is_lost(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'onbeat.db'}"
    async with opened(url) as store:
        with python(WRITER, url) as process:
            for _ in range(100):
                await store.enqueue([factories.job(queue="ours")])
            process.wait()

        found = await store.read(lambda c, now: listing.list_jobs(c, now, JobFilter(limit=500)))

    assert process.returncode == 0
    assert sorted(each.queue for each in found) == ["ours"] * 100 + ["theirs"] * 100


async def test_two_processes_may_make_the_tables_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'onbeat.db'}"

    with python(WRITER, url) as process:
        async with opened(url) as store:
            await store.enqueue(factories.jobs(1))
        process.communicate()

    assert process.returncode == 0
