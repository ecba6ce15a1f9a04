"""Where jobs are kept while a measurement runs: an empty database on a server that all share.

The servers are started when they are first needed, and end with the run.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from uuid import uuid4

import asyncpg
from tests.servers.postgres import PostgresDatabases, running_server

from benchmarks.redis_server import RedisServer, running_redis


class Places:
    """Hands out empty places by kind: `sqlite`, `postgres`, `redis`."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._postgres: PostgresDatabases | None = None
        self._redis: RedisServer | None = None

    @contextmanager
    def empty(self, kind: str) -> Iterator[str]:
        """The URL of an empty place, which is removed afterwards. Raises CannotSetUp."""
        with {"sqlite": self._file, "postgres": self._database, "redis": self._flushed}[
            kind
        ]() as url:
            yield url

    @contextmanager
    def _file(self) -> Iterator[str]:
        with tempfile.TemporaryDirectory(prefix="onbeat-bench-") as directory:
            yield f"sqlite:///{directory}/bench.db"

    @contextmanager
    def _database(self) -> Iterator[str]:
        self._postgres = self._postgres or self._stack.enter_context(running_server(durable=True))
        name = f"bench_{uuid4().hex}"
        try:
            yield self._postgres.create_database(name)
        finally:
            self._postgres.drop_database(name)

    @contextmanager
    def _flushed(self) -> Iterator[str]:
        self._redis = self._redis or self._stack.enter_context(running_redis())
        self._redis.ask("FLUSHALL")
        try:
            yield self._redis.url
        finally:
            self._redis.ask("FLUSHALL")

    def versions(self) -> dict[str, str]:
        """Of the servers that were used, by name."""
        found = {}
        if self._postgres:
            found["PostgreSQL"] = asyncio.run(server_version(self._postgres.url()))
        if self._redis:
            found["Redis"] = self._redis.version()

        return found

    def settle(self, url: str) -> None:
        """After a fill: what autovacuum would have learned meanwhile, and the disk at rest."""
        if url.startswith("postgresql"):
            asyncio.run(executed(url, "VACUUM ANALYZE", "CHECKPOINT"))

    def statements(self, url: str) -> int | None:
        """Transactions or commands so far; None on SQLite, which has no server that counts."""
        if url.startswith("postgresql"):
            return asyncio.run(transactions(url))

        if url.startswith("redis") and self._redis:
            return self._redis.commands()

        return None


async def executed(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def server_version(url: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        return str(await connection.fetchval("SHOW server_version"))
    finally:
        await connection.close()


async def transactions(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return int(
            await connection.fetchval(
                "SELECT xact_commit + xact_rollback FROM pg_stat_database "
                "WHERE datname = current_database()"
            )
        )
    finally:
        await connection.close()
