"""Conditions on many ids at once, which both engines look up by index."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, any_, bindparam, func, select
from sqlalchemy.dialects import postgresql

_IDS = postgresql.ARRAY(postgresql.UUID(as_uuid=False))


def among(connection: Connection, column: Any, ids: Collection[str]) -> ColumnElement[bool]:
    """Whether `column` is one of `ids`: one parameter, however many they are."""
    if connection.dialect.name == "postgresql":
        given = bindparam(None, list(ids), type_=_IDS, unique=True)
        found: ColumnElement[bool] = column == any_(given)
        return found
    text = msgspec.json.encode(list(ids)).decode()
    listed = func.json_each(text).table_valued("value")
    condition: ColumnElement[bool] = column.in_(select(listed.c.value))
    return condition


def found_by(connection: Connection, column: Any, ids: Select[Any]) -> ColumnElement[bool]:
    """Whether `column` is one of what `ids` selects.

    As an array on PostgreSQL: joined, without statistics, it reads all that is blocked.
    """
    if connection.dialect.name == "postgresql":
        condition: ColumnElement[bool] = column == any_(func.array(ids.scalar_subquery()))
        return condition
    found: ColumnElement[bool] = column.in_(ids)
    return found
