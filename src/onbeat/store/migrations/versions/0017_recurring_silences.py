"""Silences whose windows come again.

On SQLite the table is made anew: a column added would stand behind the key in the catalog.
"""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0015"
branch_labels = None
depends_on = None

SQLITE = (
    "CREATE TABLE onbeat_silences_before AS SELECT * FROM onbeat_silences",
    "DROP TABLE onbeat_silences",
    """
    CREATE TABLE onbeat_silences (
        id TEXT NOT NULL,
        matcher TEXT NOT NULL,
        reason TEXT NOT NULL,
        begins_at INTEGER NOT NULL,
        ends_at INTEGER NOT NULL,
        "by" TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        windows TEXT,
        PRIMARY KEY (id)
    )
     WITHOUT ROWID,
     STRICT
    """,
    "INSERT INTO onbeat_silences SELECT *, NULL FROM onbeat_silences_before",
    "DROP TABLE onbeat_silences_before",
    "CREATE INDEX onbeat_silences_by_end ON onbeat_silences (ends_at)",
)

POSTGRESQL = ("ALTER TABLE onbeat_silences ADD COLUMN windows JSONB",)


def upgrade() -> None:
    """Add the column."""
    for statement in POSTGRESQL if op.get_bind().dialect.name == "postgresql" else SQLITE:
        op.execute(statement)


def downgrade() -> None:
    """Nobody has asked for the way back."""
    raise NotImplementedError("schema 0017 cannot be taken back; restore a backup from before")
