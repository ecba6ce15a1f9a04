"""What was missed and skipped is found by time, and what all schedules had ended is kept together,
for the calendar.
"""

from __future__ import annotations

from alembic import op

revision = "0021"
down_revision = "0019"
branch_labels = None
depends_on = None


STATEMENTS = (
    """
    CREATE INDEX onbeat_occurrences_lapsed ON onbeat_occurrences (outcome, due_at)
    WHERE outcome IN ('missed', 'skipped')
    """,
    """
    INSERT INTO onbeat_rollups
        (kind, subject, span, begins_at, completed, failed, cancelled, attempts, took)
    SELECT 'schedules', '', span, begins_at, sum(completed), sum(failed), sum(cancelled),
           sum(attempts), '{}'
    FROM onbeat_rollups WHERE kind = 'schedule' GROUP BY span, begins_at
    """,
)
"""The same words on both engines."""


def upgrade() -> None:
    """Add the index, and the sums of what there is."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Nobody has asked for the way back."""
    raise NotImplementedError("schema 0021 cannot be taken back; restore a backup from before")
