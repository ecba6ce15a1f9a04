"""What the jobs of each task can be found by, for who knows tasks by their names alone.

On SQLite the table is made anew: a column added would stand behind the key in the catalog.
"""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0017"
branch_labels = None
depends_on = None

SQLITE = (
    "CREATE TABLE onbeat_tasks_before AS SELECT * FROM onbeat_tasks",
    "DROP TABLE onbeat_tasks",
    """
    CREATE TABLE onbeat_tasks (
        name TEXT NOT NULL,
        runs_as TEXT,
        secrets TEXT,
        changed_at INTEGER NOT NULL,
        tags TEXT,
        PRIMARY KEY (name)
    )
     WITHOUT ROWID,
     STRICT
    """,
    "INSERT INTO onbeat_tasks SELECT *, NULL FROM onbeat_tasks_before",
    "DROP TABLE onbeat_tasks_before",
)

POSTGRESQL = ("ALTER TABLE onbeat_tasks ADD COLUMN tags JSONB",)


def upgrade() -> None:
    """Add the column."""
    for statement in POSTGRESQL if op.get_bind().dialect.name == "postgresql" else SQLITE:
        op.execute(statement)


def downgrade() -> None:
    """Nobody has asked for the way back."""
    raise NotImplementedError("schema 0019 cannot be taken back; restore a backup from before")
