"""Keys of requests with what was answered, and operations on many jobs."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

INDEXES = ("CREATE INDEX onbeat_request_keys_by_moment ON onbeat_request_keys (taken_at)",)

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
    *INDEXES,
)


def upgrade() -> None:
    """Make the tables."""
    for statement in POSTGRESQL if op.get_bind().dialect.name == "postgresql" else SQLITE:
        op.execute(statement)


def downgrade() -> None:
    """Nobody has asked for the way back."""
    raise NotImplementedError("schema 0009 cannot be taken back; restore a backup from before")
