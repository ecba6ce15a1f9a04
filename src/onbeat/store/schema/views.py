"""What others may read in the database by itself: the one name that is promised to stay.

`onbeat_queue_load` tells of each queue how many slots it wants now, for autoscalers. It walks an
index of `ready` and never counts beyond 10,000, so that 1,000,000 waiting jobs cost no more; a plan
in the tests holds that. Onbeat itself does not read it.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, event

from onbeat.store.schema.kinds import metadata

QUEUE_LOAD: Final = "onbeat_queue_load"

# Queues that have jobs are found by one step of the index for each, and so is the first of a lane;
# jobs are counted in its order, which leaves a planner no other way. What is grouped once more is
# not worked out again for each column that it goes into. With 1,000,000 ready: 4 ms on PostgreSQL
# (2 cores); 0.5 s until it has counted them, a minute at most after they came.
_TEXT = """
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

AGES: Final = {
    "postgresql": "CAST(greatest(0, extract(epoch FROM clock_timestamp()) - oldest / 1000000.0) "
    "AS double precision)",
    # julianday is precise to the millisecond; unixepoch('subsec') is not before SQLite 3.42.
    "sqlite": "max(0.0, (julianday('now') - 2440587.5) * 86400.0 - oldest / 1000000.0)",
}


def queue_load(engine: str) -> str:
    """The statement that makes the view on that engine."""
    return _TEXT.format(age=AGES[engine]).strip()


def _create(_target: Any, connection: Connection, **_: Any) -> None:
    connection.exec_driver_sql(queue_load(connection.dialect.name))


event.listen(metadata, "after_create", _create)
