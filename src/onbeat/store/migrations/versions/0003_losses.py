"""How many workers have died under a job goes with it from place to place.

On SQLite the tables are made anew: a column added to one would stand behind the key in the catalog.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SQLITE = (
    "CREATE TABLE onbeat_ready_before AS SELECT * FROM onbeat_ready",
    "DROP TABLE onbeat_ready",
    """
    CREATE TABLE onbeat_ready (
        queue TEXT NOT NULL,
        lane INTEGER NOT NULL,
        order_key INTEGER NOT NULL,
        job TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        losses INTEGER,
        CONSTRAINT onbeat_ready_pkey PRIMARY KEY (queue, lane, order_key, job)
    )
     WITHOUT ROWID,
     STRICT
    """,
    "INSERT INTO onbeat_ready SELECT *, NULL FROM onbeat_ready_before",
    "DROP TABLE onbeat_ready_before",
    "CREATE INDEX onbeat_ready_by_job ON onbeat_ready (job)",
    "CREATE TABLE onbeat_delayed_before AS SELECT * FROM onbeat_delayed",
    "DROP TABLE onbeat_delayed",
    """
    CREATE TABLE onbeat_delayed (
        due_at INTEGER NOT NULL,
        job TEXT NOT NULL,
        queue TEXT NOT NULL,
        lane INTEGER NOT NULL,
        attempt INTEGER NOT NULL,
        reason TEXT,
        losses INTEGER,
        CONSTRAINT onbeat_delayed_pkey PRIMARY KEY (due_at, job)
    )
     WITHOUT ROWID,
     STRICT
    """,
    "INSERT INTO onbeat_delayed SELECT *, NULL FROM onbeat_delayed_before",
    "DROP TABLE onbeat_delayed_before",
    "CREATE INDEX onbeat_delayed_by_job ON onbeat_delayed (job)",
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
        PRIMARY KEY (job)
    )
     WITHOUT ROWID,
     STRICT
    """,
    "INSERT INTO onbeat_blocked SELECT *, NULL FROM onbeat_blocked_before",
    "DROP TABLE onbeat_blocked_before",
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
        begun_at INTEGER
    )
     STRICT
    """,
    "INSERT INTO onbeat_leases SELECT *, NULL, NULL FROM onbeat_leases_before",
    "DROP TABLE onbeat_leases_before",
    "DELETE FROM sqlite_sequence WHERE name = 'onbeat_leases'",
    "INSERT INTO sqlite_sequence (name, seq) SELECT 'onbeat_leases', seq FROM onbeat_tokens_before",
    "DROP TABLE onbeat_tokens_before",
    "CREATE UNIQUE INDEX onbeat_leases_by_job ON onbeat_leases (job)",
    """
    CREATE INDEX onbeat_leases_to_stop ON onbeat_leases (session) WHERE stop_asked IS NOT NULL
    """,
)

POSTGRESQL = (
    "ALTER TABLE onbeat_ready ADD COLUMN losses SMALLINT",
    "ALTER TABLE onbeat_delayed ADD COLUMN losses SMALLINT",
    "ALTER TABLE onbeat_blocked ADD COLUMN losses SMALLINT",
    """
    ALTER TABLE onbeat_leases ADD COLUMN losses SMALLINT,
        ADD COLUMN begun_at TIMESTAMP WITH TIME ZONE
    """,
)


def upgrade() -> None:
    """Make the columns."""
    for statement in POSTGRESQL if op.get_bind().dialect.name == "postgresql" else SQLITE:
        op.execute(statement)


def downgrade() -> None:
    """Nobody has asked for the way back."""
    raise NotImplementedError("schema 0003 cannot be taken back; restore a backup from before")
