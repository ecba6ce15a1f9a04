"""Schedules: pauses that end, failures in a row, jitter, skips, what waits, totals, versions;
virtual clocks; calendars; backfills.

On SQLite the table is made anew: a column added to it would stand behind the key in the catalog.
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BACKFILL_INDEXES = (
    "CREATE INDEX onbeat_backfills_open ON onbeat_backfills (id) WHERE ended_at IS NULL",
    "CREATE INDEX onbeat_backfills_by_schedule ON onbeat_backfills (schedule, id)",
    "CREATE INDEX onbeat_reruns_by_schedule ON onbeat_reruns (schedule, due_at)",
    "CREATE INDEX onbeat_reruns_waiting ON onbeat_reruns (backfill, due_at) WHERE job IS NULL",
    """
    CREATE INDEX onbeat_reruns_open ON onbeat_reruns (backfill, job)
    WHERE job IS NOT NULL AND ended = 0
    """,
)

SQLITE = (
    "CREATE TABLE onbeat_schedules_before AS SELECT * FROM onbeat_schedules",
    "DROP TABLE onbeat_schedules",
    """
    CREATE TABLE onbeat_schedules (
        id TEXT NOT NULL,
        name TEXT NOT NULL,
        source TEXT NOT NULL,
        task TEXT NOT NULL,
        args TEXT NOT NULL,
        recurrence TEXT NOT NULL,
        queue TEXT NOT NULL,
        lane INTEGER NOT NULL,
        max_attempts INTEGER NOT NULL,
        options TEXT,
        catch_up TEXT NOT NULL,
        overlap TEXT NOT NULL,
        start_at INTEGER,
        end_at INTEGER,
        "limit" INTEGER,
        made INTEGER NOT NULL,
        version INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        next_due_at INTEGER,
        last_due_at INTEGER,
        last_job TEXT,
        after_finish INTEGER,
        awaits_job TEXT,
        paused_at INTEGER,
        paused_by TEXT,
        broken TEXT,
        paused_why TEXT,
        paused_until INTEGER,
        pause_after INTEGER,
        failures INTEGER DEFAULT '0' NOT NULL,
        judged_job TEXT,
        jitter INTEGER DEFAULT '0' NOT NULL,
        skips INTEGER DEFAULT '0' NOT NULL,
        skips_by TEXT,
        held_due_at INTEGER,
        late INTEGER DEFAULT '0' NOT NULL,
        coalesced INTEGER DEFAULT '0' NOT NULL,
        skipped INTEGER DEFAULT '0' NOT NULL,
        missed INTEGER DEFAULT '0' NOT NULL,
        changed_at INTEGER,
        changed_by TEXT,
        changed_why TEXT,
        clock TEXT,
        retired_at INTEGER,
        PRIMARY KEY (id),
        CONSTRAINT onbeat_schedules_lane CHECK (lane BETWEEN 0 AND 10)
    )
     WITHOUT ROWID,
     STRICT
    """,
    """
    INSERT INTO onbeat_schedules (
        id, name, source, task, args, recurrence, queue, lane, max_attempts, options, catch_up,
        overlap, start_at, end_at, "limit", made, version, created_at, next_due_at, last_due_at,
        last_job, after_finish, awaits_job, paused_at, paused_by, broken)
    SELECT * FROM onbeat_schedules_before
    """,
    "DROP TABLE onbeat_schedules_before",
    "CREATE UNIQUE INDEX onbeat_schedules_by_name ON onbeat_schedules (name)",
    """
    CREATE INDEX onbeat_schedules_due ON onbeat_schedules (next_due_at)
    WHERE paused_at IS NULL AND broken IS NULL AND clock IS NULL
    """,
    """
    CREATE INDEX onbeat_schedules_by_clock ON onbeat_schedules (clock, next_due_at)
    WHERE clock IS NOT NULL
    """,
    """
    CREATE INDEX onbeat_schedules_awaiting ON onbeat_schedules (awaits_job)
    WHERE awaits_job IS NOT NULL
    """,
    """
    CREATE INDEX onbeat_schedules_paused_until ON onbeat_schedules (paused_until)
    WHERE paused_until IS NOT NULL
    """,
    """
    CREATE TABLE onbeat_schedule_versions (
        schedule TEXT NOT NULL,
        version INTEGER NOT NULL,
        at INTEGER NOT NULL,
        "by" TEXT NOT NULL,
        why TEXT,
        said TEXT NOT NULL,
        CONSTRAINT onbeat_schedule_versions_pkey PRIMARY KEY (schedule, version)
    )
     WITHOUT ROWID,
     STRICT
    """,
    """
    CREATE TABLE onbeat_clocks (
        name TEXT NOT NULL,
        now_at INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        advanced_at INTEGER NOT NULL,
        PRIMARY KEY (name)
    )
     WITHOUT ROWID,
     STRICT
    """,
    """
    CREATE TABLE onbeat_calendars (
        name TEXT NOT NULL,
        said TEXT NOT NULL,
        changed_at INTEGER NOT NULL,
        changed_by TEXT NOT NULL,
        PRIMARY KEY (name)
    )
     WITHOUT ROWID,
     STRICT
    """,
    """
    CREATE TABLE onbeat_backfills (
        id TEXT NOT NULL,
        schedule TEXT NOT NULL,
        begin_at INTEGER NOT NULL,
        end_at INTEGER NOT NULL,
        at_once INTEGER NOT NULL,
        lane INTEGER NOT NULL,
        total INTEGER NOT NULL,
        "by" TEXT NOT NULL,
        why TEXT,
        created_at INTEGER NOT NULL,
        ended_at INTEGER,
        stopped TEXT,
        PRIMARY KEY (id)
    )
     WITHOUT ROWID,
     STRICT
    """,
    """
    CREATE TABLE onbeat_reruns (
        backfill TEXT NOT NULL,
        due_at INTEGER NOT NULL,
        schedule TEXT NOT NULL,
        job TEXT,
        ended INTEGER DEFAULT '0' NOT NULL,
        CONSTRAINT onbeat_reruns_pkey PRIMARY KEY (backfill, due_at)
    )
     WITHOUT ROWID,
     STRICT
    """,
    *BACKFILL_INDEXES,
    "CREATE TABLE onbeat_blocked_before AS SELECT * FROM onbeat_blocked",
    "DROP TABLE onbeat_blocked",
    """
    CREATE TABLE onbeat_blocked (
        job TEXT NOT NULL,
        queue TEXT NOT NULL,
        lane INTEGER NOT NULL,
        attempt INTEGER NOT NULL,
        reason TEXT NOT NULL,
        since_at INTEGER NOT NULL,
        losses INTEGER,
        clock TEXT,
        due_at INTEGER,
        expires_at INTEGER,
        PRIMARY KEY (job)
    )
     WITHOUT ROWID,
     STRICT
    """,
    "INSERT INTO onbeat_blocked SELECT *, NULL, NULL, NULL FROM onbeat_blocked_before",
    "DROP TABLE onbeat_blocked_before",
    """
    CREATE INDEX onbeat_blocked_on_clock ON onbeat_blocked (clock, due_at) WHERE clock IS NOT NULL
    """,
)

POSTGRESQL = (
    """
    ALTER TABLE onbeat_schedules
        ADD COLUMN paused_why TEXT,
        ADD COLUMN paused_until TIMESTAMP WITH TIME ZONE,
        ADD COLUMN pause_after INTEGER,
        ADD COLUMN failures INTEGER DEFAULT '0' NOT NULL,
        ADD COLUMN judged_job UUID,
        ADD COLUMN jitter BIGINT DEFAULT '0' NOT NULL,
        ADD COLUMN skips INTEGER DEFAULT '0' NOT NULL,
        ADD COLUMN skips_by TEXT,
        ADD COLUMN held_due_at TIMESTAMP WITH TIME ZONE,
        ADD COLUMN late BIGINT DEFAULT '0' NOT NULL,
        ADD COLUMN coalesced BIGINT DEFAULT '0' NOT NULL,
        ADD COLUMN skipped BIGINT DEFAULT '0' NOT NULL,
        ADD COLUMN missed BIGINT DEFAULT '0' NOT NULL,
        ADD COLUMN changed_at TIMESTAMP WITH TIME ZONE,
        ADD COLUMN changed_by TEXT,
        ADD COLUMN changed_why TEXT,
        ADD COLUMN clock TEXT COLLATE "C",
        ADD COLUMN retired_at TIMESTAMP WITH TIME ZONE
    """,
    "DROP INDEX onbeat_schedules_due",
    """
    CREATE INDEX onbeat_schedules_due ON onbeat_schedules (next_due_at)
    WHERE paused_at IS NULL AND broken IS NULL AND clock IS NULL
    """,
    """
    CREATE INDEX onbeat_schedules_by_clock ON onbeat_schedules (clock, next_due_at)
    WHERE clock IS NOT NULL
    """,
    """
    ALTER TABLE onbeat_blocked ADD COLUMN clock TEXT COLLATE "C",
        ADD COLUMN due_at TIMESTAMP WITH TIME ZONE,
        ADD COLUMN expires_at TIMESTAMP WITH TIME ZONE
    """,
    """
    CREATE INDEX onbeat_blocked_on_clock ON onbeat_blocked (clock, due_at) WHERE clock IS NOT NULL
    """,
    """
    CREATE TABLE onbeat_clocks (
        name TEXT COLLATE "C" NOT NULL,
        now_at TIMESTAMP WITH TIME ZONE NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        advanced_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (name)
    )
    """,
    """
    CREATE TABLE onbeat_calendars (
        name TEXT COLLATE "C" NOT NULL,
        said JSONB NOT NULL,
        changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
        changed_by TEXT NOT NULL,
        PRIMARY KEY (name)
    )
    """,
    """
    CREATE INDEX onbeat_schedules_paused_until ON onbeat_schedules (paused_until)
    WHERE paused_until IS NOT NULL
    """,
    """
    CREATE TABLE onbeat_schedule_versions (
        schedule UUID NOT NULL,
        version INTEGER NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        by TEXT NOT NULL,
        why TEXT,
        said JSONB NOT NULL,
        CONSTRAINT onbeat_schedule_versions_pkey PRIMARY KEY (schedule, version)
    )
    """,
    """
    CREATE TABLE onbeat_backfills (
        id UUID NOT NULL,
        schedule UUID NOT NULL,
        begin_at TIMESTAMP WITH TIME ZONE NOT NULL,
        end_at TIMESTAMP WITH TIME ZONE NOT NULL,
        at_once INTEGER NOT NULL,
        lane SMALLINT NOT NULL,
        total INTEGER NOT NULL,
        by TEXT NOT NULL,
        why TEXT,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        ended_at TIMESTAMP WITH TIME ZONE,
        stopped TEXT,
        PRIMARY KEY (id)
    )
    """,
    """
    CREATE TABLE onbeat_reruns (
        backfill UUID NOT NULL,
        due_at TIMESTAMP WITH TIME ZONE NOT NULL,
        schedule UUID NOT NULL,
        job UUID,
        ended SMALLINT DEFAULT '0' NOT NULL,
        CONSTRAINT onbeat_reruns_pkey PRIMARY KEY (backfill, due_at)
    )
    """,
    *BACKFILL_INDEXES,
)


def upgrade() -> None:
    """Make the columns and the table."""
    for statement in POSTGRESQL if op.get_bind().dialect.name == "postgresql" else SQLITE:
        op.execute(statement)


def downgrade() -> None:
    """Nobody has asked for the way back."""
    raise NotImplementedError("schema 0004 cannot be taken back; restore a backup from before")
