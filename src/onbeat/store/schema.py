"""Every table, once.

Where a job stands is which one small table holds it: `delayed`, `ready`, `blocked`, `leases` or
`finished`. `jobs` is the book of what was asked. No foreign keys, no triggers: whoever deletes a
row decides. A lane is 10 minus the priority, so that
one index scan yields the most urgent first. `losses` goes with a job from place to place: how many
workers have died under it, null for nearly all. Names begin with `onbeat_`, because
the tables live beside those of the application whose transactions enqueue jobs.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    REAL,
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    Dialect,
    Double,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
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

NARROW: dict[str, Any] = {"sqlite_strict": True, "sqlite_with_rowid": False}
ROWS: dict[str, Any] = {"sqlite_strict": True}
# The three tables every job passes through hold few rows and many dead ones; vacuum them by count.
BUSY: dict[str, Any] = {
    "postgresql_with": {
        "autovacuum_vacuum_scale_factor": "0",
        "autovacuum_vacuum_threshold": "5000",
        "autovacuum_vacuum_cost_delay": "0",
        "vacuum_truncate": "off",
    }
}

metadata = MetaData()

jobs = Table(
    "onbeat_jobs",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("task", Name, nullable=False),
    Column("queue", Name, nullable=False),
    Column("lane", Small, nullable=False),
    Column("max_attempts", Small, nullable=False),
    Column("args", JsonText, nullable=False),
    Column("options", JsonText),
    Column("schedule", Identity),
    Column("occurrence_at", Moment),
    Column("created_at", Moment, nullable=False),
    CheckConstraint("lane BETWEEN 0 AND 10", name="onbeat_jobs_lane"),
    Index("onbeat_jobs_by_task", "task", "id"),
    Index("onbeat_jobs_by_queue", "queue", "id"),
    postgresql_partition_by="RANGE (id)",
    **ROWS,
)

ready = Table(
    "onbeat_ready",
    metadata,
    Column("queue", Name, nullable=False),
    Column("lane", Small, nullable=False),
    Column("order_key", Big, nullable=False),
    Column("job", Identity, nullable=False),
    Column("attempt", Small, nullable=False),
    Column("losses", Small),
    PrimaryKeyConstraint("queue", "lane", "order_key", "job", name="onbeat_ready_pkey"),
    Index("onbeat_ready_by_job", "job"),
    **NARROW,
    **BUSY,
)

delayed = Table(
    "onbeat_delayed",
    metadata,
    Column("due_at", Moment, nullable=False),
    Column("job", Identity, nullable=False),
    Column("queue", Name, nullable=False),
    Column("lane", Small, nullable=False),
    Column("attempt", Small, nullable=False),
    Column("reason", Prose),
    Column("losses", Small),
    PrimaryKeyConstraint("due_at", "job", name="onbeat_delayed_pkey"),
    Index("onbeat_delayed_by_job", "job"),
    **NARROW,
    **BUSY,
)

blocked = Table(
    "onbeat_blocked",
    metadata,
    Column("job", Identity, primary_key=True),
    Column("queue", Name, nullable=False),
    Column("lane", Small, nullable=False),
    Column("attempt", Small, nullable=False),
    Column("reason", Prose, nullable=False),
    Column("since_at", Moment, nullable=False),
    Column("losses", Small),
    **NARROW,
)

leases = Table(
    "onbeat_leases",
    metadata,
    Column("token", Big, primary_key=True, autoincrement=True),
    Column("job", Identity, nullable=False),
    Column("attempt", Small, nullable=False),
    Column("session", Identity, nullable=False),
    Column("task", Name, nullable=False),
    Column("queue", Name, nullable=False),
    Column("lane", Small, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("stop_asked", Prose),
    Column("progress", Real),
    Column("note", Prose),
    Column("losses", Small),
    Column("begun_at", Moment),
    Index("onbeat_leases_by_job", "job", unique=True),
    # AUTOINCREMENT: a token that was given out is never given out again.
    sqlite_autoincrement=True,
    **ROWS,
    **BUSY,
)

# Every heartbeat asks for these. An index of all leases by session would cost every job, and be
# full of dead rows while somebody holds an old snapshot; this one never sees most of them.
_stopped = leases.c.stop_asked.is_not(None)
Index(
    "onbeat_leases_to_stop",
    leases.c.session,
    postgresql_where=_stopped,
    sqlite_where=_stopped,
)

finished = Table(
    "onbeat_finished",
    metadata,
    Column("job", Identity, nullable=False),
    Column("finished_at", Moment, nullable=False),
    Column("task", Name, nullable=False),
    Column("queue", Name, nullable=False),
    Column("lane", Small, nullable=False),
    Column("outcome", Name, nullable=False),
    Column("attempts", Small, nullable=False),
    Column("reason", Prose),
    PrimaryKeyConstraint("job", "finished_at", name="onbeat_finished_pkey"),
    Index("onbeat_finished_by_outcome", "outcome", "finished_at", "job"),
    Index("onbeat_finished_by_task", "task", "finished_at", "job"),
    postgresql_partition_by="RANGE (finished_at)",
    **NARROW,
)

attempts = Table(
    "onbeat_attempts",
    metadata,
    Column("job", Identity, nullable=False),
    Column("token", Big, nullable=False),
    Column("finished_at", Moment, nullable=False),
    Column("attempt", Small, nullable=False),
    Column("session", Identity, nullable=False),
    Column("outcome", Name, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("reason", Prose),
    Column("error", JsonText),
    Column("result", JsonText),
    PrimaryKeyConstraint("job", "token", "finished_at", name="onbeat_attempts_pkey"),
    postgresql_partition_by="RANGE (finished_at)",
    **NARROW,
)

logs = Table(
    "onbeat_logs",
    metadata,
    Column("job", Identity, nullable=False),
    Column("token", Big, nullable=False),
    Column("line", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Column("level", Name, nullable=False),
    Column("message", Prose, nullable=False),
    Column("fields", JsonText, nullable=False),
    PrimaryKeyConstraint("job", "token", "line", "at", name="onbeat_logs_pkey"),
    postgresql_partition_by="RANGE (at)",
    **NARROW,
)

sessions = Table(
    "onbeat_sessions",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("instance", Prose, nullable=False),
    Column("host", Prose, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("version", Text, nullable=False),
    Column("queues", JsonText, nullable=False),
    Column("slots", Integer, nullable=False),
    Column("region", Text),
    Column("started_at", Moment, nullable=False),
    Column("heartbeat_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("draining", Small, nullable=False),
    # It stays on record until its leases are given back and no claim of its can still come.
    Column("ended_at", Moment),
    **NARROW,
)

duties = Table(
    "onbeat_duties",
    metadata,
    Column("name", Name, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("expires_at", Moment, nullable=False),
    **NARROW,
)

queues = Table(
    "onbeat_queues",
    metadata,
    Column("name", Name, primary_key=True),
    Column("paused_at", Moment),
    Column("paused_by", Prose),
    **NARROW,
)

schedules = Table(
    "onbeat_schedules",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("name", Name, nullable=False),
    Column("source", Name, nullable=False),
    Column("task", Name, nullable=False),
    Column("args", JsonText, nullable=False),
    Column("recurrence", JsonText, nullable=False),
    Column("queue", Name, nullable=False),
    Column("lane", Small, nullable=False),
    Column("max_attempts", Small, nullable=False),
    Column("options", JsonText),
    Column("catch_up", Text, nullable=False),
    Column("overlap", Text, nullable=False),
    Column("start_at", Moment),
    Column("end_at", Moment),
    Column("limit", Integer),
    Column("made", Big, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("next_due_at", Moment),
    Column("last_due_at", Moment),
    Column("last_job", Identity),
    Column("after_finish", Big),
    Column("awaits_job", Identity),
    Column("paused_at", Moment),
    Column("paused_by", Prose),
    Column("broken", Prose),
    Index("onbeat_schedules_by_name", "name", unique=True),
    CheckConstraint("lane BETWEEN 0 AND 10", name="onbeat_schedules_lane"),
    **NARROW,
    # Each firing rewrites a row: room on the page keeps most of those rewrites in place.
    postgresql_with={"fillfactor": "70"},
)

_due = (schedules.c.paused_at.is_(None)) & (schedules.c.broken.is_(None))
Index(
    "onbeat_schedules_due",
    schedules.c.next_due_at,
    postgresql_where=_due,
    sqlite_where=_due,
)
_awaits = schedules.c.awaits_job.is_not(None)
Index(
    "onbeat_schedules_awaiting",
    schedules.c.awaits_job,
    postgresql_where=_awaits,
    sqlite_where=_awaits,
)

occurrences = Table(
    "onbeat_occurrences",
    metadata,
    Column("schedule", Identity, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("outcome", Name, nullable=False),
    Column("through_at", Moment),
    Column("job", Identity),
    Column("reason", Prose),
    Column("decided_at", Moment, nullable=False),
    PrimaryKeyConstraint("schedule", "due_at", name="onbeat_occurrences_pkey"),
    postgresql_partition_by="RANGE (due_at)",
    **NARROW,
)

PARTITIONED_BY_MONTH = ("onbeat_jobs", "onbeat_occurrences")
PARTITIONED_BY_DAY = ("onbeat_finished", "onbeat_attempts", "onbeat_logs")
