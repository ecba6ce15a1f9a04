"""SQLAlchemy's transactions on Onbeat's SQLite file: their engine takes the file lock."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from onbeat import (
    Conflict,
    InvalidInput,
    JobFilter,
    Onbeat,
    Settings,
    sqlite_async_engine,
    sqlite_engine,
)


def add(left: int, right: int = 1) -> int:
    return left + right


def count(ob: Onbeat) -> int:
    """How many jobs there are."""
    return len(ob._context.block(lambda: ob.jobs.list(JobFilter())))


@pytest.fixture
def on_file(tmp_path: Path) -> Iterator[Onbeat]:
    """An application on a SQLite file."""
    ob = Onbeat(f"sqlite:///{tmp_path}/onbeat.db", settings=Settings())
    ob.task(add).enqueue_blocking(0)
    yield ob
    ob.close_blocking()


def test_an_engine_that_does_not_take_the_file_lock_is_refused(on_file: Onbeat) -> None:
    engine = create_engine(on_file.url)

    with (
        Session(engine) as session,
        pytest.raises(InvalidInput, match=r"must come from onbeat.sqlite_engine\(url\)"),
    ):
        on_file.task(add).within(session).enqueue_blocking(1)
    engine.dispose()


def test_an_engine_on_another_file_is_refused(on_file: Onbeat, tmp_path: Path) -> None:
    engine = sqlite_engine(f"sqlite:///{tmp_path}/other.db")

    with (
        Session(engine) as session,
        pytest.raises(InvalidInput, match=r"the transaction writes .*other"),
    ):
        on_file.task(add).within(session).enqueue_blocking(1)
    engine.dispose()


def test_a_plain_enqueue_inside_an_open_write_is_refused(on_file: Onbeat) -> None:
    engine, task = sqlite_engine(on_file.url), on_file.task(add)

    with (
        engine.begin(),
        pytest.raises(Conflict, match=r"with `.within\(session\)` or `.within\(connection\)`"),
    ):
        task.enqueue_blocking(1)
    engine.dispose()


def test_asking_for_many_inside_an_open_write_is_refused(on_file: Onbeat) -> None:
    engine, task = sqlite_engine(on_file.url), on_file.task(add)

    with engine.begin(), pytest.raises(Conflict, match=r"enqueue in it, with `.within\(session\)`"):
        on_file.enqueue_many_blocking([task.bind(1)])
    engine.dispose()


async def test_a_plain_async_enqueue_inside_an_open_write_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/onbeat.db"
    engine = sqlite_async_engine(url)
    async with Onbeat(url, settings=Settings()) as ob:
        task = ob.task(add)
        async with AsyncSession(engine) as session, session.begin():
            await task.within(session).enqueue(1)

            with pytest.raises(Conflict, match=r"`.within\(session\)`"):
                await task.enqueue(1)
    await engine.dispose()


def test_after_the_commit_a_plain_enqueue_is_taken(on_file: Onbeat) -> None:
    engine, task = sqlite_engine(on_file.url), on_file.task(add)
    with Session(engine) as session, session.begin():
        task.within(session).enqueue_blocking(1)

    task.enqueue_blocking(2)

    assert count(on_file) == 3
    engine.dispose()


@pytest.mark.parametrize("absent", ["aiosqlite", "greenlet"])
def test_an_async_engine_without_its_packages_names_them(absent: str) -> None:
    program = (
        f"import sys; sys.modules[{absent!r}] = None\n"
        "import onbeat\n"
        "try: onbeat.sqlite_async_engine('sqlite:///shop.db')\n"
        "except onbeat.StoreError as error: print(type(error).__name__, error)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    said = done.stdout

    assert said.startswith(f"DriverMissing sqlite_async_engine needs {absent};")
    assert "pip install aiosqlite greenlet" in said
