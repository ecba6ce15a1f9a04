"""What jobs are found by: tags and owners; the owner of a schedule.

On SQLite the schedules are made anew: a column added would stand behind the key in the catalog.
"""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

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
        ties TEXT,
        owner TEXT,
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
    CREATE INDEX onbeat_schedules_by_owner ON onbeat_schedules (owner, name)
    WHERE owner IS NOT NULL
    """,
    """
    CREATE INDEX onbeat_schedules_due ON onbeat_schedules (next_due_at)
    WHERE paused_at IS NULL AND broken IS NULL AND clock IS NULL
    """,
    """
    CREATE INDEX onbeat_schedules_paused_until ON onbeat_schedules (paused_until)
    WHERE paused_until IS NOT NULL
    """,
    """
    CREATE TABLE onbeat_marks (
        mark TEXT NOT NULL,
        job TEXT NOT NULL,
        CONSTRAINT onbeat_marks_pkey PRIMARY KEY (mark, job)
    )
     WITHOUT ROWID,
     STRICT
    """,
)

POSTGRESQL = (
    'ALTER TABLE onbeat_schedules ADD COLUMN owner TEXT COLLATE "C"',
    """
    CREATE INDEX onbeat_schedules_by_owner ON onbeat_schedules (owner, name)
    WHERE owner IS NOT NULL
    """,
    """
    CREATE TABLE onbeat_marks (
        mark TEXT COLLATE "C" NOT NULL,
        job UUID NOT NULL,
        CONSTRAINT onbeat_marks_pkey PRIMARY KEY (mark, job)
    )
    """,
)


def upgrade() -> None:
    """Make the column and the table."""
    for statement in POSTGRESQL if op.get_bind().dialect.name == "postgresql" else SQLITE:
        op.execute(statement)


def downgrade() -> None:
    """Nobody has asked for the way back."""
    raise NotImplementedError("schema 0008 cannot be taken back; restore a backup from before")
