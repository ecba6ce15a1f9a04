"""What reports are made of: failures by when they were, and how well things are to do."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# Of few attempts: those that succeed are no part of it. On PostgreSQL it is made for each day.
FAILED = """
CREATE INDEX onbeat_attempts_failed ON onbeat_attempts (finished_at, token)
WHERE outcome IN ('failed', 'timed out', 'lost')
"""

SQLITE = (
    FAILED,
    """
    CREATE TABLE onbeat_objectives (
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        target REAL NOT NULL,
        window INTEGER NOT NULL,
        changed_at INTEGER NOT NULL,
        changed_by TEXT NOT NULL,
        CONSTRAINT onbeat_objectives_pkey PRIMARY KEY (kind, name)
    )
     WITHOUT ROWID,
     STRICT
    """,
)

POSTGRESQL = (
    FAILED,
    """
    CREATE TABLE onbeat_objectives (
        kind TEXT COLLATE "C" NOT NULL,
        name TEXT COLLATE "C" NOT NULL,
        target DOUBLE PRECISION NOT NULL,
        "window" INTEGER NOT NULL,
        changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
        changed_by TEXT NOT NULL,
        CONSTRAINT onbeat_objectives_pkey PRIMARY KEY (kind, name)
    )
    """,
)


def upgrade() -> None:
    """Make the index and the table."""
    for statement in POSTGRESQL if op.get_bind().dialect.name == "postgresql" else SQLITE:
        op.execute(statement)


def downgrade() -> None:
    """Nobody has asked for the way back."""
    raise NotImplementedError("schema 0013 cannot be taken back; restore a backup from before")
