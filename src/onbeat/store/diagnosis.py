"""What ails a database: what it lacks, what it carries along, and who holds it back. Read only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Index, func, select, text
from sqlalchemy.schema import CreateIndex

from onbeat.domain.notices import NoticeState
from onbeat.store.schema import (
    PARTITIONED_BY_DAY,
    PARTITIONED_BY_MONTH,
    channels,
    metadata,
    notices,
)

QUICK = 1_000_000
"""Rows up to which an index is made in place; for more, writes would wait too long."""

LONG = timedelta(minutes=5)
"""How long a transaction may last before it is named: nothing that was deleted since can go."""

DEAD_ROWS, DEAD_SHARE = 50_000, 0.5
"""From so many dead rows on, that are such a share of the live ones, a table is said to be bloated;
autovacuum is due at a fifth, or at 5,000 of the busy ones.
"""

UNKNOWN_ROWS = 10_000
"""Rows from which a table should have been analysed."""

_PARTITIONED = {*PARTITIONED_BY_DAY, *PARTITIONED_BY_MONTH}


@dataclass(frozen=True, slots=True)
class Lack:
    """An index that should be there and is not, or cannot be used."""

    index: str
    table: str
    remedy: str
    """The statement that makes it without holding up writes, where the engine can."""
    repair: str | None
    """The statement that makes it in place; None where the table is too large for that."""


@dataclass(frozen=True, slots=True)
class Bloat:
    """A table with more dead rows than it should have."""

    table: str
    live: int
    dead: int
    remedy: str


@dataclass(frozen=True, slots=True)
class LongTransaction:
    """One that has lasted for so long."""

    pid: int
    application: str
    state: str
    lasts: timedelta


@dataclass(frozen=True, slots=True)
class FileState:
    """How large a SQLite file is, and how much of it is empty. Bytes."""

    size: int
    empty: int
    damage: str | None
    """What a quick check found; None where nothing, or the file was too large to look."""
    was_looked_at: bool


def missing_columns(connection: Connection, now: datetime) -> list[str]:
    """Columns, as `table.column`, that the schema of this revision has and the database has not."""
    there = set(_columns(connection))
    wanted = ((table.name, column.name) for table in metadata.tables.values() for column in table.c)
    return [f"{table}.{column}" for table, column in wanted if (table, column) not in there]


def lacks(connection: Connection, now: datetime, *, quick: int = QUICK) -> list[Lack]:
    """Indexes that are missing or invalid; of tables up to `quick` rows made in place."""
    there = dict(_indexes(connection))
    rows = _estimates(connection)
    return [
        _lack(
            connection,
            table.name,
            index,
            is_quick=rows.get(table.name, 0) <= quick,
            is_there=index.name in there,
        )
        for table in metadata.sorted_tables
        for index in sorted(table.indexes, key=lambda each: str(each.name))
        if not there.get(str(index.name), False)
    ]


def _lack(
    connection: Connection, table: str, index: Index, *, is_quick: bool, is_there: bool
) -> Lack:
    name = str(index.name)
    here = str(CreateIndex(index).compile(dialect=connection.dialect))
    drop = f"DROP INDEX {_home(connection)}{name}; " if is_there else ""
    gently = here
    if connection.dialect.name == "postgresql" and table not in _PARTITIONED:
        gently = here.replace(" INDEX ", " INDEX CONCURRENTLY ", 1)
        drop = drop.replace(" INDEX ", " INDEX CONCURRENTLY ", 1)
    can_repair = is_quick and not is_there
    return Lack(name, table, drop + gently, here if can_repair else None)


def _columns(connection: Connection) -> Iterator[tuple[str, str]]:
    if connection.dialect.name == "postgresql":
        yield from _named(connection, _PG_COLUMNS)
        return
    for table in metadata.tables:
        for row in connection.execute(text("SELECT name FROM pragma_table_info(:t)"), {"t": table}):
            yield table, row.name


def _indexes(connection: Connection) -> Iterator[tuple[str, bool]]:
    """Their names, and whether they can be used."""
    if connection.dialect.name == "postgresql":
        yield from _named(connection, _PG_INDEXES)
        return
    for row in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'index'")):
        yield row.name, True


def _estimates(connection: Connection) -> dict[str, int]:
    """About how many rows a table has; those of SQLite are all made in place, for want of another
    way.
    """
    if connection.dialect.name != "postgresql":
        return {}
    found: dict[str, int] = {}
    for table, rows in _named(connection, _PG_ROWS):
        found[table] = found.get(table, 0) + max(rows, 0)
    return found


def _named(connection: Connection, query: str) -> Iterator[tuple[Any, ...]]:
    yield from (tuple(row) for row in connection.execute(text(query)))


def _home(connection: Connection) -> str:
    """The schema that our tables are in, as it stands before a name; nothing on SQLite."""
    if connection.dialect.name != "postgresql":
        return ""
    return f'"{connection.scalar(text(_PG_HOME))}".'


_PG_OURS = "(SELECT relnamespace FROM pg_class WHERE oid = to_regclass('onbeat_jobs'))"
_PG_HOME = f"SELECT nspname FROM pg_namespace WHERE oid = {_PG_OURS}"  # noqa: S608 - our own text
_PG_COLUMNS = f"""
SELECT relname, attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
WHERE relnamespace = {_PG_OURS} AND attnum > 0 AND NOT attisdropped
"""  # noqa: S608 - as above
_PG_INDEXES = f"""
SELECT own.relname, indisvalid FROM pg_index JOIN pg_class AS own ON own.oid = indexrelid
WHERE own.relnamespace = {_PG_OURS}
"""  # noqa: S608 - as above
_PG_ROWS = f"""
SELECT coalesce(parent.relname, part.relname), part.reltuples::bigint
FROM pg_class AS part LEFT JOIN pg_inherits ON inhrelid = part.oid
LEFT JOIN pg_class AS parent ON parent.oid = inhparent
WHERE part.relnamespace = {_PG_OURS} AND part.relkind = 'r'
"""  # noqa: S608 - as above


def bloated(connection: Connection, now: datetime) -> list[Bloat]:
    """Tables on PostgreSQL that carry along what was deleted."""
    home = _home(connection)
    found = connection.execute(
        text(f"""
            SELECT relname, n_live_tup, n_dead_tup FROM pg_stat_user_tables
            JOIN pg_class USING (relname)
            WHERE pg_class.oid = relid AND relnamespace = {_PG_OURS}
              AND n_dead_tup > :least AND n_dead_tup > :share * n_live_tup
            ORDER BY n_dead_tup DESC
        """),  # noqa: S608 - as above
        {"least": DEAD_ROWS, "share": DEAD_SHARE},
    )
    return [
        Bloat(row.relname, row.n_live_tup, row.n_dead_tup,
              f"VACUUM (ANALYZE) {home}{row.relname}")
        for row in found
    ]  # fmt: skip


def never_analysed(connection: Connection, now: datetime) -> list[str]:
    """Tables on PostgreSQL with many rows of which the planner knows nothing."""
    query = f"""
        SELECT relname FROM pg_stat_user_tables JOIN pg_class USING (relname)
        WHERE pg_class.oid = relid AND relnamespace = {_PG_OURS} AND n_live_tup > :rows
          AND last_analyze IS NULL AND last_autoanalyze IS NULL
        ORDER BY relname
    """  # noqa: S608 - as above
    return list(connection.scalars(text(query), {"rows": UNKNOWN_ROWS}))


def long_transactions(
    connection: Connection, now: datetime, *, longer_than: timedelta = LONG
) -> list[LongTransaction]:
    """Those of others in this PostgreSQL database, the longest first; prepared ones have pid 0."""
    found = connection.execute(text("""
        SELECT pid, application_name, state, clock_timestamp() - xact_start AS lasts
        FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
          AND xact_start < clock_timestamp() - CAST(:long AS interval)
        UNION ALL
        SELECT 0, gid, 'prepared', clock_timestamp() - prepared FROM pg_prepared_xacts
        WHERE database = current_database()
          AND prepared < clock_timestamp() - CAST(:long AS interval)
        ORDER BY lasts DESC
    """), {"long": longer_than})  # fmt: skip
    return [
        LongTransaction(row.pid, row.application_name, row.state or "", row.lasts) for row in found
    ]


def careless_settings(connection: Connection, now: datetime) -> list[str]:
    """Settings of the PostgreSQL server that lose data or let tables grow, as `name = value`."""
    query = text(
        "SELECT name || ' = ' || setting FROM pg_settings WHERE setting = 'off' "
        "AND name IN ('fsync', 'full_page_writes', 'autovacuum', 'track_counts') ORDER BY name"
    )
    return list(connection.scalars(query))


def unsent(
    connection: Connection, now: datetime, *, longer_than: timedelta = LONG
) -> dict[str, timedelta]:
    """Channels, by id, with a notice that should have been sent so long ago and was never tried:
    for how long the first of them has been due.
    """
    since = func.min(notices.c.due_at, type_=notices.c.due_at.type)
    waits = notices.c.state.in_((NoticeState.HELD, NoticeState.DUE)) & (notices.c.attempts == 0)
    query = (
        select(notices.c.channel, since)
        .join_from(notices, channels, channels.c.id == notices.c.channel)
        .where(
            channels.c.enabled == 1, waits, notices.c.due_at < now - longer_than,
            (channels.c.not_before < now - longer_than) | channels.c.not_before.is_(None),
        )
        .group_by(notices.c.channel)
    )  # fmt: skip
    return {row[0]: now - row[1] for row in connection.execute(query)}


def file_state(connection: Connection, now: datetime) -> FileState:
    """How a SQLite file is; it is looked through up to a gigabyte, some seconds."""
    size_of = connection.scalar(text("PRAGMA page_size")) or 0
    pages = connection.scalar(text("PRAGMA page_count")) or 0
    empty = connection.scalar(text("PRAGMA freelist_count")) or 0
    is_small = pages * size_of <= LOOKED_THROUGH
    found = connection.scalar(text("PRAGMA quick_check(1)")) if is_small else "ok"
    return FileState(pages * size_of, empty * size_of, None if found == "ok" else found, is_small)


LOOKED_THROUGH = 2**30
