"""Partitions on PostgreSQL: made ahead of the rows that belong in them.

`jobs` and `occurrences` by month, what grows with every attempt by day. A row without a partition
goes to the default one, where it is safe but must be moved before its partition can be made.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, text

from onbeat.store.schema import PARTITIONED_BY_DAY, PARTITIONED_BY_MONTH

DAYS_AHEAD = 7
MONTHS_AHEAD = 2


def make_ahead(connection: Connection, now: datetime) -> list[str]:
    """Make the partitions of the coming days and months; the names of those that were missing."""
    if connection.dialect.name != "postgresql":
        return []
    made = []
    for name, parent, bounds in _wanted(now):
        if not _exists(connection, name):
            connection.execute(
                text(f"CREATE TABLE {name} PARTITION OF {parent} FOR VALUES {bounds}")
            )
            made.append(name)
    return made


def _wanted(now: datetime) -> list[tuple[str, str, str]]:
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    wanted = []
    for table in PARTITIONED_BY_DAY:
        for ahead in range(DAYS_AHEAD + 1):
            day = today + timedelta(days=ahead)
            wanted.append((f"{table}_{day:%Y%m%d}", table, _between(day, day + timedelta(days=1))))
    for table in PARTITIONED_BY_MONTH:
        month = today.replace(day=1)
        for _ in range(MONTHS_AHEAD + 1):
            following = (month + timedelta(days=32)).replace(day=1)
            bounds = _ids_between if table == "onbeat_jobs" else _between
            wanted.append((f"{table}_{month:%Y%m}", table, bounds(month, following)))
            month = following
    return wanted


def _between(begin: datetime, end: datetime) -> str:
    return f"FROM ('{begin.isoformat()}') TO ('{end.isoformat()}')"


def _ids_between(begin: datetime, end: datetime) -> str:
    return f"FROM ('{first_id(begin)}') TO ('{first_id(end)}')"


def first_id(moment: datetime) -> str:
    """The smallest UUIDv7 of that millisecond."""
    return f"{int(moment.timestamp() * 1000):012x}{0:020x}"


def _exists(connection: Connection, name: str) -> bool:
    return connection.scalar(text("SELECT to_regclass(:name)"), {"name": name}) is not None
