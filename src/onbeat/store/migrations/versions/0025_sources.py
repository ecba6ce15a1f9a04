"""Messages from outside that did not fit are kept, with the reason."""

from __future__ import annotations

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

INDEX = "CREATE INDEX onbeat_set_aside_by_source ON onbeat_set_aside (source, id)"

SQLITE = (
    """
    CREATE TABLE onbeat_set_aside (
        id TEXT NOT NULL,
        source TEXT NOT NULL,
        channel TEXT NOT NULL,
        message TEXT NOT NULL,
        reason TEXT NOT NULL,
        body TEXT NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (id)
    )
     WITHOUT ROWID,
     STRICT
    """,
    INDEX,
)

POSTGRESQL = (
    """
    CREATE TABLE onbeat_set_aside (
        id UUID NOT NULL,
        source TEXT COLLATE "C" NOT NULL,
        channel TEXT COLLATE "C" NOT NULL,
        message TEXT COLLATE "C" NOT NULL,
        reason TEXT NOT NULL,
        body TEXT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (id)
    )
    """,
    INDEX,
)


def upgrade() -> None:
    """Make the table."""
    for statement in POSTGRESQL if op.get_bind().dialect.name == "postgresql" else SQLITE:
        op.execute(statement)


def downgrade() -> None:
    """Nobody has asked for the way back."""
    raise NotImplementedError("schema 0025 cannot be taken back; restore a backup from before")
