"""Jobs wait for targets that work on after their answer, and call back."""

from __future__ import annotations

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

SQLITE = """
    CREATE TABLE onbeat_callbacks (
        job TEXT NOT NULL,
        accepted_at INTEGER,
        expires_at INTEGER NOT NULL,
        said_at INTEGER,
        is_done INTEGER,
        said TEXT,
        PRIMARY KEY (job)
    )
     WITHOUT ROWID,
     STRICT
    """

POSTGRESQL = """
    CREATE TABLE onbeat_callbacks (
        job UUID NOT NULL,
        accepted_at TIMESTAMP WITH TIME ZONE,
        expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        said_at TIMESTAMP WITH TIME ZONE,
        is_done SMALLINT,
        said TEXT,
        PRIMARY KEY (job)
    )
    """


def upgrade() -> None:
    """Make the table."""
    op.execute(POSTGRESQL if op.get_bind().dialect.name == "postgresql" else SQLITE)


def downgrade() -> None:
    """Nobody has asked for the way back."""
    raise NotImplementedError("schema 0026 cannot be taken back; restore a backup from before")
