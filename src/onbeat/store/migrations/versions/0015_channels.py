"""Channels, notices and their attempts, and what each channel was told of each incident."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0013"
branch_labels = None
depends_on = None

SQLITE = (
    """
    CREATE TABLE onbeat_channels (
        id TEXT NOT NULL,
        name TEXT NOT NULL,
        kind TEXT NOT NULL,
        target TEXT NOT NULL,
        sealed TEXT NOT NULL,
        options TEXT NOT NULL,
        enabled INTEGER NOT NULL,
        disabled_at INTEGER,
        disabled_why TEXT,
        fault TEXT,
        fault_at INTEGER,
        not_before INTEGER,
        created_at INTEGER NOT NULL,
        changed_at INTEGER NOT NULL,
        PRIMARY KEY (id)
    )
     WITHOUT ROWID,
     STRICT
    """,
    "CREATE UNIQUE INDEX onbeat_channels_by_name ON onbeat_channels (name)",
    """
    CREATE TABLE onbeat_notices (
        id TEXT NOT NULL,
        channel TEXT NOT NULL,
        dedup TEXT NOT NULL,
        kind TEXT NOT NULL,
        rule TEXT NOT NULL,
        severity TEXT NOT NULL,
        topic TEXT NOT NULL,
        thread TEXT NOT NULL,
        state TEXT NOT NULL,
        made_at INTEGER NOT NULL,
        due_at INTEGER NOT NULL,
        token TEXT,
        lease_until INTEGER,
        attempts INTEGER NOT NULL,
        settled_at INTEGER,
        count INTEGER NOT NULL,
        items TEXT NOT NULL,
        why TEXT,
        PRIMARY KEY (id)
    )
     WITHOUT ROWID,
     STRICT
    """,
    "CREATE INDEX onbeat_notices_by_end ON onbeat_notices (channel, settled_at)",
    "CREATE INDEX onbeat_notices_by_topic ON onbeat_notices (channel, topic, due_at)",
    "CREATE UNIQUE INDEX onbeat_notices_key ON onbeat_notices (channel, dedup)",
    "CREATE INDEX onbeat_notices_unsettled ON onbeat_notices (channel, due_at) WHERE state IN ('held', 'due', 'sending')",
    """
    CREATE TABLE onbeat_notice_attempts (
        notice TEXT NOT NULL,
        number INTEGER NOT NULL,
        at INTEGER NOT NULL,
        latency INTEGER,
        status INTEGER,
        error TEXT,
        answer TEXT,
        CONSTRAINT onbeat_notice_attempts_pkey PRIMARY KEY (notice, number)
    )
     WITHOUT ROWID,
     STRICT
    """,
    """
    CREATE TABLE onbeat_tellings (
        channel TEXT NOT NULL,
        incident TEXT NOT NULL,
        rule TEXT NOT NULL,
        thread TEXT NOT NULL,
        state TEXT NOT NULL,
        told_at INTEGER NOT NULL,
        seen_at INTEGER,
        next_at INTEGER,
        escalate_at INTEGER,
        CONSTRAINT onbeat_tellings_pkey PRIMARY KEY (channel, incident)
    )
     WITHOUT ROWID,
     STRICT
    """,
    "CREATE INDEX onbeat_tellings_by_age ON onbeat_tellings (told_at)",
    "CREATE INDEX onbeat_tellings_by_incident ON onbeat_tellings (incident)",
    "CREATE INDEX onbeat_tellings_by_thread ON onbeat_tellings (channel, thread)",
    "CREATE INDEX onbeat_tellings_escalate ON onbeat_tellings (escalate_at) WHERE escalate_at IS NOT NULL",
    "CREATE INDEX onbeat_tellings_next ON onbeat_tellings (next_at) WHERE next_at IS NOT NULL",
)

POSTGRESQL = (
    """
    CREATE TABLE onbeat_channels (
        id UUID NOT NULL,
        name TEXT COLLATE "C" NOT NULL,
        kind TEXT COLLATE "C" NOT NULL,
        target TEXT NOT NULL,
        sealed TEXT NOT NULL,
        options JSONB NOT NULL,
        enabled SMALLINT NOT NULL,
        disabled_at TIMESTAMP WITH TIME ZONE,
        disabled_why TEXT,
        fault TEXT,
        fault_at TIMESTAMP WITH TIME ZONE,
        not_before TIMESTAMP WITH TIME ZONE,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (id)
    )
    """,
    "CREATE UNIQUE INDEX onbeat_channels_by_name ON onbeat_channels (name)",
    """
    CREATE TABLE onbeat_notices (
        id UUID NOT NULL,
        channel UUID NOT NULL,
        dedup TEXT COLLATE "C" NOT NULL,
        kind TEXT COLLATE "C" NOT NULL,
        rule TEXT COLLATE "C" NOT NULL,
        severity TEXT COLLATE "C" NOT NULL,
        topic TEXT COLLATE "C" NOT NULL,
        thread UUID NOT NULL,
        state TEXT COLLATE "C" NOT NULL,
        made_at TIMESTAMP WITH TIME ZONE NOT NULL,
        due_at TIMESTAMP WITH TIME ZONE NOT NULL,
        token UUID,
        lease_until TIMESTAMP WITH TIME ZONE,
        attempts INTEGER NOT NULL,
        settled_at TIMESTAMP WITH TIME ZONE,
        count INTEGER NOT NULL,
        items JSONB NOT NULL,
        why TEXT,
        PRIMARY KEY (id)
    )
    """,
    "CREATE INDEX onbeat_notices_by_end ON onbeat_notices (channel, settled_at)",
    "CREATE INDEX onbeat_notices_by_topic ON onbeat_notices (channel, topic, due_at)",
    "CREATE UNIQUE INDEX onbeat_notices_key ON onbeat_notices (channel, dedup)",
    "CREATE INDEX onbeat_notices_unsettled ON onbeat_notices (channel, due_at) WHERE state IN ('held', 'due', 'sending')",
    """
    CREATE TABLE onbeat_notice_attempts (
        notice UUID NOT NULL,
        number INTEGER NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        latency BIGINT,
        status INTEGER,
        error TEXT,
        answer TEXT,
        CONSTRAINT onbeat_notice_attempts_pkey PRIMARY KEY (notice, number)
    )
    """,
    """
    CREATE TABLE onbeat_tellings (
        channel UUID NOT NULL,
        incident UUID NOT NULL,
        rule TEXT COLLATE "C" NOT NULL,
        thread UUID NOT NULL,
        state TEXT COLLATE "C" NOT NULL,
        told_at TIMESTAMP WITH TIME ZONE NOT NULL,
        seen_at TIMESTAMP WITH TIME ZONE,
        next_at TIMESTAMP WITH TIME ZONE,
        escalate_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT onbeat_tellings_pkey PRIMARY KEY (channel, incident)
    )
    """,
    "CREATE INDEX onbeat_tellings_by_age ON onbeat_tellings (told_at)",
    "CREATE INDEX onbeat_tellings_by_incident ON onbeat_tellings (incident)",
    "CREATE INDEX onbeat_tellings_by_thread ON onbeat_tellings (channel, thread)",
    "CREATE INDEX onbeat_tellings_escalate ON onbeat_tellings (escalate_at) WHERE escalate_at IS NOT NULL",
    "CREATE INDEX onbeat_tellings_next ON onbeat_tellings (next_at) WHERE next_at IS NOT NULL",
)


def upgrade() -> None:
    """Make the tables."""
    for statement in POSTGRESQL if op.get_bind().dialect.name == "postgresql" else SQLITE:
        op.execute(statement)


def downgrade() -> None:
    """Nobody has asked for the way back."""
    raise NotImplementedError("schema 0015 cannot be taken back; restore a backup from before")
