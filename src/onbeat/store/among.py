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
    engine = connection.dialect.name
    if engine == "postgresql":
        array = bindparam(None, given(engine, ids), type_=_IDS, unique=True)
        found: ColumnElement[bool] = column == any_(array)
        return found
    listed = func.json_each(given(engine, ids)).table_valued("value")
    condition: ColumnElement[bool] = column.in_(select(listed.c.value))
    return condition


def among_given(engine: str, column: Any, name: str) -> ColumnElement[bool]:
    """Whether `column` is one of what the parameter of that name holds, as `given` made it: for
    statements that are kept.
    """
    if engine == "postgresql":
        found: ColumnElement[bool] = column == any_(bindparam(name, type_=_IDS))
        return found
    listed = func.json_each(bindparam(name)).table_valued("value")
    condition: ColumnElement[bool] = column.in_(select(listed.c.value))
    return condition


def given(engine: str, ids: Collection[str]) -> Any:
    """The ids as a parameter."""
    return list(ids) if engine == "postgresql" else msgspec.json.encode(list(ids)).decode()


def found_by(connection: Connection, column: Any, ids: Select[Any]) -> ColumnElement[bool]:
    """Whether `column` is one of what `ids` selects.

    As an array on PostgreSQL: joined, without statistics, it reads all that is blocked.
    """
    if connection.dialect.name == "postgresql":
        condition: ColumnElement[bool] = column == any_(func.array(ids.scalar_subquery()))
        return condition
    found: ColumnElement[bool] = column.in_(ids)
    return found
