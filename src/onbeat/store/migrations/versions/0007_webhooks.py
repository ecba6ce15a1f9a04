"""Webhooks, and the record of what was sent to them."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

INDEXES = (
    "CREATE INDEX onbeat_webhooks_by_owner ON onbeat_webhooks (owner, id)",
    "CREATE INDEX onbeat_deliveries_by_webhook ON onbeat_deliveries (webhook, id)",
)

SQLITE = (
    """
    CREATE TABLE onbeat_webhooks (
        id TEXT NOT NULL,
        owner TEXT NOT NULL,
        url TEXT NOT NULL,
        events TEXT NOT NULL,
        secret TEXT NOT NULL,
        former_secret TEXT,
        former_until INTEGER,
        enabled INTEGER NOT NULL,
        disabled_at INTEGER,
        disabled_why TEXT,
        created_at INTEGER NOT NULL,
        changed_at INTEGER NOT NULL,
        PRIMARY KEY (id)
    )
     WITHOUT ROWID,
     STRICT
    """,
    """
    CREATE TABLE onbeat_deliveries (
        id TEXT NOT NULL,
        webhook TEXT NOT NULL,
        job TEXT NOT NULL,
        message TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        at INTEGER NOT NULL,
        latency INTEGER,
        status INTEGER,
        error TEXT,
        answer TEXT,
        PRIMARY KEY (id)
    )
     WITHOUT ROWID,
     STRICT
    """,
    *INDEXES,
)

POSTGRESQL = (
    """
    CREATE TABLE onbeat_webhooks (
        id UUID NOT NULL,
        owner TEXT COLLATE "C" NOT NULL,
        url TEXT NOT NULL,
        events JSONB NOT NULL,
        secret TEXT NOT NULL,
        former_secret TEXT,
        former_until TIMESTAMP WITH TIME ZONE,
        enabled SMALLINT NOT NULL,
        disabled_at TIMESTAMP WITH TIME ZONE,
        disabled_why TEXT,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (id)
    )
    """,
    """
    CREATE TABLE onbeat_deliveries (
        id UUID NOT NULL,
        webhook UUID NOT NULL,
        job UUID NOT NULL,
        message TEXT COLLATE "C" NOT NULL,
        attempt INTEGER NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        latency BIGINT,
        status INTEGER,
        error TEXT,
        answer TEXT,
        PRIMARY KEY (id)
    )
    """,
    *INDEXES,
)


def upgrade() -> None:
    """Make the tables."""
    for statement in POSTGRESQL if op.get_bind().dialect.name == "postgresql" else SQLITE:
        op.execute(statement)


def downgrade() -> None:
    """Nobody has asked for the way back."""
    raise NotImplementedError("schema 0007 cannot be taken back; restore a backup from before")
