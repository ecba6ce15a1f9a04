"""Partitions on PostgreSQL: made ahead of the rows that belong in them.

`jobs` and `occurrences` by month, what grows with every attempt by day. A row without a partition
goes to the default one, where it is safe; it is moved on when its partition is made.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, text

from onbeat.store.schema import PARTITIONED_BY_DAY, PARTITIONED_BY_MONTH, metadata

DAYS_AHEAD = 7
MONTHS_AHEAD = 2


def make_ahead(connection: Connection, now: datetime) -> list[str]:
    """Make the partitions of the coming days and months; the names of those that were missing."""
    if connection.dialect.name != "postgresql":
        return []
    made = []
    for name, parent, begin, end in _wanted(now):
        if not _exists(connection, name):
            _make(connection, name, parent, begin, end)
            made.append(name)
    return made


def _make(connection: Connection, name: str, parent: str, begin: str, end: str) -> None:
    """Make a partition, with the rows that wait for it in the default one."""
    column = _partitioned_by(parent)
    waiting = f"FROM {parent}_default WHERE {column} >= '{begin}' AND {column} < '{end}'"
    bounds = f"FOR VALUES FROM ('{begin}') TO ('{end}')"
    if not connection.scalar(text(f"SELECT EXISTS (SELECT {waiting})")):
        connection.execute(text(f"CREATE TABLE {name} PARTITION OF {parent} {bounds}"))
        return
    for step in (
        f"LOCK TABLE {parent}_default IN ACCESS EXCLUSIVE MODE",
        f"CREATE TABLE {name} (LIKE {parent} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)",
        f"WITH moved AS (DELETE {waiting} RETURNING *) INSERT INTO {name} SELECT * FROM moved",  # noqa: S608 - names of ours
        f"ALTER TABLE {parent} ATTACH PARTITION {name} {bounds}",
    ):
        connection.execute(text(step))


def _partitioned_by(parent: str) -> str:
    rule: str = metadata.tables[parent].dialect_options["postgresql"]["partition_by"]
    return rule.removeprefix("RANGE (").removesuffix(")")


def _wanted(now: datetime) -> list[tuple[str, str, str, str]]:
    """Name, parent, and the bounds: the first inside, the second out."""
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    wanted = []
    for table in PARTITIONED_BY_DAY:
        for ahead in range(DAYS_AHEAD + 1):
            day = today + timedelta(days=ahead)
            bounds = _moments(day, day + timedelta(days=1))
            wanted.append((f"{table}_{day:%Y%m%d}", table, *bounds))
    for table in PARTITIONED_BY_MONTH:
        month = today.replace(day=1)
        for _ in range(MONTHS_AHEAD + 1):
            following = (month + timedelta(days=32)).replace(day=1)
            bounds = (_ids if table == "onbeat_jobs" else _moments)(month, following)
            wanted.append((f"{table}_{month:%Y%m}", table, *bounds))
            month = following
    return wanted


def _moments(begin: datetime, end: datetime) -> tuple[str, str]:
    return begin.isoformat(), end.isoformat()


def _ids(begin: datetime, end: datetime) -> tuple[str, str]:
    return first_id(begin), first_id(end)


def first_id(moment: datetime) -> str:
    """The smallest UUIDv7 of that millisecond."""
    return f"{int(moment.timestamp() * 1000):012x}{0:020x}"


def _exists(connection: Connection, name: str) -> bool:
    return connection.scalar(text("SELECT to_regclass(:name)"), {"name": name}) is not None
