"""Opening SQLite connections: pragmas, limits, and SQLAlchemy over the same connection."""

from __future__ import annotations

import math
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from sqlalchemy import Connection, Engine, StaticPool, create_engine

from onbeat.domain.environments import environment_of
from onbeat.domain.errors import InvalidSetting, StoreError

OLDEST = (3, 37, 0)
"""STRICT tables came with 3.37."""

PRAGMAS = (
    "PRAGMA busy_timeout = 5000",
    "PRAGMA foreign_keys = ON",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -65536",
    "PRAGMA mmap_size = 0",
    "PRAGMA trusted_schema = OFF",
    # Checkpoints are the writer's, under the lock; see file_lock.py.
    "PRAGMA wal_autocheckpoint = 0",
)

WRITER_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA journal_size_limit = 67108864",
)


def database_path(url: str) -> Path | None:
    """The file a `sqlite:///` URL names; None for a database in memory.

    An environment has a file of its own beside that: `onbeat.db` is `onbeat.staging.db` there.
    """
    _, separator, rest = url.partition("://")
    place = rest.partition("?")[0]
    if not separator or (place and not place.startswith("/")):
        raise InvalidSetting("db", f"{url!r} is not a SQLite URL; give sqlite:///FILE")
    name = unquote(place[1:])
    if name in ("", ":memory:"):
        return None
    path, environment = Path(name).absolute(), environment_of(url)
    return path if environment is None else file_in(path, environment)


def file_in(path: Path, environment: str) -> Path:
    """The file of an environment, beside the one without."""
    return path.with_name(f"{path.stem}.{environment}{path.suffix}")


def check_version(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> None:
    """Refuse a SQLite library that lacks what the tables need."""
    if version < OLDEST:
        raise StoreError(
            f"SQLite {'.'.join(map(str, version))} is too old; Onbeat needs 3.37 or newer, "
            "which comes with Python builds since 2022"
        )


def for_reading(path: Path) -> Path | str:
    """What a reader opens: the file; on a read-only mount, where SQLite cannot make the WAL that
    reading wants, the file as one that nobody changes.
    """
    wal = path.with_name(path.name + "-wal")
    if not path.exists() or wal.exists() or not os.statvfs(path).f_flag & os.ST_RDONLY:
        return path
    return f"{path.as_uri()}?immutable=1"


def connect(
    target: Path | str | None,
    pragmas: tuple[str, ...] = (),
    kind: type[sqlite3.Connection] = sqlite3.Connection,
) -> sqlite3.Connection:
    """Open a file, or a `file:` URI, in autocommit mode; transactions are begun by name."""
    connection = sqlite3.connect(
        ":memory:" if target is None else target,
        isolation_level=None,
        check_same_thread=False,
        uri=isinstance(target, str),
        factory=kind,
    )
    try:
        for pragma in PRAGMAS + pragmas:
            connection.execute(pragma)
        add_mathematics(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _ln(value: float | None) -> float | None:
    return math.log(value) if value is not None and value > 0 else None


def _ceil(value: float | None) -> int | None:
    return None if value is None else math.ceil(value)


MATHEMATICS: Final[dict[str, Callable[[float | None], float | None]]] = {"ln": _ln, "ceil": _ceil}
"""Functions that SQLite only has where it was built with SQLITE_ENABLE_MATH_FUNCTIONS."""


def add_mathematics(connection: sqlite3.Connection) -> None:
    """Give it those of these functions that it lacks: 1.3 us for an end that is folded, not 0.1."""
    for name, function in MATHEMATICS.items():
        if not _has(connection, name):
            connection.create_function(name, 1, function, deterministic=True)


def _has(connection: sqlite3.Connection, function: str) -> bool:
    try:
        connection.execute(f"SELECT {function}(1)").close()
    except sqlite3.OperationalError:
        return False
    return True


def over(connection: sqlite3.Connection) -> tuple[Engine, Connection]:
    """SQLAlchemy Core over an open connection, leaving its transactions to us."""
    engine = create_engine(
        "sqlite://",
        creator=lambda: connection,
        poolclass=StaticPool,
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
    )
    return engine, engine.connect()
