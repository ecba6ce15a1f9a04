"""The least that unique keys cost: a table of keys and jobs alone, filled by hand-written SQL.

Ids in no order go all over the table: a batch of 1,000 changes hundreds of its pages, and each is
written to the log. No index that is unique does without.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from hashlib import blake2b

import asyncpg


def rows(ids: Sequence[int]) -> list[tuple[bytes, bytes]]:
    """Keys as the product makes them, 6 bytes of the id and 10 of a hash, and ids of jobs."""
    return [
        (each.to_bytes(6) + blake2b(each.to_bytes(8), digest_size=10).digest(),
         (time.time_ns() << 32 | number).to_bytes(16))
        for number, each in enumerate(ids)
    ]  # fmt: skip


class OnFile:
    """Such a table on SQLite."""

    def __init__(self, path: str) -> None:
        """Make it."""
        self._connection = sqlite3.connect(path, isolation_level=None)
        for statement in (
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = FULL",
            "PRAGMA cache_size = -65536",
            "PRAGMA wal_autocheckpoint = 4000",
            "CREATE TABLE keys (key TEXT PRIMARY KEY, job TEXT NOT NULL) STRICT, WITHOUT ROWID",
        ):
            self._connection.execute(statement)

    async def fill(self, ids: Sequence[int], batch: int) -> float:
        """Seconds a key, `batch` of them in a transaction."""
        seconds = 0.0
        for start in range(0, len(ids), batch):
            values = [(key.hex(), job.hex()) for key, job in rows(ids[start : start + batch])]
            began = time.perf_counter()
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany("INSERT INTO keys VALUES (?, ?)", values)
            self._connection.execute("COMMIT")
            seconds += time.perf_counter() - began
        return seconds / len(ids)

    async def close(self) -> None:
        """Let go of the file."""
        self._connection.close()


class OnServer:
    """Such a table on PostgreSQL."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        """Fill the one that `made` makes."""
        self._connection = connection

    @classmethod
    async def made(cls, url: str) -> OnServer:
        """Make it."""
        connection = await asyncpg.connect(url)
        await connection.execute("CREATE TABLE keys (key uuid PRIMARY KEY, job uuid NOT NULL)")
        return cls(connection)

    async def fill(self, ids: Sequence[int], batch: int) -> float:
        """Seconds a key, `batch` of them in a statement."""
        seconds = 0.0
        for start in range(0, len(ids), batch):
            pairs = zip(*rows(ids[start : start + batch]), strict=True)
            keys, jobs = ([each.hex() for each in column] for column in pairs)
            began = time.perf_counter()
            await self._connection.execute(
                "INSERT INTO keys SELECT * FROM unnest($1::text[]::uuid[], $2::text[]::uuid[])",
                keys, jobs,
            )  # fmt: skip
            seconds += time.perf_counter() - began
        return seconds / len(ids)

    async def close(self) -> None:
        """Let go of the server."""
        await self._connection.close()
