"""The application's own tables, in Onbeat's database. Moments are ISO 8601 in UTC, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite

metadata = MetaData()

companies = Table(
    "csv_companies", metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("region", String, nullable=False),
    Column("source", String, nullable=False),  # file or http
    Column("analysis", String, nullable=False),  # direct or batch
    Column("last_error", Text),
    Column("last_import_at", String),
)  # fmt: skip

files = Table(
    "csv_files", metadata,
    Column("company", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("mark", String, nullable=False),  # changes when the file does
    Column("outcome", String, nullable=False),  # imported, duplicate, broken or unfetched
    Column("note", Text),
)  # fmt: skip

imports = Table(
    "csv_imports", metadata,
    Column("id", String, primary_key=True),
    Column("company", String, nullable=False),
    Column("name", String, nullable=False),
    Column("sha256", String, nullable=False),
    Column("state", String, nullable=False),  # reading or imported
    Column("rows_all", Integer, nullable=False),
    Column("rows_done", Integer, nullable=False),
    Column("begun_by", String, nullable=False),
    Column("ended_by", String),
    Column("begun_at", String, nullable=False),
    Column("ended_at", String),
    UniqueConstraint("company", "sha256"),
)  # fmt: skip

rows = Table(
    "csv_rows", metadata,
    Column("import_id", String, primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("company", String, nullable=False),
    Column("body", Text, nullable=False),
    Column("state", String, nullable=False),  # waiting, taken or refused
    Column("reason", Text),
)  # fmt: skip
Index(
    "csv_rows_waiting", rows.c.company,
    postgresql_where=rows.c.state == "waiting", sqlite_where=rows.c.state == "waiting",
)  # fmt: skip

sessions = Table(
    "csv_sessions", metadata,
    Column("company", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("version", String, nullable=False),  # of two rows the later one counts
    Column("started_at", String, nullable=False),
    Column("country", String),
    Column("rating", Integer),
    Column("message", Text, nullable=False),
    Column("corrections", Integer, nullable=False),
    Column("state", String, nullable=False),  # waiting, batched, analysed or failed
    Column("category", String),
    Column("sentiment", String),
    Column("judged_by", String),
    Column("attempts", Integer, nullable=False),
    Column("batch", String),
)  # fmt: skip
Index(
    "csv_sessions_waiting", sessions.c.company,
    postgresql_where=sessions.c.state == "waiting", sqlite_where=sessions.c.state == "waiting",
)  # fmt: skip
Index("csv_sessions_batch", sessions.c.batch)

batches = Table(
    "csv_batches", metadata,
    Column("id", String, primary_key=True),
    Column("company", String, nullable=False),
    Column("upstream", String),
    Column("state", String, nullable=False),  # prepared, submitted or ended
    Column("size", Integer, nullable=False),
    Column("succeeded", Integer),
    Column("failed", Integer),
    Column("note", Text),
    Column("created_at", String, nullable=False),
)  # fmt: skip


def create(connection: Connection, now: datetime) -> None:
    """Make what is not there; several processes may begin at once."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(7260921)"))
    metadata.create_all(connection)


def put(
    connection: Connection, table: Table, values: Sequence[Mapping[str, Any]],
    change: Sequence[str] = (),
) -> None:  # fmt: skip
    """Insert rows; of one that is there already these columns are changed, or nothing."""
    if not values:
        return
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    keys = [column.name for column in table.primary_key]
    asked = insert(table)
    done = (
        asked.on_conflict_do_update(
            index_elements=keys, set_={name: asked.excluded[name] for name in change}
        )
        if change
        else asked.on_conflict_do_nothing()
    )
    connection.execute(done, list(values))
