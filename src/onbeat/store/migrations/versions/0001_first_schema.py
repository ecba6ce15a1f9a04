"""The first schema.

The statements stand here as they were, whatever becomes of `schema.py` later; a test holds what
all migrations together give against it.
"""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SQLITE = (
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
        PRIMARY KEY (id),
        CONSTRAINT onbeat_jobs_lane CHECK (lane BETWEEN 0 AND 10)
    )
     STRICT
    """,
    """
    CREATE INDEX onbeat_jobs_by_queue ON onbeat_jobs (queue, id)
    """,
    """
    CREATE INDEX onbeat_jobs_by_task ON onbeat_jobs (task, id)
    """,
    """
    CREATE TABLE onbeat_ready (
        queue TEXT NOT NULL,
        lane INTEGER NOT NULL,
        order_key INTEGER NOT NULL,
        job TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        CONSTRAINT onbeat_ready_pkey PRIMARY KEY (queue, lane, order_key, job)
    )
     WITHOUT ROWID,
     STRICT
    """,
    """
    CREATE INDEX onbeat_ready_by_job ON onbeat_ready (job)
    """,
    """
    CREATE TABLE onbeat_delayed (
        due_at INTEGER NOT NULL,
        job TEXT NOT NULL,
        queue TEXT NOT NULL,
        lane INTEGER NOT NULL,
        attempt INTEGER NOT NULL,
        reason TEXT,
        CONSTRAINT onbeat_delayed_pkey PRIMARY KEY (due_at, job)
    )
     WITHOUT ROWID,
     STRICT
    """,
    """
    CREATE INDEX onbeat_delayed_by_job ON onbeat_delayed (job)
    """,
    """
    CREATE TABLE onbeat_blocked (
        job TEXT NOT NULL,
        queue TEXT NOT NULL,
        lane INTEGER NOT NULL,
        attempt INTEGER NOT NULL,
        reason TEXT NOT NULL,
        since_at INTEGER NOT NULL,
        PRIMARY KEY (job)
    )
     WITHOUT ROWID,
     STRICT
    """,
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
        note TEXT
    )
     STRICT
    """,
    """
    CREATE UNIQUE INDEX onbeat_leases_by_job ON onbeat_leases (job)
    """,
    """
    CREATE INDEX onbeat_leases_by_session ON onbeat_leases (session)
    """,
    """
    CREATE TABLE onbeat_finished (
        job TEXT NOT NULL,
        finished_at INTEGER NOT NULL,
        task TEXT NOT NULL,
        queue TEXT NOT NULL,
        lane INTEGER NOT NULL,
        outcome TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        reason TEXT,
        CONSTRAINT onbeat_finished_pkey PRIMARY KEY (job, finished_at)
    )
     WITHOUT ROWID,
     STRICT
    """,
    """
    CREATE INDEX onbeat_finished_by_outcome ON onbeat_finished (outcome, finished_at, job)
    """,
    """
    CREATE INDEX onbeat_finished_by_task ON onbeat_finished (task, finished_at, job)
    """,
    """
    CREATE TABLE onbeat_attempts (
        job TEXT NOT NULL,
        token INTEGER NOT NULL,
        finished_at INTEGER NOT NULL,
        attempt INTEGER NOT NULL,
        session TEXT NOT NULL,
        outcome TEXT NOT NULL,
        started_at INTEGER NOT NULL,
        reason TEXT,
        error TEXT,
        result TEXT,
        CONSTRAINT onbeat_attempts_pkey PRIMARY KEY (job, token, finished_at)
    )
     WITHOUT ROWID,
     STRICT
    """,
    """
    CREATE TABLE onbeat_logs (
        job TEXT NOT NULL,
        token INTEGER NOT NULL,
        line INTEGER NOT NULL,
        at INTEGER NOT NULL,
        level TEXT NOT NULL,
        message TEXT NOT NULL,
        fields TEXT NOT NULL,
        CONSTRAINT onbeat_logs_pkey PRIMARY KEY (job, token, line, at)
    )
     WITHOUT ROWID,
     STRICT
    """,
    """
    CREATE TABLE onbeat_sessions (
        id TEXT NOT NULL,
        instance TEXT NOT NULL,
        host TEXT NOT NULL,
        pid INTEGER NOT NULL,
        version TEXT NOT NULL,
        queues TEXT NOT NULL,
        slots INTEGER NOT NULL,
        region TEXT,
        started_at INTEGER NOT NULL,
        heartbeat_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        draining INTEGER NOT NULL,
        PRIMARY KEY (id)
    )
     WITHOUT ROWID,
     STRICT
    """,
    """
    CREATE TABLE onbeat_duties (
        name TEXT NOT NULL,
        holder TEXT NOT NULL,
        expires_at INTEGER NOT NULL,
        PRIMARY KEY (name)
    )
     WITHOUT ROWID,
     STRICT
    """,
    """
    CREATE TABLE onbeat_queues (
        name TEXT NOT NULL,
        paused_at INTEGER,
        paused_by TEXT,
        PRIMARY KEY (name)
    )
     WITHOUT ROWID,
     STRICT
    """,
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
        PRIMARY KEY (id),
        CONSTRAINT onbeat_schedules_lane CHECK (lane BETWEEN 0 AND 10)
    )
     WITHOUT ROWID,
     STRICT
    """,
    """
    CREATE INDEX onbeat_schedules_awaiting ON onbeat_schedules (awaits_job) WHERE awaits_job IS NOT NULL
    """,
    """
    CREATE UNIQUE INDEX onbeat_schedules_by_name ON onbeat_schedules (name)
    """,
    """
    CREATE INDEX onbeat_schedules_due ON onbeat_schedules (next_due_at) WHERE paused_at IS NULL AND broken IS NULL
    """,
    """
    CREATE TABLE onbeat_occurrences (
        schedule TEXT NOT NULL,
        due_at INTEGER NOT NULL,
        outcome TEXT NOT NULL,
        through_at INTEGER,
        job TEXT,
        reason TEXT,
        decided_at INTEGER NOT NULL,
        CONSTRAINT onbeat_occurrences_pkey PRIMARY KEY (schedule, due_at)
    )
     WITHOUT ROWID,
     STRICT
    """,
)

POSTGRESQL = (
    """
    CREATE TABLE onbeat_jobs (
        id UUID NOT NULL,
        task TEXT COLLATE "C" NOT NULL,
        queue TEXT COLLATE "C" NOT NULL,
        lane SMALLINT NOT NULL,
        max_attempts SMALLINT NOT NULL,
        args JSONB NOT NULL,
        options JSONB,
        schedule UUID,
        occurrence_at TIMESTAMP WITH TIME ZONE,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (id),
        CONSTRAINT onbeat_jobs_lane CHECK (lane BETWEEN 0 AND 10)
    )
     PARTITION BY RANGE (id)
    """,
    """
    CREATE INDEX onbeat_jobs_by_queue ON onbeat_jobs (queue, id)
    """,
    """
    CREATE INDEX onbeat_jobs_by_task ON onbeat_jobs (task, id)
    """,
    """
    CREATE TABLE onbeat_ready (
        queue TEXT COLLATE "C" NOT NULL,
        lane SMALLINT NOT NULL,
        order_key BIGINT NOT NULL,
        job UUID NOT NULL,
        attempt SMALLINT NOT NULL,
        CONSTRAINT onbeat_ready_pkey PRIMARY KEY (queue, lane, order_key, job)
    )
     WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off)
    """,
    """
    CREATE INDEX onbeat_ready_by_job ON onbeat_ready (job)
    """,
    """
    CREATE TABLE onbeat_delayed (
        due_at TIMESTAMP WITH TIME ZONE NOT NULL,
        job UUID NOT NULL,
        queue TEXT COLLATE "C" NOT NULL,
        lane SMALLINT NOT NULL,
        attempt SMALLINT NOT NULL,
        reason TEXT,
        CONSTRAINT onbeat_delayed_pkey PRIMARY KEY (due_at, job)
    )
     WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off)
    """,
    """
    CREATE INDEX onbeat_delayed_by_job ON onbeat_delayed (job)
    """,
    """
    CREATE TABLE onbeat_blocked (
        job UUID NOT NULL,
        queue TEXT COLLATE "C" NOT NULL,
        lane SMALLINT NOT NULL,
        attempt SMALLINT NOT NULL,
        reason TEXT NOT NULL,
        since_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (job)
    )
    """,
    """
    CREATE TABLE onbeat_leases (
        token BIGSERIAL NOT NULL,
        job UUID NOT NULL,
        attempt SMALLINT NOT NULL,
        session UUID NOT NULL,
        task TEXT COLLATE "C" NOT NULL,
        queue TEXT COLLATE "C" NOT NULL,
        lane SMALLINT NOT NULL,
        started_at TIMESTAMP WITH TIME ZONE NOT NULL,
        stop_asked TEXT,
        progress DOUBLE PRECISION,
        note TEXT,
        PRIMARY KEY (token)
    )
     WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off)
    """,
    """
    CREATE UNIQUE INDEX onbeat_leases_by_job ON onbeat_leases (job)
    """,
    """
    CREATE INDEX onbeat_leases_by_session ON onbeat_leases (session)
    """,
    """
    CREATE TABLE onbeat_finished (
        job UUID NOT NULL,
        finished_at TIMESTAMP WITH TIME ZONE NOT NULL,
        task TEXT COLLATE "C" NOT NULL,
        queue TEXT COLLATE "C" NOT NULL,
        lane SMALLINT NOT NULL,
        outcome TEXT COLLATE "C" NOT NULL,
        attempts SMALLINT NOT NULL,
        reason TEXT,
        CONSTRAINT onbeat_finished_pkey PRIMARY KEY (job, finished_at)
    )
     PARTITION BY RANGE (finished_at)
    """,
    """
    CREATE INDEX onbeat_finished_by_outcome ON onbeat_finished (outcome, finished_at, job)
    """,
    """
    CREATE INDEX onbeat_finished_by_task ON onbeat_finished (task, finished_at, job)
    """,
    """
    CREATE TABLE onbeat_attempts (
        job UUID NOT NULL,
        token BIGINT NOT NULL,
        finished_at TIMESTAMP WITH TIME ZONE NOT NULL,
        attempt SMALLINT NOT NULL,
        session UUID NOT NULL,
        outcome TEXT COLLATE "C" NOT NULL,
        started_at TIMESTAMP WITH TIME ZONE NOT NULL,
        reason TEXT,
        error JSONB,
        result JSONB,
        CONSTRAINT onbeat_attempts_pkey PRIMARY KEY (job, token, finished_at)
    )
     PARTITION BY RANGE (finished_at)
    """,
    """
    CREATE TABLE onbeat_logs (
        job UUID NOT NULL,
        token BIGINT NOT NULL,
        line INTEGER NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        level TEXT COLLATE "C" NOT NULL,
        message TEXT NOT NULL,
        fields JSONB NOT NULL,
        CONSTRAINT onbeat_logs_pkey PRIMARY KEY (job, token, line, at)
    )
     PARTITION BY RANGE (at)
    """,
    """
    CREATE TABLE onbeat_sessions (
        id UUID NOT NULL,
        instance TEXT NOT NULL,
        host TEXT NOT NULL,
        pid INTEGER NOT NULL,
        version TEXT NOT NULL,
        queues JSONB NOT NULL,
        slots INTEGER NOT NULL,
        region TEXT,
        started_at TIMESTAMP WITH TIME ZONE NOT NULL,
        heartbeat_at TIMESTAMP WITH TIME ZONE NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        draining SMALLINT NOT NULL,
        PRIMARY KEY (id)
    )
    """,
    """
    CREATE TABLE onbeat_duties (
        name TEXT COLLATE "C" NOT NULL,
        holder TEXT NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (name)
    )
    """,
    """
    CREATE TABLE onbeat_queues (
        name TEXT COLLATE "C" NOT NULL,
        paused_at TIMESTAMP WITH TIME ZONE,
        paused_by TEXT,
        PRIMARY KEY (name)
    )
    """,
    """
    CREATE TABLE onbeat_schedules (
        id UUID NOT NULL,
        name TEXT COLLATE "C" NOT NULL,
        source TEXT COLLATE "C" NOT NULL,
        task TEXT COLLATE "C" NOT NULL,
        args JSONB NOT NULL,
        recurrence JSONB NOT NULL,
        queue TEXT COLLATE "C" NOT NULL,
        lane SMALLINT NOT NULL,
        max_attempts SMALLINT NOT NULL,
        options JSONB,
        catch_up TEXT NOT NULL,
        overlap TEXT NOT NULL,
        start_at TIMESTAMP WITH TIME ZONE,
        end_at TIMESTAMP WITH TIME ZONE,
        "limit" INTEGER,
        made BIGINT NOT NULL,
        version INTEGER NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        next_due_at TIMESTAMP WITH TIME ZONE,
        last_due_at TIMESTAMP WITH TIME ZONE,
        last_job UUID,
        after_finish BIGINT,
        awaits_job UUID,
        paused_at TIMESTAMP WITH TIME ZONE,
        paused_by TEXT,
        broken TEXT,
        PRIMARY KEY (id),
        CONSTRAINT onbeat_schedules_lane CHECK (lane BETWEEN 0 AND 10)
    )
     WITH (fillfactor = 70)
    """,
    """
    CREATE INDEX onbeat_schedules_awaiting ON onbeat_schedules (awaits_job) WHERE awaits_job IS NOT NULL
    """,
    """
    CREATE UNIQUE INDEX onbeat_schedules_by_name ON onbeat_schedules (name)
    """,
    """
    CREATE INDEX onbeat_schedules_due ON onbeat_schedules (next_due_at) WHERE paused_at IS NULL AND broken IS NULL
    """,
    """
    CREATE TABLE onbeat_occurrences (
        schedule UUID NOT NULL,
        due_at TIMESTAMP WITH TIME ZONE NOT NULL,
        outcome TEXT COLLATE "C" NOT NULL,
        through_at TIMESTAMP WITH TIME ZONE,
        job UUID,
        reason TEXT,
        decided_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT onbeat_occurrences_pkey PRIMARY KEY (schedule, due_at)
    )
     PARTITION BY RANGE (due_at)
    """,
    "CREATE TABLE onbeat_jobs_default PARTITION OF onbeat_jobs DEFAULT",
    "CREATE TABLE onbeat_occurrences_default PARTITION OF onbeat_occurrences DEFAULT",
    "CREATE TABLE onbeat_finished_default PARTITION OF onbeat_finished DEFAULT",
    "CREATE TABLE onbeat_attempts_default PARTITION OF onbeat_attempts DEFAULT",
    "CREATE TABLE onbeat_logs_default PARTITION OF onbeat_logs DEFAULT",
)


def upgrade() -> None:
    """Make all tables."""
    statements = POSTGRESQL if op.get_bind().dialect.name == "postgresql" else SQLITE
    for statement in statements:
        op.execute(statement)


def downgrade() -> None:
    """There is nothing before the first schema."""
    raise NotImplementedError("the first schema cannot be taken back; drop the tables instead")
