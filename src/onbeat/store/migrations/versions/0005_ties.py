"""What ties jobs to each other: limits, unique keys, breakers, workflows; deadlines; what is kept;
what workers know of tasks.

On SQLite the tables are made anew: a column added to one would stand behind the key in the catalog.
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SQLITE = (
    "CREATE TABLE onbeat_jobs_before AS SELECT * FROM onbeat_jobs",
    "DROP TABLE onbeat_jobs",
    """
    CREATE TABLE onbeat_jobs (
        id TEXT NOT NULL,
        task TEXT NOT NULL,
        queue TEXT NOT NULL,
        lane INTEGER NOT NULL,
        max_attempts INTEGER NOT NULL,
        args TEXT NOT NULL,
        options TEXT,
        schedule TEXT,
        occurrence_at INTEGER,
        created_at INTEGER NOT NULL,
        ties TEXT,
        PRIMARY KEY (id),
        CONSTRAINT onbeat_jobs_lane CHECK (lane BETWEEN 0 AND 10)
    )
     STRICT
    """,
    "INSERT INTO onbeat_jobs SELECT *, NULL FROM onbeat_jobs_before",
    "DROP TABLE onbeat_jobs_before",
    "CREATE INDEX onbeat_jobs_by_queue ON onbeat_jobs (queue, id)",
    "CREATE INDEX onbeat_jobs_by_task ON onbeat_jobs (task, id)",
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
        slot TEXT,
        order_key INTEGER,
        parents INTEGER,
        PRIMARY KEY (job)
    )
     WITHOUT ROWID,
     STRICT
    """,
    "INSERT INTO onbeat_blocked SELECT *, NULL, NULL, NULL FROM onbeat_blocked_before",
    "DROP TABLE onbeat_blocked_before",
    """
    CREATE INDEX onbeat_blocked_on_clock ON onbeat_blocked (clock, due_at)
    WHERE clock IS NOT NULL
    """,
    """
    CREATE INDEX onbeat_blocked_on_slot ON onbeat_blocked (slot, queue, lane, order_key)
    WHERE slot IS NOT NULL
    """,
    # A token that was given out is never given out again: the sequence outlives the table.
    """
    CREATE TABLE onbeat_tokens_before AS SELECT seq FROM sqlite_sequence WHERE name = 'onbeat_leases'
    """,
    "CREATE TABLE onbeat_leases_before AS SELECT * FROM onbeat_leases",
    "DROP TABLE onbeat_leases",
    """
    CREATE TABLE onbeat_leases (
        token INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        job TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        session TEXT NOT NULL,
        task TEXT NOT NULL,
        queue TEXT NOT NULL,
        lane INTEGER NOT NULL,
        started_at INTEGER NOT NULL,
        stop_asked TEXT,
        progress REAL,
        note TEXT,
        losses INTEGER,
        begun_at INTEGER,
        ties TEXT
    )
     STRICT
    """,
    "INSERT INTO onbeat_leases SELECT *, NULL FROM onbeat_leases_before",
    "DROP TABLE onbeat_leases_before",
    "CREATE UNIQUE INDEX onbeat_leases_by_job ON onbeat_leases (job)",
    "CREATE INDEX onbeat_leases_to_stop ON onbeat_leases (session) WHERE stop_asked IS NOT NULL",
    "DELETE FROM sqlite_sequence WHERE name = 'onbeat_leases'",
    "INSERT INTO sqlite_sequence (name, seq) SELECT 'onbeat_leases', seq FROM onbeat_tokens_before",
    "DROP TABLE onbeat_tokens_before",
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
        ties TEXT,
        PRIMARY KEY (id),
        CONSTRAINT onbeat_schedules_lane CHECK (lane BETWEEN 0 AND 10)
    )
     WITHOUT ROWID,
     STRICT
    """,
    "INSERT INTO onbeat_schedules SELECT *, NULL FROM onbeat_schedules_before",
    "DROP TABLE onbeat_schedules_before",
    """
    CREATE INDEX onbeat_schedules_awaiting ON onbeat_schedules (awaits_job)
    WHERE awaits_job IS NOT NULL
    """,
    """
    CREATE INDEX onbeat_schedules_by_clock ON onbeat_schedules (clock, next_due_at)
    WHERE clock IS NOT NULL
    """,
    "CREATE UNIQUE INDEX onbeat_schedules_by_name ON onbeat_schedules (name)",
    """
    CREATE INDEX onbeat_schedules_due ON onbeat_schedules (next_due_at)
    WHERE paused_at IS NULL AND broken IS NULL AND clock IS NULL
    """,
    """
    CREATE INDEX onbeat_schedules_paused_until ON onbeat_schedules (paused_until)
    WHERE paused_until IS NOT NULL
    """,
    """
    CREATE TABLE onbeat_limits (
        name TEXT NOT NULL,
        concurrency INTEGER,
        rate INTEGER,
        period INTEGER,
        burst INTEGER,
        declared TEXT,
        by_hand INTEGER DEFAULT '0' NOT NULL,
        changed_at INTEGER NOT NULL,
        changed_by TEXT NOT NULL,
        PRIMARY KEY (name)
    )
     WITHOUT ROWID,
     STRICT
    """,
    """
    CREATE TABLE onbeat_slots (
        slot TEXT NOT NULL,
        "limit" TEXT NOT NULL,
        used INTEGER NOT NULL,
        waiting INTEGER NOT NULL,
        "full" INTEGER NOT NULL,
        open_at INTEGER NOT NULL,
        spent_at INTEGER NOT NULL,
        PRIMARY KEY (slot)
    )
     WITHOUT ROWID,
     STRICT
    """,
    'CREATE INDEX onbeat_slots_by_limit ON onbeat_slots ("limit", slot)',
    'CREATE INDEX onbeat_slots_open ON onbeat_slots (open_at) WHERE waiting > 0 AND "full" = 0',
    """
    CREATE TABLE onbeat_uniques (
        "key" TEXT NOT NULL,
        job TEXT NOT NULL,
        expires_at INTEGER,
        PRIMARY KEY ("key")
    )
     WITHOUT ROWID,
     STRICT
    """,
    """
    CREATE INDEX onbeat_uniques_expiring ON onbeat_uniques (expires_at)
    WHERE expires_at IS NOT NULL
    """,
    """
    CREATE TABLE onbeat_deadlines (
        job TEXT NOT NULL,
        expires_at INTEGER NOT NULL,
        PRIMARY KEY (job)
    )
     WITHOUT ROWID,
     STRICT
    """,
    "CREATE INDEX onbeat_deadlines_by_moment ON onbeat_deadlines (expires_at, job)",
    """
    CREATE TABLE onbeat_breakers (
        name TEXT NOT NULL,
        state TEXT NOT NULL,
        counted INTEGER NOT NULL,
        threshold INTEGER NOT NULL,
        open_for INTEGER NOT NULL,
        probes INTEGER NOT NULL,
        opened_at INTEGER,
        open_until INTEGER,
        reason TEXT,
        declared TEXT,
        by_hand INTEGER DEFAULT '0' NOT NULL,
        changed_at INTEGER NOT NULL,
        changed_by TEXT NOT NULL,
        PRIMARY KEY (name)
    )
     WITHOUT ROWID,
     STRICT
    """,
    """
    CREATE TABLE onbeat_workflows (
        id TEXT NOT NULL,
        name TEXT NOT NULL,
        on_failure TEXT NOT NULL,
        total INTEGER NOT NULL,
        ended INTEGER NOT NULL,
        failed INTEGER NOT NULL,
        cancelled INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        ended_at INTEGER,
        PRIMARY KEY (id)
    )
     WITHOUT ROWID,
     STRICT
    """,
    """
    CREATE TABLE onbeat_workflow_jobs (
        workflow TEXT NOT NULL,
        job TEXT NOT NULL,
        label TEXT NOT NULL,
        called_off_by TEXT,
        CONSTRAINT onbeat_workflow_jobs_pkey PRIMARY KEY (workflow, job)
    )
     WITHOUT ROWID,
     STRICT
    """,
    "CREATE INDEX onbeat_workflow_jobs_by_job ON onbeat_workflow_jobs (job)",
    """
    CREATE TABLE onbeat_dependencies (
        parent TEXT NOT NULL,
        job TEXT NOT NULL,
        "on" TEXT NOT NULL,
        CONSTRAINT onbeat_dependencies_pkey PRIMARY KEY (parent, job)
    )
     WITHOUT ROWID,
     STRICT
    """,
    "CREATE INDEX onbeat_dependencies_by_job ON onbeat_dependencies (job)",
    """
    CREATE TABLE onbeat_ends (
        job TEXT NOT NULL,
        state TEXT NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (job)
    )
     WITHOUT ROWID,
     STRICT
    """,
    """
    CREATE TABLE onbeat_tasks (
        name TEXT NOT NULL,
        runs_as TEXT,
        secrets TEXT,
        changed_at INTEGER NOT NULL,
        PRIMARY KEY (name)
    )
     WITHOUT ROWID,
     STRICT
    """,
    """
    CREATE TABLE onbeat_regions (
        queue TEXT NOT NULL,
        region TEXT,
        source TEXT NOT NULL,
        said TEXT NOT NULL,
        declared_at INTEGER NOT NULL,
        served_at INTEGER,
        PRIMARY KEY (queue)
    )
     WITHOUT ROWID,
     STRICT
    """,
    """
    CREATE TABLE onbeat_retention (
        scope TEXT NOT NULL,
        name TEXT NOT NULL,
        completed_for INTEGER,
        completed_last INTEGER,
        failed_for INTEGER,
        failed_last INTEGER,
        declared TEXT,
        by_hand INTEGER DEFAULT '0' NOT NULL,
        changed_at INTEGER NOT NULL,
        changed_by TEXT NOT NULL,
        CONSTRAINT onbeat_retention_pkey PRIMARY KEY (scope, name)
    )
     WITHOUT ROWID,
     STRICT
    """,
)

POSTGRESQL = (
    "ALTER TABLE onbeat_jobs ADD COLUMN ties TEXT",
    "ALTER TABLE onbeat_leases ADD COLUMN ties TEXT",
    "ALTER TABLE onbeat_schedules ADD COLUMN ties TEXT",
    """
    ALTER TABLE onbeat_blocked ADD COLUMN slot TEXT COLLATE "C",
        ADD COLUMN order_key BIGINT,
        ADD COLUMN parents INTEGER
    """,
    """
    CREATE INDEX onbeat_blocked_on_slot ON onbeat_blocked (slot, queue, lane, order_key)
    WHERE slot IS NOT NULL
    """,
    """
    CREATE TABLE onbeat_limits (
        name TEXT COLLATE "C" NOT NULL,
        concurrency INTEGER,
        rate INTEGER,
        period BIGINT,
        burst INTEGER,
        declared JSONB,
        by_hand SMALLINT DEFAULT '0' NOT NULL,
        changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
        changed_by TEXT NOT NULL,
        PRIMARY KEY (name)
    )
    """,
    """
    CREATE TABLE onbeat_slots (
        slot TEXT COLLATE "C" NOT NULL,
        "limit" TEXT COLLATE "C" NOT NULL,
        used INTEGER NOT NULL,
        waiting INTEGER NOT NULL,
        "full" SMALLINT NOT NULL,
        open_at TIMESTAMP WITH TIME ZONE NOT NULL,
        spent_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (slot)
    )
     WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off, fillfactor = 50)
    """,
    'CREATE INDEX onbeat_slots_by_limit ON onbeat_slots ("limit", slot)',
    'CREATE INDEX onbeat_slots_open ON onbeat_slots (open_at) WHERE waiting > 0 AND "full" = 0',
    """
    CREATE TABLE onbeat_uniques (
        key UUID NOT NULL,
        job UUID NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (key)
    )
     WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off)
    """,
    """
    CREATE INDEX onbeat_uniques_expiring ON onbeat_uniques (expires_at)
    WHERE expires_at IS NOT NULL
    """,
    """
    CREATE TABLE onbeat_deadlines (
        job UUID NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (job)
    )
     WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off)
    """,
    "CREATE INDEX onbeat_deadlines_by_moment ON onbeat_deadlines (expires_at, job)",
    """
    CREATE TABLE onbeat_breakers (
        name TEXT COLLATE "C" NOT NULL,
        state TEXT COLLATE "C" NOT NULL,
        counted INTEGER NOT NULL,
        threshold INTEGER NOT NULL,
        open_for BIGINT NOT NULL,
        probes INTEGER NOT NULL,
        opened_at TIMESTAMP WITH TIME ZONE,
        open_until TIMESTAMP WITH TIME ZONE,
        reason TEXT,
        declared JSONB,
        by_hand SMALLINT DEFAULT '0' NOT NULL,
        changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
        changed_by TEXT NOT NULL,
        PRIMARY KEY (name)
    )
    """,
    """
    CREATE TABLE onbeat_workflows (
        id UUID NOT NULL,
        name TEXT NOT NULL,
        on_failure TEXT COLLATE "C" NOT NULL,
        total INTEGER NOT NULL,
        ended INTEGER NOT NULL,
        failed INTEGER NOT NULL,
        cancelled INTEGER NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        ended_at TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (id)
    )
    """,
    """
    CREATE TABLE onbeat_workflow_jobs (
        workflow UUID NOT NULL,
        job UUID NOT NULL,
        label TEXT NOT NULL,
        called_off_by UUID,
        CONSTRAINT onbeat_workflow_jobs_pkey PRIMARY KEY (workflow, job)
    )
    """,
    "CREATE INDEX onbeat_workflow_jobs_by_job ON onbeat_workflow_jobs (job)",
    """
    CREATE TABLE onbeat_dependencies (
        parent UUID NOT NULL,
        job UUID NOT NULL,
        "on" TEXT COLLATE "C" NOT NULL,
        CONSTRAINT onbeat_dependencies_pkey PRIMARY KEY (parent, job)
    )
    """,
    "CREATE INDEX onbeat_dependencies_by_job ON onbeat_dependencies (job)",
    """
    CREATE TABLE onbeat_ends (
        job UUID NOT NULL,
        state TEXT COLLATE "C" NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (job)
    )
     WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off)
    """,
    """
    CREATE TABLE onbeat_tasks (
        name TEXT COLLATE "C" NOT NULL,
        runs_as TEXT COLLATE "C",
        secrets JSONB,
        changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (name)
    )
    """,
    """
    CREATE TABLE onbeat_regions (
        queue TEXT COLLATE "C" NOT NULL,
        region TEXT COLLATE "C",
        source TEXT COLLATE "C" NOT NULL,
        said JSONB NOT NULL,
        declared_at TIMESTAMP WITH TIME ZONE NOT NULL,
        served_at TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (queue)
    )
    """,
    """
    CREATE TABLE onbeat_retention (
        scope TEXT COLLATE "C" NOT NULL,
        name TEXT COLLATE "C" NOT NULL,
        completed_for BIGINT,
        completed_last INTEGER,
        failed_for BIGINT,
        failed_last INTEGER,
        declared JSONB,
        by_hand SMALLINT DEFAULT '0' NOT NULL,
        changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
        changed_by TEXT NOT NULL,
        CONSTRAINT onbeat_retention_pkey PRIMARY KEY (scope, name)
    )
    """,
)


def upgrade() -> None:
    """Make the columns and the tables."""
    for statement in POSTGRESQL if op.get_bind().dialect.name == "postgresql" else SQLITE:
        op.execute(statement)


def downgrade() -> None:
    """Nobody has asked for the way back."""
    raise NotImplementedError("schema 0005 cannot be taken back; restore a backup from before")
