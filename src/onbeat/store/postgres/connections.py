"""Connecting to PostgreSQL: deadlines on both sides, half-open sockets, and errors in our words.

A socket whose other end went away without a word looks healthy. What a statement's deadline finds
to be dead is closed without another word to it, and so are, on their next use, all connections
that were open then: they went through the same network at the same time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

from sqlalchemy import URL, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from onbeat.domain.errors import (
    DriverMissing,
    InvalidSetting,
    SchemaMissing,
    StoreDeadlock,
    StoreError,
    StoreFull,
    StoreReadOnly,
    StoreRefused,
    StoreUnavailable,
)

CONNECT_SECONDS = 10
CLIENT_SECONDS = 35
CLOSE_SECONDS = 2
HOT_SECONDS = 10
"""A hot statement takes milliseconds; the slowest store it must still work with, a few seconds."""
SERVER_SETTINGS = {
    "application_name": "onbeat",
    "statement_timeout": "30s",
    "lock_timeout": "5s",
    # A scheduler that was cut off in a tick holds the schedules it locked for no longer than this.
    "idle_in_transaction_session_timeout": "10s",
    "tcp_user_timeout": "15s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "2",
    "jit": "off",
    # A plan made while a table was empty is kept until the next ANALYZE, a minute into a burst:
    # one that reads and sorts it whole was good when it was made.
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "timezone": "UTC",
}
POOL_SIZE = 10
"""No overflow: a connection over the size is closed on its return, which a raw one is given back
outside of SQLAlchemy's greenlet cannot be; its socket would stay open."""


def engine_url(url: str) -> URL:
    """The URL with asyncpg as its driver. Raises InvalidSetting when it cannot be read."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise InvalidSetting(
            "db", "it is not a database URL; give postgresql://USER@HOST/DATABASE"
        ) from None
    if parsed.drivername not in ("postgres", "postgresql", "postgresql+asyncpg"):
        raise InvalidSetting(
            "db", f"the driver {parsed.drivername!r} is not used; give postgresql://HOST/DATABASE"
        )
    return parsed.set(drivername="postgresql+asyncpg")


class Pool:
    """A pool of connections, each with deadlines of its own; no dead one comes out of it."""

    def __init__(self, url: URL) -> None:
        """Connect to `url` when first asked. Raises DriverMissing."""
        self.engine = _create_engine(url)
        self._distrusted_at = float("-inf")
        self._drivers: WeakSet[Any] = WeakSet()
        event.listen(self.engine.sync_engine, "connect", self._note_birth)
        event.listen(self.engine.sync_engine, "checkout", self._look_at)

    def drop(self, driver: Any, error: BaseException) -> None:
        """Close a connection on which `error` came, unless it is one that leaves it sound.

        Nothing is said to the server: it would not hear, or answer late.
        """
        if leaves_sound(error) and not is_closed(driver):
            return
        if not isinstance(error, asyncio.CancelledError):
            self._distrusted_at = time.monotonic()
        driver.terminate()

    async def close(self) -> None:
        """Say goodbye on every connection, or close it without, where that is not heard."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.engine.dispose()
        except TimeoutError:
            for driver in list(self._drivers):
                driver.terminate()
            await asyncio.sleep(0)  # in which the loop closes their sockets

    def _note_birth(self, connection: Any, record: Any) -> None:
        record.info[BORN_AT] = time.monotonic()
        self._drivers.add(connection.driver_connection)

    def _look_at(self, connection: Any, record: Any, _proxy: Any) -> None:
        """Have a closed or distrusted connection replaced by a new one."""
        driver = connection.driver_connection
        if record.info[BORN_AT] <= self._distrusted_at:
            driver.terminate()
        if is_closed(driver):
            raise DisconnectionError("closed, or open when another was found dead")


BORN_AT = "onbeat_born_at"

CONFUSED = "InternalClientError"
"""What asyncpg raises when a statement meets the server's last words on an idle connection."""


def _create_engine(url: URL) -> AsyncEngine:
    try:
        return create_async_engine(
            url,
            pool_size=POOL_SIZE,
            max_overflow=0,
            pool_timeout=CONNECT_SECONDS,
            connect_args={
                "timeout": CONNECT_SECONDS,
                "command_timeout": CLIENT_SECONDS,
                "server_settings": SERVER_SETTINGS,
            },
        )
    except ModuleNotFoundError as error:
        raise DriverMissing(
            f"PostgreSQL needs {error.name}; install it with: pip install 'onbeat[postgres]'"
        ) from None


def leaves_sound(error: BaseException) -> bool:
    """Whether the connection `error` came on can be used again: the server itself spoke."""
    if isinstance(error, TimeoutError | asyncio.CancelledError | OSError):
        return False
    name = type(_innermost(error)).__name__
    return "Interface" not in name and name != CONFUSED


def shown(url: URL) -> str:
    """The URL without its password, for messages."""
    return url.set(drivername="postgresql").render_as_string(hide_password=True)


MEANINGS: tuple[tuple[tuple[str, ...], type[StoreError], str], ...] = (
    (("42P01",), SchemaMissing, "{where} has no Onbeat tables; run `onbeat db migrate`"),
    (("40001", "40P01"), StoreDeadlock, "{where}: {cause}; trying again may work"),
    (("3D000",), StoreUnavailable, "{where}: {cause}; create it with `createdb`"),
    (("28",), StoreError, "{where}: {cause}; check the user and password in ONBEAT_DB"),
    (("25006",), StoreReadOnly, "{where} takes no writes; give the primary server's address"),
    (("53100", "53200"), StoreFull, "{where}: {cause}; free some, and work goes on by itself"),
    (("55P03", "57014"), StoreUnavailable,
     "{where} did not answer in time ({cause}); look for what holds its locks"),
    (("08", "57P", "53300", "25P03", "55000", "58"), StoreUnavailable,
     "{where} cannot be used now ({cause})"),
    (("22", "23", "54"), StoreRefused, "{where} refuses a value: {cause}"),
)  # fmt: skip
"""What prefixes of SQLSTATE mean to us (PostgreSQL, appendix A)."""


def translate(error: BaseException, where: str) -> StoreError | None:
    """The StoreError that says what `error` means and what to do; None if it is not one."""
    cause = _innermost(error)
    if _is_passing_trouble(cause):
        return StoreUnavailable(
            f"{where} cannot be reached ({cause or type(cause).__name__}); is the server running?"
        )
    state = str(getattr(cause, "sqlstate", "") or "")
    for prefixes, kind, message in MEANINGS:
        if state.startswith(prefixes):
            return kind(message.format(where=where, cause=cause))
    return None


def _is_passing_trouble(cause: BaseException) -> bool:
    if "violates partition constraint" in str(cause):
        return True  # its partition was made while the statement was under way; it goes there now
    if isinstance(cause, OSError | TimeoutError | asyncio.TimeoutError | PoolTimeout):
        return True
    name = type(cause).__name__
    if name == CONFUSED:
        return True
    return "Connection" in name or (name == "InterfaceError" and "clos" in str(cause))


def _innermost(error: BaseException) -> BaseException:
    if isinstance(error, DBAPIError | InterfaceError) and error.orig is not None:
        error = error.orig
    while error.__cause__ is not None and not getattr(error, "sqlstate", None):
        error = error.__cause__
    return error


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Raise what the driver raises, in our words."""
    try:
        yield
    except StoreError:
        raise
    except Exception as error:
        meant = translate(error, where)
        if meant is None:
            raise
        raise meant from error


def is_closed(driver: Any) -> bool:
    """Whether the driver's connection is of no more use."""
    return bool(driver.is_closed())


def is_connection_lost(error: BaseException) -> bool:
    """Whether `error` says that the connection ended under a statement, and a new one may do."""
    cause = _innermost(error)
    state = str(getattr(cause, "sqlstate", "") or "")
    if state.startswith(("08", "57P01")) or isinstance(cause, ConnectionError):
        return True
    return type(cause).__name__ == CONFUSED
