"""The processes that run services, and what is wished of those."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

SQLITE = (
    """
    CREATE TABLE onbeat_processes (
        id TEXT NOT NULL,
        instance TEXT NOT NULL,
        host TEXT NOT NULL,
        pid INTEGER NOT NULL,
        version TEXT NOT NULL,
        region TEXT,
        started_at INTEGER NOT NULL,
        heartbeat_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        services TEXT NOT NULL,
        PRIMARY KEY (id)
    )
     WITHOUT ROWID,
     STRICT
    """,
    """
    CREATE TABLE onbeat_wishes (
        id TEXT NOT NULL,
        process TEXT NOT NULL,
        service TEXT NOT NULL,
        action TEXT NOT NULL,
        asked_at INTEGER NOT NULL,
        asked_by TEXT NOT NULL,
        done_at INTEGER,
        error TEXT,
        PRIMARY KEY (id)
    )
     WITHOUT ROWID,
     STRICT
    """,
)

POSTGRESQL = (
    """
    CREATE TABLE onbeat_processes (
        id UUID NOT NULL,
        instance TEXT NOT NULL,
        host TEXT NOT NULL,
        pid INTEGER NOT NULL,
        version TEXT NOT NULL,
        region TEXT,
        started_at TIMESTAMP WITH TIME ZONE NOT NULL,
        heartbeat_at TIMESTAMP WITH TIME ZONE NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        services JSONB NOT NULL,
        PRIMARY KEY (id)
    )
    """,
    """
    CREATE TABLE onbeat_wishes (
        id UUID NOT NULL,
        process UUID NOT NULL,
        service TEXT COLLATE "C" NOT NULL,
        action TEXT COLLATE "C" NOT NULL,
        asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
        asked_by TEXT NOT NULL,
        done_at TIMESTAMP WITH TIME ZONE,
        error TEXT,
        PRIMARY KEY (id)
    )
    """,
)


def upgrade() -> None:
    """Make the tables."""
    for statement in POSTGRESQL if op.get_bind().dialect.name == "postgresql" else SQLITE:
        op.execute(statement)


def downgrade() -> None:
    """Nobody has asked for the way back."""
    raise NotImplementedError("schema 0010 cannot be taken back; restore a backup from before")
