"""Partitions on PostgreSQL: made ahead of the rows that belong in them.

`jobs` and `occurrences` by month, what grows with every attempt by day. A row without a partition
goes to the default one, where it is safe; it is moved on when its partition is made.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, text

from onbeat.store.schema import PARTITIONED_BY_DAY, PARTITIONED_BY_MONTH, metadata

DAYS_AHEAD = 7
MONTHS_AHEAD = 2

PATIENCE = "20ms"
"""How long a drop waits for a lock; claims and acks that come meanwhile wait behind it."""

# In the schema of our tables: another environment has partitions of the same names.
_BESIDE_JOBS = "(SELECT relnamespace FROM pg_class WHERE oid = to_regclass('onbeat_jobs'))"
_ABSENT = text(f"""
    SELECT name FROM unnest(CAST(:names AS text[])) AS name
    WHERE NOT EXISTS (
        SELECT FROM pg_class WHERE relname = name AND relnamespace = {_BESIDE_JOBS})
""")  # noqa: S608 - of a constant
_CHILDREN = text(f"""
    SELECT child.relname FROM pg_inherits
    JOIN pg_class AS child ON child.oid = inhrelid
    JOIN pg_class AS parent ON parent.oid = inhparent
    WHERE parent.relname = :parent AND parent.relnamespace = {_BESIDE_JOBS}
    ORDER BY child.relname
""")  # noqa: S608 - of a constant


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition as it should be; `begin` is inside it, `end` is not."""

    name: str
    parent: str
    begin: str
    end: str


def missing(connection: Connection, now: datetime) -> list[Partition]:
    """The partitions of the coming days and months that are not there yet."""
    if connection.dialect.name != "postgresql":
        return []
    wanted = {each.name: each for each in _wanted(now)}
    return [wanted[name] for name in connection.scalars(_ABSENT, {"names": list(wanted)})]


def make(connection: Connection, now: datetime, wanted: Partition) -> None:
    """Make one partition, with the rows that wait for it in the default one.

    One in a transaction: it locks its parent and the default partition, and a transaction that
    held the locks of two families would deadlock with whoever reads both. CREATE … PARTITION OF
    would lock the parent against readers too; that is needed only where rows move. Who began to
    read before they did knows of no partition but the old ones, and would not find them.
    """
    parent, column = wanted.parent, _partitioned_by(wanted.parent)
    waiting = f"{column} >= '{wanted.begin}' AND {column} < '{wanted.end}'"
    connection.execute(text(f"LOCK TABLE ONLY {parent} IN SHARE UPDATE EXCLUSIVE MODE"))
    if _exists(connection, wanted.name):
        return  # another process made it while we waited for the lock
    if _is_due(now, wanted) or _holds(connection, f"{parent}_default", waiting):
        connection.execute(text(f"LOCK TABLE ONLY {parent} IN ACCESS EXCLUSIVE MODE"))
    for step in (
        f"LOCK TABLE {parent}_default IN ACCESS EXCLUSIVE MODE",
        f"CREATE TABLE {wanted.name} (LIKE {parent} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)",
        f"WITH moved AS (DELETE FROM {parent}_default WHERE {waiting} RETURNING *) "  # noqa: S608 - names of ours
        f"INSERT INTO {wanted.name} SELECT * FROM moved",
        f"ALTER TABLE {parent} ATTACH PARTITION {wanted.name} "
        f"FOR VALUES FROM ('{wanted.begin}') TO ('{wanted.end}')",
    ):
        connection.execute(text(step))


def _is_due(now: datetime, wanted: Partition) -> bool:
    """Whether rows of now belong in it."""
    begin = first_id(now) if wanted.parent == "onbeat_jobs" else now.isoformat()
    return wanted.begin <= begin < wanted.end


def _partitioned_by(parent: str) -> str:
    rule: str = metadata.tables[parent].dialect_options["postgresql"]["partition_by"]
    return rule.removeprefix("RANGE (").removesuffix(")")


def _wanted(now: datetime) -> list[Partition]:
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    wanted = []
    for table in PARTITIONED_BY_DAY:
        for ahead in range(DAYS_AHEAD + 1):
            day = today + timedelta(days=ahead)
            bounds = _moments(day, day + timedelta(days=1))
            wanted.append(Partition(f"{table}_{day:%Y%m%d}", table, *bounds))
    for table in PARTITIONED_BY_MONTH:
        month = today.replace(day=1)
        for _ in range(MONTHS_AHEAD + 1):
            following = (month + timedelta(days=32)).replace(day=1)
            bounds = (_ids if table == "onbeat_jobs" else _moments)(month, following)
            wanted.append(Partition(f"{table}_{month:%Y%m}", table, *bounds))
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
    return not connection.scalars(_ABSENT, {"names": [name]}).all()


def left(connection: Connection, now: datetime, before: datetime) -> list[Partition]:
    """The partitions that ended `before` and hold no row any more."""
    if connection.dialect.name != "postgresql":
        return []
    return [each for each in _past(connection, before) if _is_empty(connection, each.name)]


def drop(connection: Connection, now: datetime, wanted: Partition) -> bool:
    """Drop a partition if it is still empty; False where others hold it.

    Its parent is locked against everybody for a moment: who would wait longer than `PATIENCE` for
    that lock, with all others behind it, comes again later.
    """
    connection.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE}'"))
    connection.execute(text(f"LOCK TABLE ONLY {wanted.parent} IN ACCESS EXCLUSIVE MODE"))
    connection.execute(text(f"LOCK TABLE {wanted.name} IN ACCESS EXCLUSIVE MODE"))
    if not _is_empty(connection, wanted.name):
        return False
    connection.execute(text(f"DROP TABLE {wanted.name}"))
    return True


def _past(connection: Connection, before: datetime) -> list[Partition]:
    found = []
    for parent in (*PARTITIONED_BY_DAY, *PARTITIONED_BY_MONTH):
        for name in connection.scalars(_CHILDREN, {"parent": parent}):
            end = _end_of(name.removeprefix(f"{parent}_"))
            if end is not None and end <= before:
                found.append(Partition(name, parent, "", end.isoformat()))
    return found


def _end_of(suffix: str) -> datetime | None:
    """When a partition ends, by its name; None for the default one."""
    if not suffix.isdecimal():
        return None
    if len(suffix) == len("YYYYMM"):
        begin = datetime.strptime(suffix, "%Y%m").replace(tzinfo=UTC)
        return (begin + timedelta(days=32)).replace(day=1)
    return datetime.strptime(suffix, "%Y%m%d").replace(tzinfo=UTC) + timedelta(days=1)


def _is_empty(connection: Connection, name: str) -> bool:
    return not _holds(connection, name, "true")


def _holds(connection: Connection, name: str, which: str) -> bool:
    found = connection.scalar(text(f"SELECT EXISTS (SELECT FROM {name} WHERE {which})"))  # noqa: S608 - ours
    return bool(found)
