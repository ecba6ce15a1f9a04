"""Keys of requests with what was answered, and operations on many jobs."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

INDEXES = (
    "CREATE INDEX onbeat_request_keys_by_moment ON onbeat_request_keys (taken_at)",
    "CREATE INDEX onbeat_operations_by_end ON onbeat_operations (ended_at)",
    "CREATE INDEX onbeat_operations_by_owner ON onbeat_operations (owner, id)",
)

SQLITE = (
    """
    CREATE TABLE onbeat_request_keys (
        identity TEXT NOT NULL,
        asked TEXT NOT NULL,
        who TEXT NOT NULL,
        taken_at INTEGER NOT NULL,
        subject_kind TEXT,
        subject TEXT,
        is_lost INTEGER NOT NULL,
        status INTEGER,
        headers TEXT,
        body TEXT,
        is_sealed INTEGER NOT NULL,
        PRIMARY KEY (identity)
    )
     WITHOUT ROWID,
     STRICT
    """,
    """
    CREATE TABLE onbeat_operations (
        id TEXT NOT NULL,
        action TEXT NOT NULL,
        said TEXT NOT NULL,
        ids TEXT,
        reason TEXT NOT NULL,
        owner TEXT,
        actor_kind TEXT,
        actor TEXT,
        actor_name TEXT,
        "by" TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        total INTEGER NOT NULL,
        is_total_exact INTEGER NOT NULL,
        done INTEGER NOT NULL,
        failed INTEGER NOT NULL,
        failures TEXT NOT NULL,
        place TEXT,
        looked_at INTEGER NOT NULL,
        stage TEXT,
        ended_at INTEGER,
        PRIMARY KEY (id)
    )
     WITHOUT ROWID,
     STRICT
    """,
    *INDEXES,
)

POSTGRESQL = (
    """
    CREATE TABLE onbeat_request_keys (
        identity TEXT COLLATE "C" NOT NULL,
        asked TEXT COLLATE "C" NOT NULL,
        who TEXT NOT NULL,
        taken_at TIMESTAMP WITH TIME ZONE NOT NULL,
        subject_kind TEXT COLLATE "C",
        subject TEXT COLLATE "C",
        is_lost SMALLINT NOT NULL,
        status INTEGER,
        headers JSONB,
        body TEXT,
        is_sealed SMALLINT NOT NULL,
        PRIMARY KEY (identity)
    )
    """,
    """
    CREATE TABLE onbeat_operations (
        id UUID NOT NULL,
        action TEXT COLLATE "C" NOT NULL,
        said JSONB NOT NULL,
        ids JSONB,
        reason TEXT NOT NULL,
        owner TEXT COLLATE "C",
        actor_kind TEXT COLLATE "C",
        actor TEXT COLLATE "C",
        actor_name TEXT COLLATE "C",
        by TEXT NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        total INTEGER NOT NULL,
        is_total_exact SMALLINT NOT NULL,
        done INTEGER NOT NULL,
        failed INTEGER NOT NULL,
        failures JSONB NOT NULL,
        place UUID,
        looked_at INTEGER NOT NULL,
        stage TEXT COLLATE "C",
        ended_at TIMESTAMP WITH TIME ZONE,
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
    raise NotImplementedError("schema 0009 cannot be taken back; restore a backup from before")
