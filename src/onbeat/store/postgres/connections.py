"""Connecting to PostgreSQL: deadlines on both sides, and errors in our words."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from onbeat.domain.environments import environment_of
from onbeat.domain.errors import (
    SchemaMissing,
    StoreDeadlock,
    StoreError,
    StoreFull,
    StoreReadOnly,
    StoreRefused,
    StoreUnavailable,
)
from onbeat.store.postgres.rights import DENIED, remedy
from onbeat.store.schema_state import SchemaStatus

CLIENT_SECONDS = 35
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


CONFUSED = "InternalClientError"
"""What asyncpg raises when a statement meets the server's last words on an idle connection."""


def leaves_sound(error: BaseException) -> bool:
    """Whether the connection `error` came on can be used again: the server itself spoke."""
    if isinstance(error, TimeoutError | asyncio.CancelledError | OSError):
        return False
    name = type(_innermost(error)).__name__
    return "Interface" not in name and name != CONFUSED


MEANINGS: tuple[tuple[tuple[str, ...], type[StoreError], str], ...] = (
    (("42P01", "3F000"), SchemaMissing, "{where} has no Onbeat tables; {migrate}"),
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
        why = str(cause) or type(cause).__name__
        return StoreUnavailable(f"{where} cannot be reached ({why}); is the server running?")
    if type(cause).__name__ == "ClientConfigurationError":
        return StoreError(f"{where}: {cause}; correct ONBEAT_DB")
    state = str(getattr(cause, "sqlstate", "") or "")
    if state == DENIED:
        told = str(cause)
        return StoreError(f"{where}: {told}; {remedy(told, where)}")
    for prefixes, kind, message in MEANINGS:
        if state.startswith(prefixes):
            return kind(message.format(where=where, cause=cause, migrate=_migrate(where)))
    return None


def _migrate(where: str) -> str:
    return SchemaStatus(None, environment=environment_of(where)).remedy


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
        if isinstance(error, TimeoutError):
            break  # behind a timeout of asyncio's lies the cancellation it is made of
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


def is_connection_lost(error: BaseException) -> bool:
    """Whether `error` says that the connection ended under a statement, and a new one may do."""
    cause = _innermost(error)
    state = str(getattr(cause, "sqlstate", "") or "")
    if state.startswith(("08", "57P01")) or isinstance(cause, ConnectionError):
        return True
    return type(cause).__name__ == CONFUSED
