"""How many slots each queue wants, for autoscalers that read the database by itself."""

from __future__ import annotations

from alembic import op

revision = "0023"
down_revision = "0021"
branch_labels = None
depends_on = None

TEXT = """
CREATE VIEW onbeat_queue_load AS
WITH RECURSIVE waiting(queue) AS (
    SELECT min(queue) FROM onbeat_ready
    UNION ALL
    SELECT (SELECT min(more.queue) FROM onbeat_ready AS more WHERE more.queue > waiting.queue)
    FROM waiting WHERE waiting.queue IS NOT NULL
), busy(queue, running) AS (
    SELECT queue, count(*) FROM onbeat_leases GROUP BY queue
), lanes(lane) AS (
    VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9), (10)
), names(queue) AS (
    SELECT queue FROM waiting WHERE queue IS NOT NULL
    UNION SELECT queue FROM busy
    UNION SELECT name FROM onbeat_queues
), seen AS (
    SELECT names.queue AS queue,
        (SELECT count(*) FROM (
            SELECT 1 FROM onbeat_ready AS one WHERE one.queue = names.queue
            ORDER BY one.lane, one.order_key LIMIT 10000
        ) AS bounded) AS ready,
        coalesce(busy.running, 0) AS running,
        (SELECT min(heads.order_key) FROM (
            SELECT (SELECT head.order_key FROM onbeat_ready AS head
                WHERE head.queue = names.queue AND head.lane = lanes.lane
                ORDER BY head.order_key LIMIT 1) AS order_key
            FROM lanes
        ) AS heads) AS oldest,
        onbeat_queues.paused_at IS NOT NULL AS paused
    FROM names
    LEFT JOIN busy ON busy.queue = names.queue
    LEFT JOIN onbeat_queues ON onbeat_queues.name = names.queue
), counted AS (
    SELECT queue, min(ready) AS ready, running, min(oldest) AS oldest, paused
    FROM seen GROUP BY queue, running, paused
)
SELECT queue, ready, running,
    CASE WHEN oldest IS NULL THEN 0.0 ELSE {age} END AS oldest_due_age_seconds,
    paused,
    running + CASE WHEN paused THEN 0 ELSE ready END AS wanted_slots
FROM counted
"""

AGES = {
    "postgresql": "CAST(greatest(0, extract(epoch FROM clock_timestamp()) - oldest / 1000000.0) "
    "AS double precision)",
    "sqlite": "max(0.0, (julianday('now') - 2440587.5) * 86400.0 - oldest / 1000000.0)",
}


def upgrade() -> None:
    """Make the view."""
    op.execute(TEXT.format(age=AGES[op.get_bind().dialect.name]).strip())


def downgrade() -> None:
    """Nobody has asked for the way back."""
    raise NotImplementedError("schema 0023 cannot be taken back; restore a backup from before")
