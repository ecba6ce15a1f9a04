"""The one writer of SQLite: groups of requests, each with a savepoint, one COMMIT for all."""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from onbeat.domain.errors import StoreUnavailable
from onbeat.store.sqlite.writer import Hands, Request, ThreadWriter


class Gate:
    """A request that holds the writer up, so that others gather behind it."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()

    def __call__(self, hands: Hands) -> str:
        self.entered.set()
        assert self.opened.wait(10)
        return "through"


def add(number: int) -> Request[int]:
    def request(hands: Hands) -> int:
        hands.raw.execute("INSERT INTO book VALUES (?)", (number,))
        return number

    return request


def refuse(hands: Hands) -> None:
    hands.raw.execute("INSERT INTO book VALUES (99)")
    raise ValueError("no")


def end_the_transaction(hands: Hands) -> None:
    hands.raw.execute("ROLLBACK")
    raise ValueError("the transaction is over")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "book.db"


@pytest.fixture
async def writer(path: Path) -> AsyncIterator[ThreadWriter]:
    writer = ThreadWriter(path)
    await writer.run(lambda hands: hands.raw.execute("CREATE TABLE book (page INTEGER)") and None)
    yield writer
    await writer.close()


def pages(path: Path) -> list[int]:
    """What another connection sees."""
    connection = sqlite3.connect(path)
    try:
        return [row[0] for row in connection.execute("SELECT page FROM book ORDER BY page")]
    finally:
        connection.close()


async def in_one_group(
    writer: ThreadWriter, *requests: Request[object]
) -> list[asyncio.Task[object]]:
    """Hand requests in while the writer is held up, so that it takes them as one group."""
    gate = Gate()
    held = asyncio.create_task(writer.run(gate))
    await asyncio.to_thread(gate.entered.wait, 10)
    tasks = [asyncio.create_task(writer.run(request)) for request in requests]
    await asyncio.sleep(0)  # each task hands its request in
    gate.opened.set()
    await held
    return tasks


async def test_a_request_that_fails_takes_only_itself_back(
    writer: ThreadWriter, path: Path
) -> None:
    tasks = await in_one_group(writer, add(1), refuse, add(2))

    first, error, second = await asyncio.gather(*tasks, return_exceptions=True)

    assert (first, second) == (1, 2)
    assert isinstance(error, ValueError)
    assert pages(path) == [1, 2]


async def test_an_answer_means_that_the_work_is_on_disk(writer: ThreadWriter, path: Path) -> None:
    await writer.run(add(1))

    assert pages(path) == [1]


async def test_nobody_hears_before_the_whole_group_is_committed(
    writer: ThreadWriter, path: Path
) -> None:
    gate = Gate()
    early, late = await in_one_group(writer, add(1), gate)
    await asyncio.to_thread(gate.entered.wait, 10)

    before = (early.done(), pages(path))
    gate.opened.set()
    await asyncio.gather(early, late)

    assert before == (False, [])
    assert pages(path) == [1]


async def test_an_error_that_ends_the_transaction_reaches_every_caller(
    writer: ThreadWriter, path: Path
) -> None:
    tasks = await in_one_group(writer, add(1), end_the_transaction, add(2))

    answers = await asyncio.gather(*tasks, return_exceptions=True)

    assert [str(answer) for answer in answers] == ["the transaction is over"] * 3
    assert pages(path) == []


async def test_work_goes_on_after_a_transaction_that_was_ended(
    writer: ThreadWriter, path: Path
) -> None:
    tasks = await in_one_group(writer, add(1), end_the_transaction)
    await asyncio.gather(*tasks, return_exceptions=True)

    await writer.run(add(3))

    assert pages(path) == [3]


async def test_the_work_of_a_caller_that_stopped_waiting_is_committed(
    writer: ThreadWriter, path: Path
) -> None:
    gate = Gate()
    abandoned, held = await in_one_group(writer, add(1), gate)
    await asyncio.to_thread(gate.entered.wait, 10)

    abandoned.cancel()
    gate.opened.set()
    await held

    assert abandoned.cancelled() or abandoned.cancelling()
    assert pages(path) == [1]


async def test_even_the_first_transaction_is_made_under_the_lock(path: Path) -> None:
    writer = ThreadWriter(path)

    def try_to_lock(hands: Hands) -> bool:
        file = os.open(path.with_name(path.name + ".lock"), os.O_RDWR)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(file)
        return True

    could_be_had = await writer.run(try_to_lock)
    await writer.close()

    assert not could_be_had


async def test_what_was_accepted_before_closing_is_committed(path: Path) -> None:
    writer = ThreadWriter(path)
    await writer.run(lambda hands: hands.raw.execute("CREATE TABLE book (page INTEGER)") and None)
    accepted = [asyncio.create_task(writer.run(add(n))) for n in range(5)]
    await asyncio.sleep(0)

    await writer.close()

    assert [await each for each in accepted] == pages(path) == [0, 1, 2, 3, 4]


async def test_what_comes_while_closing_is_refused_and_does_not_hang(path: Path) -> None:
    writer = ThreadWriter(path)
    await writer.run(lambda hands: None)
    closing = asyncio.create_task(writer.close())
    await asyncio.sleep(0)

    with pytest.raises(StoreUnavailable, match="closed"):
        async with asyncio.timeout(5):
            await writer.run(lambda hands: None)

    await closing


def test_a_writer_that_never_wrote_leaves_no_file(path: Path) -> None:
    asyncio.run(ThreadWriter(path).close())

    assert not path.exists()


async def test_the_last_connection_leaves_no_wal_behind(path: Path, writer: ThreadWriter) -> None:
    await writer.run(add(1))
    await writer.close()

    assert not path.with_name(path.name + "-wal").exists()
    assert pages(path) == [1]


async def test_a_checkpoint_that_fails_fails_nobody_whose_work_is_committed(path: Path) -> None:
    class Full(ThreadWriter):
        def _checkpoint_when_due(self, raw: sqlite3.Connection) -> None:
            raise sqlite3.OperationalError("database or disk is full")

    writer = Full(path)
    await writer.run(lambda hands: hands.raw.execute("CREATE TABLE book (page INTEGER)") and None)

    told = await writer.run(add(1))
    await writer.close()

    assert (told, pages(path)) == (1, [1])
