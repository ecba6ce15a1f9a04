"""A user's own transactions on Onbeat's SQLite file.

A write transaction of anybody's runs under the lock file (see file_lock.py), so a user's connection
must take it too. An engine of SQLAlchemy's begins every transaction with the lock and BEGIN
IMMEDIATE, and lets go when the connection goes back to its pool; for Django's connections see
integrations/django/sqlite.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, util

from onbeat.domain.environments import environment_of, without_environment
from onbeat.domain.errors import (
    Conflict,
    DriverMissing,
    InvalidInput,
    InvalidSetting,
    StoreLocked,
)
from onbeat.store.sqlite.connections import PRAGMAS, WRITER_PRAGMAS, database_path
from onbeat.store.sqlite.file_lock import RETRY_EVERY, FileLock
from onbeat.store.sqlite.writer import LOCK_DEADLINE

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

OURS = "onbeat_path"
"""Under this name a connection's info carries the file its engine was made for."""

TURN = "onbeat_turn"
"""Under this name, its turn to write."""

DJANGO = "onbeat.integrations.django.sqlite"
"""The ENGINE of Django's that takes the file lock."""

Holder = tuple[int, int | None]

_open_writes: dict[Path, Holder] = {}
"""Which thread and task of this process has an open write on which file."""


class WriteTurn:
    """A user's connection's turn to write the file: the lock, and a note of who holds it."""

    def __init__(self, path: Path, deadline: float = LOCK_DEADLINE) -> None:
        """Wait for the turn at most `deadline` seconds."""
        self._path = path
        self._deadline = deadline
        self._lock = FileLock(path, deadline)

    @property
    def is_held(self) -> bool:
        """Whether it is this connection's turn."""
        return self._lock.is_held

    def tries(self) -> Iterator[None]:
        """Try until it is had, yielding for the caller to wait a little after each that failed.

        Raises StoreLocked when it cannot be had in time.
        """
        give_up = time.monotonic() + self._deadline
        while not self.try_take():
            if time.monotonic() > give_up:
                raise StoreLocked(
                    f"{self._path} is held by another writer for over {self._deadline:g} s"
                )
            yield

    def take(self) -> None:
        """Wait for it. Raises StoreLocked when it cannot be had in time."""
        for _ in self.tries():
            time.sleep(RETRY_EVERY)

    def try_take(self) -> bool:
        """Take it if it is nobody's; whether it was had."""
        if not self._lock.try_acquire():
            return False
        _open_writes[self._path] = _me()
        return True

    def give_back(self) -> None:
        """Let others write, if it is held."""
        if self.is_held:
            _open_writes.pop(self._path, None)
            self._lock.release()

    def close(self) -> None:
        """Give it back, and let go of the lock file."""
        self.give_back()
        self._lock.close()


def sqlite_engine(url: str) -> Engine:
    """A SQLAlchemy engine for transactions of your own on Onbeat's SQLite file.

    `ob.url` names the file of the application's environment.
    """
    engine = create_engine(_plain(url))
    _prepare(engine, _path_of(url), waits_in_loop=False)
    return engine


def sqlite_async_engine(url: str) -> AsyncEngine:
    """The same for `asyncio`. Raises DriverMissing without the packages aiosqlite and greenlet."""
    missing = [name for name in ("aiosqlite", "greenlet") if not _is_installed(name)]
    if missing:
        raise DriverMissing(
            f"sqlite_async_engine needs {' and '.join(missing)}; install with: pip install "
            "aiosqlite greenlet"
        )
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415 - needs greenlet

    engine = create_async_engine(_plain(url).set(drivername="sqlite+aiosqlite"))
    _prepare(engine.sync_engine, _path_of(url), waits_in_loop=True)
    return engine


def _is_installed(name: str) -> bool:
    try:
        import_module(name)
    except ImportError:
        return False
    return True


def check(path: Path | None, url: str, remedy: str) -> None:
    """Raise InvalidInput unless a connection that takes the lock, on `path`, is on the same file.

    `path` is None for one that does not take it; `remedy` says how to get one that does.
    """
    if path is None:
        raise InvalidInput("within", f"on SQLite {remedy}, which takes Onbeat's file lock")
    if path != database_path(url):
        raise InvalidInput("within", _elsewhere(path, url))


def _elsewhere(path: Path, url: str) -> str:
    """A transaction is on one file: with two attached, a crash may commit it in one alone."""
    ours, environment = database_path(url), environment_of(url)
    told = f"the transaction writes {path}, Onbeat is on {ours}"
    if environment is None:
        return told
    return (
        f"{told}, the file of environment {environment!r}, and SQLite commits in one file alone; "
        "keep your tables there too: onbeat.sqlite_engine(ob.url), or in Django that file as NAME"
    )


def refuse_inside_open_write(url: str) -> None:
    """Raise Conflict when the caller has an open write on the file: waiting would never end."""
    if not _open_writes or not url.startswith("sqlite"):
        return
    path = database_path(url)
    if path is not None and _open_writes.get(path) == _me():
        raise Conflict(
            f"a transaction of yours on {path} is open, and a job enqueued beside it would wait "
            "for its end; enqueue in it, with `.within(session)` or `.within(connection)`"
        )


def _path_of(url: str) -> Path:
    path = database_path(url)
    if path is None:
        raise InvalidSetting("db", "a database in memory cannot be shared; give sqlite:///FILE")
    return path


def _plain(url: str) -> URL:
    """As SQLAlchemy takes it, which knows no environments: with the file of that."""
    if environment_of(url) is None:
        return make_url(url)
    return make_url(without_environment(url)).set(database=str(_path_of(url)))


def _prepare(engine: Engine, path: Path, *, waits_in_loop: bool) -> None:
    @event.listens_for(engine, "connect")
    def connect(connection: Any, record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in PRAGMAS + WRITER_PRAGMAS:
            cursor.execute(pragma)
        cursor.close()
        record.info[OURS] = path
        record.info[TURN] = WriteTurn(path)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        _take(connection.info[TURN], waits_in_loop=waits_in_loop)
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    @event.listens_for(engine, "checkin")
    def checkin(_connection: Any, record: Any) -> None:
        record.info[TURN].give_back()

    @event.listens_for(engine, "close")
    def close(_connection: Any, record: Any) -> None:
        if TURN in record.info:  # a connection that could not be prepared has none
            record.info[TURN].close()


def _take(turn: WriteTurn, *, waits_in_loop: bool) -> None:
    if not waits_in_loop:
        turn.take()
        return
    for _ in turn.tries():
        util.await_only(asyncio.sleep(RETRY_EVERY))


def _me() -> Holder:
    task = None
    with contextlib.suppress(RuntimeError):
        task = asyncio.current_task()
    return threading.get_ident(), None if task is None else id(task)
