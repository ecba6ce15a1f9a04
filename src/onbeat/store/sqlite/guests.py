"""Engines for a user's own transactions on Onbeat's SQLite file.

A write transaction of anybody's runs under the lock file (see file_lock.py), so a user's engine
must take it too: it begins every transaction with the lock and BEGIN IMMEDIATE, and lets go when
the connection goes back to its pool.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, create_engine, event, util

from onbeat.domain.errors import Conflict, InvalidInput, InvalidSetting, StoreLocked
from onbeat.store.sqlite.connections import PRAGMAS, WRITER_PRAGMAS, database_path
from onbeat.store.sqlite.file_lock import RETRY_EVERY, FileLock
from onbeat.store.sqlite.writer import LOCK_DEADLINE

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

OURS = "onbeat_path"
"""Under this name a connection's info carries the file its engine was made for."""

LOCK = "onbeat_lock"

Holder = tuple[int, int | None]

_open_writes: dict[Path, Holder] = {}
"""Which thread and task of this process has an open write on which file."""


def sqlite_engine(url: str) -> Engine:
    """A SQLAlchemy engine for transactions of your own on Onbeat's SQLite file."""
    engine = create_engine(url)
    _prepare(engine, _path_of(url), waits_in_loop=False)
    return engine


def sqlite_async_engine(url: str) -> AsyncEngine:
    """The same for `asyncio`; needs the packages aiosqlite and greenlet."""
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415 - needs greenlet

    engine = create_async_engine(url.replace("sqlite:", "sqlite+aiosqlite:", 1))
    _prepare(engine.sync_engine, _path_of(url), waits_in_loop=True)
    return engine


def check(connection: Connection, url: str) -> None:
    """Raise InvalidInput unless the connection is from `sqlite_engine`, on the same file."""
    path = connection.info.get(OURS)
    if path is None:
        raise InvalidInput(
            "within", "on SQLite the session's engine must come from onbeat.sqlite_engine(url), "
            "which takes Onbeat's file lock",
        )  # fmt: skip
    if path != database_path(url):
        raise InvalidInput(
            "within", f"the session writes {path}, Onbeat is on {database_path(url)}"
        )


def refuse_inside_open_write(url: str) -> None:
    """Raise Conflict when the caller has an open write on the file: waiting would never end."""
    if not _open_writes or not url.startswith("sqlite"):
        return
    path = database_path(url)
    if path is not None and _open_writes.get(path) == _me():
        raise Conflict(
            f"a transaction of yours on {path} is open, and a job enqueued beside it would wait "
            "for its end; enqueue in it, with `.within(session)`"
        )


def _path_of(url: str) -> Path:
    path = database_path(url)
    if path is None:
        raise InvalidSetting("db", "a database in memory cannot be shared; give sqlite:///FILE")
    return path


def _prepare(engine: Engine, path: Path, *, waits_in_loop: bool) -> None:
    @event.listens_for(engine, "connect")
    def connect(connection: Any, record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in PRAGMAS + WRITER_PRAGMAS:
            cursor.execute(pragma)
        cursor.close()
        record.info[OURS] = path
        record.info[LOCK] = FileLock(path, LOCK_DEADLINE)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        _take(connection.info[LOCK], path, waits_in_loop=waits_in_loop)
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    @event.listens_for(engine, "checkin")
    def checkin(_connection: Any, record: Any) -> None:
        lock: FileLock = record.info[LOCK]
        if lock.is_held:
            _open_writes.pop(path, None)
            lock.release()


def _take(lock: FileLock, path: Path, *, waits_in_loop: bool) -> None:
    give_up = time.monotonic() + LOCK_DEADLINE
    while not lock.try_acquire():
        if time.monotonic() > give_up:
            raise StoreLocked(f"{path} is held by another writer for over {LOCK_DEADLINE:g} s")
        if waits_in_loop:
            util.await_only(asyncio.sleep(RETRY_EVERY))
        else:
            time.sleep(RETRY_EVERY)
    _open_writes[path] = _me()


def _me() -> Holder:
    task = None
    with contextlib.suppress(RuntimeError):
        task = asyncio.current_task()
    return threading.get_ident(), None if task is None else id(task)
