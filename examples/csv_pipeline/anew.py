"""The tables of the example made anew, where nobody loses data by it or it is said."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Connection, MetaData, String, Table, inspect, select

from examples.csv_pipeline.tables import metadata, put
from onbeat import InvalidInput

made_here = Table("csv_generated", MetaData(), Column("what", String, primary_key=True))
"""What the demo and the measurement have made themselves; a deployment never has this table."""

ROWS = "rows"


def is_made_here(connection: Connection, now: datetime, what: str) -> bool:
    """Whether one of them made it."""
    if not inspect(connection).has_table(made_here.name):
        return False
    return connection.execute(select(made_here).where(made_here.c.what == what)).first() is not None


def note_made(connection: Connection, now: datetime, what: str) -> None:
    """It is theirs from now on."""
    made_here.create(connection, checkfirst=True)
    put(connection, made_here, [{"what": what}])


def make_anew(connection: Connection, now: datetime, *, wipe: bool) -> None:
    """Begin with empty tables. Raises InvalidInput where rows are there that are somebody's."""
    there = set(inspect(connection).get_table_names())
    filled = [
        table.name
        for table in metadata.sorted_tables
        if table.name in there and connection.execute(select(table).limit(1)).first() is not None
    ]
    if filled and not (wipe or is_made_here(connection, now, ROWS)):
        told = f"this database has rows that were not generated in {', '.join(filled)}"
        raise InvalidInput("ONBEAT_DB", f"{told}; name another, or give --wipe to delete them")
    metadata.drop_all(connection)
    metadata.create_all(connection)
    note_made(connection, now, ROWS)
