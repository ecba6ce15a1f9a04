"""What tells one state of what answers show from another, cold: up to when ends are counted, and
when what they show was last edited by hand.

Each edit moves the mark of its kind within its own transaction, always onward: who has seen another
value has seen another state. A mark is moved last: it is locked for no longer than a commit.
"""

from __future__ import annotations

import socket
from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, func, literal_column, select, text
from sqlalchemy.dialects import postgresql, sqlite

from onbeat.domain.keeping import Edited
from onbeat.store.column_types import to_micros
from onbeat.store.folding import ENDS
from onbeat.store.schema import folds


def mark(edited: Edited) -> str:
    """The name of a kind's mark."""
    return f"edited:{edited}"


def read(
    connection: Connection, now: datetime, shows: Collection[Edited], *, follows_ends: bool
) -> list[Any]:
    """The edition of what shows these; the same one as long as they are as they were."""
    names = [mark(each) for each in sorted(shows)] + ([ENDS] if follows_ends else [])
    query = select(folds.c.name, folds.c.folded_to).where(folds.c.name.in_(names))
    found = {row.name: to_micros(row.folded_to) for row in connection.execute(query)}
    return [found.get(name) for name in names]


def edited(connection: Connection, now: datetime, what: Edited) -> None:
    """Move the mark on: what shows such things is another edition from here on."""
    is_postgresql = connection.dialect.name == "postgresql"
    own = postgresql.insert if is_postgresql else sqlite.insert
    made = own(folds).values(name=mark(what), folded_to=now)
    latest: Any = func.greatest if is_postgresql else func.max
    least: Any = literal_column("interval '1 microsecond'" if is_postgresql else "1")
    moved = latest(made.excluded.folded_to, folds.c.folded_to.op("+")(least))
    connection.execute(
        made.on_conflict_do_update(index_elements=["name"], set_={"folded_to": moved})
    )


_CLUSTER = text(
    "SELECT (SELECT system_identifier FROM pg_control_system()) AS cluster, "
    "(SELECT oid FROM pg_database WHERE datname = current_database()) AS database, "
    "to_regclass('onbeat_jobs')::oid AS jobs"
)


def identity(connection: Connection, now: datetime) -> list[Any]:
    """What tells this database, and the environment in it, from all others. Where it was copied,
    address and file differ.
    """
    if connection.dialect.name == "postgresql":
        return ["postgresql", *map(int, connection.execute(_CLUSTER).one())]
    file = connection.execute(text("PRAGMA database_list")).one().file
    if not file:
        return ["memory", uuid4().hex]
    stat = Path(file).stat()
    return ["sqlite", socket.gethostname(), file, stat.st_dev, stat.st_ino]
