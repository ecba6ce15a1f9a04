"""The libraries somebody may have a transaction open with, all driven from plain code.

A host begins a transaction of its library's, hands out what `.within` takes, and enqueues on it;
async ones do so on an event loop of their own.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import django
import psycopg
from django.conf import settings
from django.db import connections, transaction
from sqlalchemy import Engine, create_engine
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from onbeat import Bound, Call, JobHandle, Onbeat, sqlite_async_engine, sqlite_engine

ALIAS = "shop"
"""Django's name for the database; not `default`, so that a hook on the wrong one shows."""

if not settings.configured:
    settings.configure(USE_TZ=True, DATABASES={})
    django.setup()


class Host(ABC):
    """Somebody's way to a database."""

    def __init__(self, url: str) -> None:
        """Work on the database at `url`."""
        self.url = url

    @abstractmethod
    def begun(self) -> AbstractContextManager[Any]:
        """A transaction, committed at the end, rolled back by an error."""

    @abstractmethod
    def savepoint(self, within: Any) -> AbstractContextManager[Any]:
        """The same for a savepoint in it."""

    @abstractmethod
    def autocommitting(self) -> AbstractContextManager[Any]:
        """What has no transaction open, and begins none by itself."""

    def enqueue(self, bound: Bound[..., Any], *args: Any) -> JobHandle[Any]:
        """Enqueue, in the library's own colour."""
        return bound.enqueue_blocking(*args)

    def enqueue_many(self, ob: Onbeat, calls: list[Call[Any]], within: Any) -> list[JobHandle[Any]]:
        """The same for many."""
        return ob.enqueue_many_blocking(calls, within=within)

    @abstractmethod
    def close(self) -> None:
        """Let go of what was opened for it."""


class AsyncHost(Host):
    """One whose library is async."""

    def __init__(self, url: str) -> None:
        """Start a loop."""
        super().__init__(url)
        self._runner = asyncio.Runner()

    def enqueue(self, bound: Bound[..., Any], *args: Any) -> JobHandle[Any]:
        """Enqueue on the loop."""
        job: JobHandle[Any] = self.run(bound.enqueue(*args))
        return job

    def enqueue_many(self, ob: Onbeat, calls: list[Call[Any]], within: Any) -> list[JobHandle[Any]]:
        """The same for many."""
        jobs: list[JobHandle[Any]] = self.run(ob.enqueue_many(calls, within=within))
        return jobs

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run `work` on the loop."""
        return self._runner.run(work)

    @contextmanager
    def entered(self, manager: AbstractAsyncContextManager[Any]) -> Iterator[Any]:
        """Use an async context manager."""
        value = self.run(_awaited(manager.__aenter__()))
        try:
            yield value
        except BaseException as error:
            self.run(_awaited(manager.__aexit__(type(error), error, error.__traceback__)))
            raise
        self.run(_awaited(manager.__aexit__(None, None, None)))

    def close(self) -> None:
        """End the loop."""
        self._runner.close()


async def _awaited(work: Any) -> Any:
    return await work


class SessionHost(Host):
    """SQLAlchemy's Session."""

    def __init__(self, url: str) -> None:
        """Make an engine, as Onbeat wants it."""
        super().__init__(url)
        self.engine = _engine(url)

    @contextmanager
    def begun(self) -> Iterator[Session]:
        """Begin a session's."""
        with Session(self.engine) as session, session.begin():
            yield session

    def savepoint(self, within: Any) -> AbstractContextManager[Any]:
        """SQLAlchemy's own."""
        return within.begin_nested()  # type: ignore[no-any-return]

    @contextmanager
    def autocommitting(self) -> Iterator[Any]:
        """A session of an engine in autocommit."""
        engine = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        with Session(engine) as session:
            yield session

    def close(self) -> None:
        """Empty the pool."""
        self.engine.dispose()


class ConnectionHost(SessionHost):
    """SQLAlchemy's Connection."""

    @contextmanager
    def begun(self) -> Iterator[Any]:
        """Begin a connection's."""
        with self.engine.begin() as connection:
            yield connection

    @contextmanager
    def autocommitting(self) -> Iterator[Any]:
        """A connection in autocommit."""
        with self.engine.connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")


class AsyncSessionHost(AsyncHost):
    """SQLAlchemy's AsyncSession."""

    def __init__(self, url: str) -> None:
        """Make an engine, as Onbeat wants it."""
        super().__init__(url)
        self.engine = _async_engine(url)

    @contextmanager
    def begun(self) -> Iterator[Any]:
        """Begin a session's."""
        with self.entered(AsyncSession(self.engine)) as session, self.entered(session.begin()):
            yield session

    def savepoint(self, within: Any) -> AbstractContextManager[Any]:
        """SQLAlchemy's own."""
        return self.entered(within.begin_nested())

    @contextmanager
    def autocommitting(self) -> Iterator[Any]:
        """A session of an engine in autocommit."""
        engine = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        with self.entered(AsyncSession(engine)) as session:
            yield session

    def close(self) -> None:
        """Empty the pool."""
        self.run(self.engine.dispose())
        super().close()


class AsyncConnectionHost(AsyncSessionHost):
    """SQLAlchemy's AsyncConnection."""

    @contextmanager
    def begun(self) -> Iterator[Any]:
        """Begin a connection's."""
        with self.entered(self.engine.begin()) as connection:
            yield connection

    @contextmanager
    def autocommitting(self) -> Iterator[Any]:
        """A connection in autocommit."""
        engine = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        with self.entered(engine.connect()) as connection:
            yield connection


class PsycopgHost(Host):
    """psycopg 3, which begins a transaction with the first statement."""

    @contextmanager
    def begun(self) -> Iterator[Any]:
        """Its own context: commit, or roll back, and close."""
        with psycopg.connect(self.url) as connection:
            yield connection

    def close(self) -> None:
        """Nothing is kept open."""

    def savepoint(self, within: Any) -> AbstractContextManager[Any]:
        """Its nested transaction."""
        within.execute("SELECT 1")  # in the implicit transaction, or it would not be nested
        return within.transaction()  # type: ignore[no-any-return]

    @contextmanager
    def autocommitting(self) -> Iterator[Any]:
        """A connection in autocommit."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            yield connection


class PsycopgAutocommitHost(PsycopgHost):
    """psycopg 3 in autocommit, with a transaction begun by name."""

    @contextmanager
    def begun(self) -> Iterator[Any]:
        """Its `transaction()`."""
        with psycopg.connect(self.url, autocommit=True) as connection, connection.transaction():
            yield connection


class AsyncPsycopgHost(AsyncHost):
    """psycopg 3, async."""

    @contextmanager
    def begun(self) -> Iterator[Any]:
        """Its own context: commit, or roll back, and close."""
        with self.entered(self.run(psycopg.AsyncConnection.connect(self.url))) as connection:
            yield connection

    @contextmanager
    def savepoint(self, within: Any) -> Iterator[Any]:
        """Its nested transaction."""
        self.run(within.execute("SELECT 1"))
        with self.entered(within.transaction()):
            yield

    @contextmanager
    def autocommitting(self) -> Iterator[Any]:
        """A connection in autocommit."""
        opened = psycopg.AsyncConnection.connect(self.url, autocommit=True)
        with self.entered(self.run(opened)) as connection:
            yield connection


class AsyncpgHost(AsyncHost):
    """asyncpg, which is in autocommit until told otherwise."""

    @contextmanager
    def begun(self) -> Iterator[Any]:
        """Its `transaction()`."""
        with self.autocommitting() as connection, self.entered(connection.transaction()):
            yield connection

    def savepoint(self, within: Any) -> AbstractContextManager[Any]:
        """Its nested transaction."""
        return self.entered(within.transaction())

    @contextmanager
    def autocommitting(self) -> Iterator[Any]:
        """A connection as it comes."""
        connection = self.run(_awaited(asyncpg.connect(self.url)))
        try:
            yield connection
        finally:
            self.run(connection.close())


class AsyncpgPoolHost(AsyncpgHost):
    """asyncpg's pool, which lends stand-ins for its connections."""

    @contextmanager
    def autocommitting(self) -> Iterator[Any]:
        """A connection on loan."""
        with self.entered(_lent(self.url)) as connection:
            yield connection


@asynccontextmanager
async def _lent(url: str) -> AsyncIterator[Any]:
    async with asyncpg.create_pool(url, min_size=1, max_size=1) as pool, pool.acquire() as lent:
        yield lent


class DjangoHost(Host):
    """Django's connection."""

    def __init__(self, url: str) -> None:
        """Enter the database among Django's."""
        super().__init__(url)
        configured = connections.configure_settings({"default": {}, ALIAS: django_database(url)})
        connections.settings[ALIAS] = configured[ALIAS]

    @property
    def settings(self) -> dict[str, Any]:
        """What Django is told of the database."""
        told: dict[str, Any] = connections.settings[ALIAS]
        return told

    @property
    def connection(self) -> Any:
        """The one of this thread."""
        return connections[ALIAS]

    @contextmanager
    def begun(self) -> Iterator[Any]:
        """An atomic block."""
        with transaction.atomic(using=ALIAS):
            yield self.connection

    def savepoint(self, within: Any) -> AbstractContextManager[Any]:
        """An atomic block in it."""
        return transaction.atomic(using=within.alias)  # type: ignore[no-any-return]

    @contextmanager
    def autocommitting(self) -> Iterator[Any]:
        """A connection outside of any block."""
        yield self.connection

    def close(self) -> None:
        """Disconnect, and forget the database."""
        self.connection.close()
        del connections[ALIAS]
        del connections.settings[ALIAS]


def django_database(url: str) -> dict[str, Any]:
    """Django's settings of the database at `url`."""
    if url.startswith("sqlite"):
        return {
            "ENGINE": "onbeat.integrations.django.sqlite",
            "NAME": url.removeprefix("sqlite:///"),
        }
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path[1:],
        "HOST": parts.hostname,
        "PORT": parts.port,
        "USER": parts.username,
        "PASSWORD": parts.password or "",
    }


def _engine(url: str) -> Engine:
    if url.startswith("sqlite"):
        return sqlite_engine(url)
    return create_engine(url.replace("postgresql:", "postgresql+psycopg:", 1))


def _async_engine(url: str) -> AsyncEngine:
    if url.startswith("sqlite"):
        return sqlite_async_engine(url)
    return create_async_engine(url.replace("postgresql:", "postgresql+asyncpg:", 1))


@dataclass(frozen=True)
class Kind:
    """A row of the table: a host on an engine, and what it has."""

    host: type[Host]
    engine: str
    has_hook: bool = False
    """Whether it tells after the commit."""
    autocommits: bool = True
    """Whether it can be without a transaction; `onbeat.sqlite_engine` always begins one."""

    def __str__(self) -> str:
        """The name of the row."""
        return f"{self.host.__name__.removesuffix('Host')}-{self.engine}"


KINDS = (
    Kind(SessionHost, "sqlite", has_hook=True, autocommits=False),
    Kind(SessionHost, "postgresql", has_hook=True),
    Kind(ConnectionHost, "sqlite", autocommits=False),
    Kind(ConnectionHost, "postgresql"),
    Kind(AsyncSessionHost, "sqlite", has_hook=True, autocommits=False),
    Kind(AsyncSessionHost, "postgresql", has_hook=True),
    Kind(AsyncConnectionHost, "sqlite", autocommits=False),
    Kind(AsyncConnectionHost, "postgresql"),
    Kind(PsycopgHost, "postgresql"),
    Kind(PsycopgAutocommitHost, "postgresql"),
    Kind(AsyncPsycopgHost, "postgresql"),
    Kind(AsyncpgHost, "postgresql"),
    Kind(AsyncpgPoolHost, "postgresql"),
    Kind(DjangoHost, "sqlite", has_hook=True),
    Kind(DjangoHost, "postgresql", has_hook=True),
)
