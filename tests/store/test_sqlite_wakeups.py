"""Hints between processes on one SQLite file; where the file cannot be watched, nothing breaks."""

from __future__ import annotations

import asyncio
import resource
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from onbeat.store.sqlite.file_lock import lock_path
from onbeat.store.sqlite.wakeups import Listener, hint
from onbeat.store.wakeups import Allowance, Wakeups

PATIENCE = 5.0


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Where a database would be."""
    return tmp_path / "onbeat.db"


@asynccontextmanager
async def listening(database: Path) -> AsyncIterator[Wakeups]:
    """Wakeups that are carried to and from other processes."""
    wakeups = Wakeups()
    listener = Listener(database, wakeups)
    listener.start()
    try:
        yield wakeups
    finally:
        listener.close()


def waiting(wakeups: Wakeups) -> asyncio.Event:
    """An event that the next hint sets."""
    event = asyncio.Event()
    wakeups.subscribe(event, ["mail"])
    event.clear()
    return event


async def hinted(event: asyncio.Event) -> None:
    async with asyncio.timeout(PATIENCE):
        await event.wait()


@contextmanager
def no_more_files() -> Iterator[None]:
    """Have the system refuse every further descriptor."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def descriptors() -> int:
    """How many this process has open, and the one that looks."""
    return len(list(Path("/dev/fd").iterdir()))


async def test_a_hint_of_one_without_a_store_wakes_those_who_listen(database: Path) -> None:
    async with listening(database) as wakeups:
        event = waiting(wakeups)

        hint(database)

        await hinted(event)


async def test_a_hint_for_a_file_nobody_has_written_to_makes_none(database: Path) -> None:
    hint(database)

    assert list(database.parent.iterdir()) == []


async def test_a_hint_that_another_follows_at_once_is_not_lost(database: Path) -> None:
    async with listening(database) as first, listening(database) as second:
        event = waiting(second)

        first.send(["mail"])
        second.send(["bills"])

        assert event.is_set()


async def test_a_hint_that_had_to_wait_goes_out_before_the_end(database: Path) -> None:
    async with listening(database) as wakeups:
        event = waiting(wakeups)
        async with listening(database) as brief:
            for _ in range(Allowance.IN_A_ROW + 2):
                event.clear()
                brief.send(["mail"])
                await hinted(event)
            event.clear()
            brief.send(["mail"])

        await hinted(event)


async def test_who_only_sends_makes_no_file_and_watches_nothing(database: Path) -> None:
    before = descriptors()

    async with listening(database) as wakeups:
        wakeups.send(["mail"])

        assert (descriptors(), list(database.parent.iterdir())) == (before, [])


async def test_a_closed_listener_leaves_nothing_open(database: Path) -> None:
    before = descriptors()

    async with listening(database) as wakeups:
        waiting(wakeups)
        assert descriptors() != before

    assert descriptors() == before


async def test_without_a_file_to_spare_it_is_left_to_the_poll(database: Path) -> None:
    async with listening(database) as wakeups:
        with no_more_files():
            waiting(wakeups)

        wakeups.send(["mail"])


async def test_it_watches_as_soon_as_it_can(database: Path) -> None:
    async with listening(database) as wakeups:
        with no_more_files():
            waiting(wakeups)
        event = waiting(wakeups)

        hint(database)

        await hinted(event)


async def test_a_folder_that_goes_away_is_no_trouble(database: Path) -> None:
    async with listening(database) as wakeups:
        event = waiting(wakeups)
        lock = lock_path(database)
        shutil.rmtree(database.parent)

        wakeups.send(["mail"])
        await asyncio.sleep(0)

        assert (event.is_set(), lock.exists()) == (True, False)


async def test_an_unreadable_hint_is_one_all_the_same(database: Path) -> None:
    async with listening(database) as wakeups:
        event = waiting(wakeups)

        lock_path(database).write_bytes(b"?")

        await hinted(event)
