"""How tasks, schedules and queues fare, folded from what has ended."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

SQLITE = (
    """
    CREATE TABLE onbeat_health (
        kind TEXT NOT NULL,
        subject TEXT NOT NULL,
        completed INTEGER NOT NULL,
        failed INTEGER NOT NULL,
        cancelled INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        last_success_at INTEGER,
        last_failure_at INTEGER,
        failed_since INTEGER NOT NULL,
        completed_since INTEGER NOT NULL,
        CONSTRAINT onbeat_health_pkey PRIMARY KEY (kind, subject)
    )
     WITHOUT ROWID,
     STRICT
    """,
    """
    CREATE TABLE onbeat_rollups (
        kind TEXT NOT NULL,
        subject TEXT NOT NULL,
        span INTEGER NOT NULL,
        begins_at INTEGER NOT NULL,
        completed INTEGER NOT NULL,
        failed INTEGER NOT NULL,
        cancelled INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        took TEXT NOT NULL,
        CONSTRAINT onbeat_rollups_pkey PRIMARY KEY (kind, subject, span, begins_at)
    )
     WITHOUT ROWID,
     STRICT
    """,
    "CREATE INDEX onbeat_rollups_by_age ON onbeat_rollups (span, begins_at)",
    """
    CREATE TABLE onbeat_folds (
        name TEXT NOT NULL,
        folded_to INTEGER NOT NULL,
        PRIMARY KEY (name)
    )
     WITHOUT ROWID,
     STRICT
    """,
)

POSTGRESQL = (
    """
    CREATE TABLE onbeat_health (
        kind TEXT COLLATE "C" NOT NULL,
        subject TEXT COLLATE "C" NOT NULL,
        completed BIGINT NOT NULL,
        failed BIGINT NOT NULL,
        cancelled BIGINT NOT NULL,
        attempts BIGINT NOT NULL,
        last_success_at TIMESTAMP WITH TIME ZONE,
        last_failure_at TIMESTAMP WITH TIME ZONE,
        failed_since BIGINT NOT NULL,
        completed_since BIGINT NOT NULL,
        CONSTRAINT onbeat_health_pkey PRIMARY KEY (kind, subject)
    )
    """,
    """
    CREATE TABLE onbeat_rollups (
        kind TEXT COLLATE "C" NOT NULL,
        subject TEXT COLLATE "C" NOT NULL,
        span INTEGER NOT NULL,
        begins_at TIMESTAMP WITH TIME ZONE NOT NULL,
        completed BIGINT NOT NULL,
        failed BIGINT NOT NULL,
        cancelled BIGINT NOT NULL,
        attempts BIGINT NOT NULL,
        took JSONB NOT NULL,
        CONSTRAINT onbeat_rollups_pkey PRIMARY KEY (kind, subject, span, begins_at)
    )
    """,
    "CREATE INDEX onbeat_rollups_by_age ON onbeat_rollups (span, begins_at)",
    """
    CREATE TABLE onbeat_folds (
        name TEXT COLLATE "C" NOT NULL,
        folded_to TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (name)
    )
    """,
)


def upgrade() -> None:
    """Make the tables."""
    for statement in POSTGRESQL if op.get_bind().dialect.name == "postgresql" else SQLITE:
        op.execute(statement)


def downgrade() -> None:
    """Nobody has asked for the way back."""
    raise NotImplementedError("schema 0011 cannot be taken back; restore a backup from before")
