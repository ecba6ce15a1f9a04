"""Whose transaction it is."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from sqlalchemy import Connection

from onbeat.domain.errors import InvalidInput
from onbeat.store.guests.asyncpg import AsyncpgGuest
from onbeat.store.guests.django import DjangoGuest
from onbeat.store.guests.guest import AsyncGuest, SyncGuest
from onbeat.store.guests.psycopg import AsyncPsycopgGuest, PsycopgGuest
from onbeat.store.guests.sqlalchemy import (
    AsyncConnectionGuest,
    AsyncSessionGuest,
    ConnectionGuest,
    SessionGuest,
)

Kind = type[SyncGuest] | type[AsyncGuest]

KINDS: tuple[tuple[str, str, Kind], ...] = (
    ("sqlalchemy.orm", "Session", SessionGuest),
    ("sqlalchemy.ext.asyncio", "AsyncSession", AsyncSessionGuest),
    ("sqlalchemy.ext.asyncio", "AsyncConnection", AsyncConnectionGuest),
    ("psycopg", "Connection", PsycopgGuest),
    ("psycopg", "AsyncConnection", AsyncPsycopgGuest),
    ("asyncpg", "Connection", AsyncpgGuest),
    ("django.db.backends.base.base", "BaseDatabaseWrapper", DjangoGuest),
    ("django.utils.connection", "ConnectionProxy", DjangoGuest),
)
"""Module, class and guest. Without its module loaded nobody has an object of a class."""


def guest_of(transaction: object, url: str) -> SyncGuest | AsyncGuest:
    """Recognise the transaction. Raises InvalidInput for what is not one."""
    for known, kind in _loaded():
        if isinstance(transaction, known):
            return kind(transaction, url)
    raise InvalidInput(
        "within", f"{type(transaction).__name__} is not a transaction Onbeat knows; give a "
        "SQLAlchemy Session, AsyncSession, Connection or AsyncConnection, a connection of "
        "psycopg 3 or asyncpg, or Django's connection",
    )  # fmt: skip


def _loaded() -> Iterator[tuple[type, Kind]]:
    yield Connection, ConnectionGuest
    for module, name, kind in KINDS:
        known = getattr(sys.modules.get(module), name, None)
        if known is not None:
            yield known, kind
