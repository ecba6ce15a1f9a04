"""A migration takes nothing from processes of the release before, which go on meanwhile.

What they read stays as it is, and what they insert without the new columns is taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, inspect

from onbeat.store.schema_state import REVISIONS
from onbeat.store.sqlite.connections import connect, over

SINCE = "0008"
"""Up to it, processes of the release before had to be stopped first: docs/deploy.md."""

STEPS = REVISIONS[REVISIONS.index(SINCE) + 1 :]
Columns = dict[tuple[str, str], str]
"""The type of each column, by table and name; "needed" after it where an insert must give it."""


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    """An empty SQLite database."""
    raw = connect(tmp_path / "onbeat.db")
    engine, connection = over(raw)
    yield connection
    connection.close()
    engine.dispose()
    raw.close()


def test_a_migration_leaves_every_column_of_before_and_needs_no_new_one(
    connection: Connection,
) -> None:
    upgrade(connection, SINCE)
    for revision in STEPS:
        before = columns(connection)
        upgrade(connection, revision)
        after = columns(connection)
        known = {table for table, _ in before}
        added = {each: kind for each, kind in after.items() if each not in before}

        assert after.items() >= before.items(), f"{revision} changes what was there"
        assert not [
            (table, name)
            for (table, name), kind in added.items()
            if table in known and "needed" in kind
        ], f"{revision} adds what an insert of before does not give"


def upgrade(connection: Connection, revision: str) -> None:
    """Bring the database to a revision."""
    config = Config()
    config.set_main_option("script_location", str(files("onbeat.store") / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def columns(connection: Connection) -> Columns:
    """All columns of all tables."""
    looked = inspect(connection)
    return {
        (table, column["name"]): told(column["type"], column["nullable"], column["default"])
        for table in looked.get_table_names()
        for column in looked.get_columns(table)
    }


def told(kind: object, nullable: bool, default: object) -> str:
    """A column's type, and whether it must be given."""
    return f"{kind} needed" if not nullable and default is None else str(kind)
