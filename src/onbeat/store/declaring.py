"""Bringing what code says into the store, by one process at a time.

Processes of an application often start together and say the same: whoever looks whether a row is
there, and then makes it, must be alone. A lock that ends with the transaction sees to that; SQLite
has one writer anyway.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

from onbeat.store.postgres.schemas import lock_name

_ALONE = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")


def be_alone(connection: Connection, what: str = "declaring") -> None:
    """Wait for others that do the same, and hold up those that come, until the transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(_ALONE, {"name": lock_name(connection, what)})
