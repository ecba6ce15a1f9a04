"""Sessions stay on record for a while after their end; leases to be stopped have an index.

On SQLite the table is made anew: a column added to it would stand behind the key in the catalog.
Leases without a session were lost before; they are given one that has ended.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SQLITE = (
    "CREATE TABLE onbeat_sessions_before AS SELECT * FROM onbeat_sessions",
    "DROP TABLE onbeat_sessions",
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
        ended_at INTEGER,
        PRIMARY KEY (id)
    )
     WITHOUT ROWID,
     STRICT
    """,
    "INSERT INTO onbeat_sessions SELECT *, NULL FROM onbeat_sessions_before",
    "DROP TABLE onbeat_sessions_before",
    "DROP INDEX onbeat_leases_by_session",
    """
    CREATE INDEX onbeat_leases_to_stop ON onbeat_leases (session) WHERE stop_asked IS NOT NULL
    """,
)

POSTGRESQL = (
    "ALTER TABLE onbeat_sessions ADD COLUMN ended_at TIMESTAMP WITH TIME ZONE",
    "DROP INDEX onbeat_leases_by_session",
    """
    CREATE INDEX onbeat_leases_to_stop ON onbeat_leases (session) WHERE stop_asked IS NOT NULL
    """,
)

ORPHANS = """
    INSERT INTO onbeat_sessions (id, instance, host, pid, version, queues, slots, started_at,
                                 heartbeat_at, expires_at, draining, ended_at)
    SELECT session, '', '', 0, '', '[]', 0, min(started_at), min(started_at), min(started_at), 1,
           min(started_at)
    FROM onbeat_leases
    WHERE session NOT IN (SELECT id FROM onbeat_sessions)
    GROUP BY session
"""


def upgrade() -> None:
    """Make the column and the index."""
    statements = POSTGRESQL if op.get_bind().dialect.name == "postgresql" else SQLITE
    for statement in (*statements, ORPHANS):
        op.execute(statement)


def downgrade() -> None:
    """Nobody has asked for the way back."""
    raise NotImplementedError("schema 0002 cannot be taken back; restore a backup from before")
