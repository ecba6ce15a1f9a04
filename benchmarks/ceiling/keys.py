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

BATCH = 1_000


def rows(ids: Sequence[int], first: int) -> list[tuple[bytes, bytes]]:
    """Keys as the product makes them, 6 bytes of the id and 10 of a hash, and ids of jobs."""
    return [
        (each.to_bytes(6) + blake2b(each.to_bytes(8), digest_size=10).digest(),
         (first + number).to_bytes(16))
        for number, each in enumerate(ids)
    ]  # fmt: skip


def on_file(path: str, ids: Sequence[int]) -> float:
    """Microseconds a key on SQLite."""
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in (
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",
        "PRAGMA cache_size = -65536",
        "CREATE TABLE keys (key TEXT PRIMARY KEY, job TEXT NOT NULL) STRICT, WITHOUT ROWID",
    ):
        connection.execute(statement)
    seconds = 0.0
    for start in range(0, len(ids), BATCH):
        batch = [(key.hex(), job.hex()) for key, job in rows(ids[start : start + BATCH], start)]
        began = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO keys VALUES (?, ?)", batch)
        connection.execute("COMMIT")
        seconds += time.perf_counter() - began
    connection.close()
    return seconds / len(ids) * 1e6


async def on_server(url: str, ids: Sequence[int]) -> float:
    """Microseconds a key on PostgreSQL."""
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE keys (key uuid PRIMARY KEY, job uuid NOT NULL)")
    seconds = 0.0
    for start in range(0, len(ids), BATCH):
        batch = rows(ids[start : start + BATCH], start)
        keys, jobs = ([each.hex() for each in column] for column in zip(*batch, strict=True))
        began = time.perf_counter()
        await connection.execute(
            "INSERT INTO keys SELECT * FROM unnest($1::text[]::uuid[], $2::text[]::uuid[])",
            keys, jobs,
        )  # fmt: skip
        seconds += time.perf_counter() - began
    await connection.close()
    return seconds / len(ids) * 1e6
