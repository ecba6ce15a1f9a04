"""Incidents, every change of theirs, and what opens and silences them."""

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
    """
    CREATE TABLE onbeat_rules (
        name TEXT NOT NULL,
        condition TEXT NOT NULL,
        kind TEXT NOT NULL,
        severity TEXT NOT NULL,
        limits TEXT NOT NULL,
        selector TEXT NOT NULL,
        lasts INTEGER NOT NULL,
        open_after INTEGER NOT NULL,
        close_after INTEGER NOT NULL,
        enabled INTEGER NOT NULL,
        version INTEGER NOT NULL,
        changed_at INTEGER NOT NULL,
        changed_by TEXT NOT NULL,
        PRIMARY KEY (name)
    )
     WITHOUT ROWID,
     STRICT
    """,
    """
    CREATE TABLE onbeat_conditions (
        rule TEXT NOT NULL,
        kind TEXT NOT NULL,
        subject TEXT NOT NULL,
        bad INTEGER NOT NULL,
        good INTEGER NOT NULL,
        since_at INTEGER,
        is_open INTEGER NOT NULL,
        dismissed_at INTEGER,
        CONSTRAINT onbeat_conditions_pkey PRIMARY KEY (rule, kind, subject)
    )
     WITHOUT ROWID,
     STRICT
    """,
    """
    CREATE TABLE onbeat_silences (
        id TEXT NOT NULL,
        matcher TEXT NOT NULL,
        reason TEXT NOT NULL,
        begins_at INTEGER NOT NULL,
        ends_at INTEGER NOT NULL,
        "by" TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        PRIMARY KEY (id)
    )
     WITHOUT ROWID,
     STRICT
    """,
    "CREATE INDEX onbeat_silences_by_end ON onbeat_silences (ends_at)",
    """
    CREATE TABLE onbeat_expectations (
        schedule TEXT NOT NULL,
        since_at INTEGER NOT NULL,
        version INTEGER NOT NULL,
        missed INTEGER NOT NULL,
        missed_at INTEGER,
        PRIMARY KEY (schedule)
    )
     WITHOUT ROWID,
     STRICT
    """,
    "CREATE INDEX onbeat_expectations_due ON onbeat_expectations (since_at)",
    "CREATE INDEX onbeat_expectations_missed ON onbeat_expectations (missed_at) WHERE missed_at IS NOT NULL",
    "ALTER TABLE onbeat_sessions ADD COLUMN lost INTEGER",
    "CREATE INDEX onbeat_health_failing ON onbeat_health (kind, last_failure_at) WHERE last_failure_at IS NOT NULL",
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
    """
    CREATE TABLE onbeat_rules (
        name TEXT COLLATE "C" NOT NULL,
        condition TEXT COLLATE "C" NOT NULL,
        kind TEXT COLLATE "C" NOT NULL,
        severity TEXT COLLATE "C" NOT NULL,
        limits JSONB NOT NULL,
        selector JSONB NOT NULL,
        lasts BIGINT NOT NULL,
        open_after INTEGER NOT NULL,
        close_after INTEGER NOT NULL,
        enabled SMALLINT NOT NULL,
        version INTEGER NOT NULL,
        changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
        changed_by TEXT NOT NULL,
        PRIMARY KEY (name)
    )
    """,
    """
    CREATE TABLE onbeat_conditions (
        rule TEXT COLLATE "C" NOT NULL,
        kind TEXT COLLATE "C" NOT NULL,
        subject TEXT COLLATE "C" NOT NULL,
        bad INTEGER NOT NULL,
        good INTEGER NOT NULL,
        since_at TIMESTAMP WITH TIME ZONE,
        is_open SMALLINT NOT NULL,
        dismissed_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT onbeat_conditions_pkey PRIMARY KEY (rule, kind, subject)
    )
    """,
    """
    CREATE TABLE onbeat_silences (
        id UUID NOT NULL,
        matcher JSONB NOT NULL,
        reason TEXT NOT NULL,
        begins_at TIMESTAMP WITH TIME ZONE NOT NULL,
        ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
        by TEXT NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (id)
    )
    """,
    "CREATE INDEX onbeat_silences_by_end ON onbeat_silences (ends_at)",
    """
    CREATE TABLE onbeat_expectations (
        schedule UUID NOT NULL,
        since_at TIMESTAMP WITH TIME ZONE NOT NULL,
        version INTEGER NOT NULL,
        missed BIGINT NOT NULL,
        missed_at TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (schedule)
    )
    """,
    "CREATE INDEX onbeat_expectations_due ON onbeat_expectations (since_at)",
    "CREATE INDEX onbeat_expectations_missed ON onbeat_expectations (missed_at) WHERE missed_at IS NOT NULL",
    "ALTER TABLE onbeat_sessions ADD COLUMN lost INTEGER",
    "CREATE INDEX onbeat_health_failing ON onbeat_health (kind, last_failure_at) WHERE last_failure_at IS NOT NULL",
)


def upgrade() -> None:
    """Make the tables."""
    for statement in POSTGRESQL if op.get_bind().dialect.name == "postgresql" else SQLITE:
        op.execute(statement)


def downgrade() -> None:
    """Nobody has asked for the way back."""
    raise NotImplementedError("schema 0012 cannot be taken back; restore a backup from before")
