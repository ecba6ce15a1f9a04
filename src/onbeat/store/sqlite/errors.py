"""What SQLite says, in our words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from onbeat.domain.errors import (
    SchemaMissing,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreLocked,
    StoreReadOnly,
    StoreRefused,
    StoreUnavailable,
)

PRIMARY = 0xFF
"""The low byte of an extended result code is the primary one (https://sqlite.org/rescode.html)."""


def translate(error: sqlite3.Error, path: Path | None) -> StoreError | None:
    """The StoreError that says what `error` means and what to do; None if it is not one."""
    where = "the database in memory" if path is None else str(path)
    if isinstance(error, sqlite3.OperationalError) and "no such table" in str(error):
        return SchemaMissing(f"{where} has no Onbeat tables; run `onbeat db migrate`")
    match getattr(error, "sqlite_errorcode", 0) & PRIMARY:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreLocked(f"{where} is locked by another program; end its write transaction")
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return StoreReadOnly(_unwritable(path))
        case sqlite3.SQLITE_FULL:
            return StoreFull(f"no space left for {where}; free some, and work goes on by itself")
        case sqlite3.SQLITE_IOERR:
            return StoreUnavailable(
                f"{where} could not be read or written ({error}); check the disk"
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return StoreCorrupt(f"{where} is not a sound database ({error}); restore a backup")
        case (
            sqlite3.SQLITE_CONSTRAINT
            | sqlite3.SQLITE_MISMATCH
            | sqlite3.SQLITE_TOOBIG
            | sqlite3.SQLITE_RANGE
        ):
            return StoreRefused(f"{where} refuses a value: {error}")
        case _:
            return _refusal_by_words(error, where)


def _unwritable(path: Path | None) -> str:
    if path is not None and path.is_dir():
        return f"{path} is a folder; give a file in it: sqlite:///{path / 'onbeat.db'}"
    return f"{path} cannot be written; give the file and its folder to the user that runs Onbeat"


def _refusal_by_words(error: sqlite3.Error, where: str) -> StoreError | None:
    """SQLite has one code for many faults of a statement; bad JSON is told by its words."""
    if "malformed JSON" in str(error):
        return StoreRefused(f"{where} refuses a value: {error}")
    return None


@contextmanager
def translated(path: Path | None) -> Iterator[None]:
    """Raise what SQLite raises, in our words."""
    try:
        yield
    except DBAPIError as error:
        meant = translate(error.orig, path) if isinstance(error.orig, sqlite3.Error) else None
        if meant is None:
            raise
        raise meant from error
    except sqlite3.Error as error:
        meant = translate(error, path)
        if meant is None:
            raise
        raise meant from error
