"""Alembic's way in: it migrates the one connection it is given."""

from __future__ import annotations

from alembic import context

from onbeat.store.schema import VERSION_TABLE, metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    # SQLite's DDL is transactional, and our writer's transaction is around it already.
    transactional_ddl=connection.dialect.name == "postgresql",
)
with context.begin_transaction():
    context.run_migrations()
