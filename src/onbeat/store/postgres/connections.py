"""Connecting to PostgreSQL: deadlines on both sides, and errors in our words."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError
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
SERVER_SETTINGS = {
    "application_name": "onbeat",
    "statement_timeout": "30s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "30s",
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


def create_engine(url: URL) -> AsyncEngine:
    """A pool of connections, each with deadlines of its own."""
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
