"""What columns hold, by engine: moments, ids, JSON, names, prose."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    REAL,
    BigInteger,
    ColumnElement,
    Dialect,
    Double,
    Integer,
    SmallInteger,
    Text,
    cast,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

from onbeat.store.texts import storable

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970, exactly."""
    return (moment - EPOCH) // INSTANT


def from_micros(micros: int) -> datetime:
    """The moment that many microseconds after 1970."""
    return EPOCH + timedelta(microseconds=micros)


class Moment(TypeDecorator[datetime]):
    """An aware moment in UTC: timestamptz on PostgreSQL, whole microseconds on SQLite."""

    impl = Integer
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the column's type by engine."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.TIMESTAMP(timezone=True))
        return dialect.type_descriptor(Integer())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Turn a moment into what the engine keeps."""
        if value is None or dialect.name == "postgresql":
            return value
        return to_micros(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Turn what the engine keeps into a moment."""
        if value is None:
            return None
        return value.astimezone(UTC) if dialect.name == "postgresql" else from_micros(value)


class Identity(TypeDecorator[str]):
    """32 hexadecimal digits: uuid on PostgreSQL, text on SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the column's type by engine."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.UUID(as_uuid=False))
        return dialect.type_descriptor(Text())

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        """Read it back without dashes."""
        return None if value is None else str(value).replace("-", "")


class _Jsonb(UserDefinedType[str]):
    """Jsonb that goes in and comes out as text."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The type's name in DDL."""
        return "JSONB"

    def column_expression(self, colexpr: ColumnElement[Any]) -> ColumnElement[Any]:
        """Select it as text, or the driver hands over what it has parsed."""
        return cast(colexpr, Text)


class Prose(TypeDecorator[str]):
    """What people and programs say: free text, kept without what cannot be kept."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Replace what cannot be kept."""
        return None if value is None else storable(value)


JsonText = Text().with_variant(_Jsonb(), "postgresql")
"""JSON, handed about as text: jsonb on PostgreSQL, text on SQLite."""

Name = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
"""A name that is only compared, never sorted for people: C collation on PostgreSQL."""

# STRICT tables of SQLite know INTEGER, TEXT, REAL and BLOB alone.
Small = SmallInteger().with_variant(Integer, "sqlite")
Big = BigInteger().with_variant(Integer, "sqlite")
Real: TypeEngine[float] = Double().with_variant(REAL, "sqlite")
