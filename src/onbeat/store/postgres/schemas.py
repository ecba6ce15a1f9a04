"""The schemas that environments are in: made, entered, listed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, event, text

from onbeat.domain.environments import PREFIX, is_environment, schema_of
from onbeat.store.rendering import qualified
from onbeat.store.schema import VERSION_TABLE

OPTION = "onbeat_environment"
"""Under this name the execution options of a connection carry the environment."""


def qualify_all(engine: Engine, environment: str) -> None:
    """Let every statement sent through the engine be in the environment's schema."""
    schema = schema_of(environment)

    @event.listens_for(engine, "before_cursor_execute", retval=True)
    def qualify(
        _connection: Any, _cursor: Any, statement: str, values: Any, _context: Any, _many: Any
    ) -> tuple[str, Any]:
        return qualified(statement, schema), values


def environment_on(connection: Connection) -> str | None:
    """The environment that a connection works in."""
    found: str | None = connection.get_execution_options().get(OPTION)
    return found


def lock_name(connection: Connection, what: str) -> str:
    """The name of an advisory lock, which are the whole database's: an environment has its own."""
    environment = environment_on(connection)
    return f"onbeat.{what}" if environment is None else f"onbeat.{what}.{environment}"


def enter(connection: Connection, environment: str) -> None:
    """Make the environment's schema, if it is not there, and let a migration's names mean it.

    A migration also names indexes, and Alembic looks for its table in the catalog: in this one
    transaction, which is ours, the search path says the schema too.
    """
    schema = schema_of(environment)
    is_there = text("SELECT to_regnamespace(:name) IS NOT NULL")
    if not connection.scalar(is_there, {"name": f'"{schema}"'}):
        connection.execute(text(f'CREATE SCHEMA "{schema}"'))
    connection.execute(text(f'SET LOCAL search_path = "{schema}"'))


_WITH_TABLES = text(
    "SELECT nspname, has_schema_privilege(nsp.oid, 'USAGE') "
    "AND has_table_privilege(rel.oid, 'SELECT') "
    "FROM pg_class AS rel JOIN pg_namespace AS nsp ON nsp.oid = relnamespace "
    "WHERE relname = :versions AND relkind = 'r' AND starts_with(nspname, :prefix)"
)


def all_environments(connection: Connection) -> dict[str, str | None]:
    """The environments in a database, each with its schema version; None where it is secret."""
    asked = {"versions": VERSION_TABLE, "prefix": PREFIX}
    found: dict[str, str | None] = {}
    for schema, may_read in connection.execute(_WITH_TABLES, asked).all():
        name = schema.removeprefix(PREFIX)
        if is_environment(name):
            version = text(f'SELECT version_num FROM "{schema}".{VERSION_TABLE}')  # noqa: S608
            found[name] = connection.scalar(version) if may_read else None
    return dict(sorted(found.items()))
