"""Incidents, and every change of theirs."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

SQLITE = (
    """
    CREATE TABLE onbeat_incidents (
        id TEXT NOT NULL,
        rule TEXT NOT NULL,
        kind TEXT NOT NULL,
        subject TEXT NOT NULL,
        name TEXT NOT NULL,
        severity TEXT NOT NULL,
        state TEXT NOT NULL,
        opened_at INTEGER NOT NULL,
        seen_at INTEGER NOT NULL,
        seen INTEGER NOT NULL,
        reopened INTEGER NOT NULL,
        flapping INTEGER NOT NULL,
        state_at INTEGER NOT NULL,
        state_by TEXT NOT NULL,
        snoozed_until INTEGER,
        resolved_at INTEGER,
        inhibited_by TEXT,
        silenced_by TEXT,
        facts TEXT NOT NULL,
        PRIMARY KEY (id)
    )
     WITHOUT ROWID,
     STRICT
    """,
    "CREATE INDEX onbeat_incidents_by_end ON onbeat_incidents (resolved_at)",
    "CREATE INDEX onbeat_incidents_by_state ON onbeat_incidents (state, id)",
    "CREATE UNIQUE INDEX onbeat_incidents_open ON onbeat_incidents (rule, kind, subject) WHERE state <> 'resolved'",
    """
    CREATE TABLE onbeat_incident_changes (
        incident TEXT NOT NULL,
        number INTEGER NOT NULL,
        at INTEGER NOT NULL,
        what TEXT NOT NULL,
        "by" TEXT NOT NULL,
        note TEXT,
        routed INTEGER NOT NULL,
        CONSTRAINT onbeat_incident_changes_pkey PRIMARY KEY (incident, number)
    )
     WITHOUT ROWID,
     STRICT
    """,
    "CREATE INDEX onbeat_incident_changes_unrouted ON onbeat_incident_changes (at) WHERE routed = 0",
)

POSTGRESQL = (
    """
    CREATE TABLE onbeat_incidents (
        id UUID NOT NULL,
        rule TEXT COLLATE "C" NOT NULL,
        kind TEXT COLLATE "C" NOT NULL,
        subject TEXT COLLATE "C" NOT NULL,
        name TEXT NOT NULL,
        severity TEXT COLLATE "C" NOT NULL,
        state TEXT COLLATE "C" NOT NULL,
        opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
        seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
        seen BIGINT NOT NULL,
        reopened INTEGER NOT NULL,
        flapping SMALLINT NOT NULL,
        state_at TIMESTAMP WITH TIME ZONE NOT NULL,
        state_by TEXT NOT NULL,
        snoozed_until TIMESTAMP WITH TIME ZONE,
        resolved_at TIMESTAMP WITH TIME ZONE,
        inhibited_by TEXT COLLATE "C",
        silenced_by UUID,
        facts JSONB NOT NULL,
        PRIMARY KEY (id)
    )
    """,
    "CREATE INDEX onbeat_incidents_by_end ON onbeat_incidents (resolved_at)",
    "CREATE INDEX onbeat_incidents_by_state ON onbeat_incidents (state, id)",
    "CREATE UNIQUE INDEX onbeat_incidents_open ON onbeat_incidents (rule, kind, subject) WHERE state <> 'resolved'",
    """
    CREATE TABLE onbeat_incident_changes (
        incident UUID NOT NULL,
        number INTEGER NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        what TEXT COLLATE "C" NOT NULL,
        by TEXT NOT NULL,
        note TEXT,
        routed SMALLINT NOT NULL,
        CONSTRAINT onbeat_incident_changes_pkey PRIMARY KEY (incident, number)
    )
    """,
    "CREATE INDEX onbeat_incident_changes_unrouted ON onbeat_incident_changes (at) WHERE routed = 0",
)


def upgrade() -> None:
    """Make the tables."""
    for statement in POSTGRESQL if op.get_bind().dialect.name == "postgresql" else SQLITE:
        op.execute(statement)


def downgrade() -> None:
    """Nobody has asked for the way back."""
    raise NotImplementedError("schema 0012 cannot be taken back; restore a backup from before")
