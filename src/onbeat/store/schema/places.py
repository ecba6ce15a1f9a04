"""Where a job can stand, the book of what was asked, and the record of attempts."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, PrimaryKeyConstraint, Table, text

from onbeat.store.column_types import (
    Big,
    Identity,
    JsonText,
    Moment,
    Name,
    Prose,
    Real,
    Small,
)
from onbeat.store.schema.kinds import BUSY, NARROW, ROWS, metadata

jobs = Table(
    "onbeat_jobs",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("task", Name, nullable=False),
    Column("queue", Name, nullable=False),
    Column("lane", Small, nullable=False),
    Column("max_attempts", Small, nullable=False),
    Column("args", JsonText, nullable=False),
    Column("options", JsonText),
    Column("schedule", Identity),
    Column("occurrence_at", Moment),
    Column("created_at", Moment, nullable=False),
    # What ties it to others, as a JSON array of texts (see domain/ties.py); null for most.
    Column("ties", Prose),
    CheckConstraint("lane BETWEEN 0 AND 10", name="onbeat_jobs_lane"),
    Index("onbeat_jobs_by_task", "task", "id"),
    Index("onbeat_jobs_by_queue", "queue", "id"),
    postgresql_partition_by="RANGE (id)",
    **ROWS,
)

ready = Table(
    "onbeat_ready",
    metadata,
    Column("queue", Name, nullable=False),
    Column("lane", Small, nullable=False),
    Column("order_key", Big, nullable=False),
    Column("job", Identity, nullable=False),
    Column("attempt", Small, nullable=False),
    Column("losses", Small),
    PrimaryKeyConstraint("queue", "lane", "order_key", "job", name="onbeat_ready_pkey"),
    Index("onbeat_ready_by_job", "job"),
    **NARROW,
    **BUSY,
)

delayed = Table(
    "onbeat_delayed",
    metadata,
    Column("due_at", Moment, nullable=False),
    Column("job", Identity, nullable=False),
    Column("queue", Name, nullable=False),
    Column("lane", Small, nullable=False),
    Column("attempt", Small, nullable=False),
    Column("reason", Prose),
    Column("losses", Small),
    PrimaryKeyConstraint("due_at", "job", name="onbeat_delayed_pkey"),
    Index("onbeat_delayed_by_job", "job"),
    **NARROW,
    **BUSY,
)

blocked = Table(
    "onbeat_blocked",
    metadata,
    Column("job", Identity, primary_key=True),
    Column("queue", Name, nullable=False),
    Column("lane", Small, nullable=False),
    Column("attempt", Small, nullable=False),
    Column("reason", Prose, nullable=False),
    Column("since_at", Moment, nullable=False),
    Column("losses", Small),
    # What waits for a virtual clock: it is unblocked when that clock comes to the moment.
    Column("clock", Name),
    Column("due_at", Moment),
    # Where the clock jumps past this moment, the job is called off.
    Column("expires_at", Moment),
    # The limit's slot it waits for, and its place among those that wait for the same.
    Column("slot", Name),
    Column("order_key", Big),
    # How many jobs of its workflow must end before it may go.
    Column("parents", Integer),
    **NARROW,
)

_on_slot = blocked.c.slot.is_not(None)
Index(
    "onbeat_blocked_on_slot",
    blocked.c.slot,
    blocked.c.queue,
    blocked.c.lane,
    blocked.c.order_key,
    postgresql_where=_on_slot,
    sqlite_where=_on_slot,
)

_on_clock = blocked.c.clock.is_not(None)
Index(
    "onbeat_blocked_on_clock",
    blocked.c.clock,
    blocked.c.due_at,
    postgresql_where=_on_clock,
    sqlite_where=_on_clock,
)

leases = Table(
    "onbeat_leases",
    metadata,
    Column("token", Big, primary_key=True, autoincrement=True),
    Column("job", Identity, nullable=False),
    Column("attempt", Small, nullable=False),
    Column("session", Identity, nullable=False),
    Column("task", Name, nullable=False),
    Column("queue", Name, nullable=False),
    Column("lane", Small, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("stop_asked", Prose),
    Column("progress", Real),
    Column("note", Prose),
    Column("losses", Small),
    Column("begun_at", Moment),
    # What its end lets go of: slots of limits and unique keys, or somebody who waits for it.
    Column("ties", Prose),
    # Its place in the line it was taken from, which is since when it was pending; on SQLite alone,
    # whose claim does not tell what it takes out.
    Column("order_key", Big),
    Index("onbeat_leases_by_job", "job", unique=True),
    # AUTOINCREMENT: a token that was given out is never given out again.
    sqlite_autoincrement=True,
    **ROWS,
    **BUSY,
)

# Every heartbeat asks for these. An index of all leases by session would cost every job, and be
# full of dead rows while somebody holds an old snapshot; this one never sees most of them.
_stopped = leases.c.stop_asked.is_not(None)
Index(
    "onbeat_leases_to_stop",
    leases.c.session,
    postgresql_where=_stopped,
    sqlite_where=_stopped,
)

finished = Table(
    "onbeat_finished",
    metadata,
    Column("job", Identity, nullable=False),
    Column("finished_at", Moment, nullable=False),
    Column("task", Name, nullable=False),
    Column("queue", Name, nullable=False),
    Column("lane", Small, nullable=False),
    Column("outcome", Name, nullable=False),
    Column("attempts", Small, nullable=False),
    Column("reason", Prose),
    PrimaryKeyConstraint("job", "finished_at", name="onbeat_finished_pkey"),
    Index("onbeat_finished_by_outcome", "outcome", "finished_at", "job"),
    Index("onbeat_finished_by_task", "task", "finished_at", "job"),
    postgresql_partition_by="RANGE (finished_at)",
    **NARROW,
)

attempts = Table(
    "onbeat_attempts",
    metadata,
    Column("job", Identity, nullable=False),
    Column("token", Big, nullable=False),
    Column("finished_at", Moment, nullable=False),
    Column("attempt", Small, nullable=False),
    Column("session", Identity, nullable=False),
    Column("outcome", Name, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("reason", Prose),
    Column("error", JsonText),
    Column("result", JsonText),
    PrimaryKeyConstraint("job", "token", "finished_at", name="onbeat_attempts_pkey"),
    postgresql_partition_by="RANGE (finished_at)",
    **NARROW,
)

# Why things fail is read by time, and of few attempts: those that succeed are no part of it. The
# condition is told as it stands, or a planner would not see that a query is within it.
FAILED = text("outcome IN ('failed', 'timed out', 'lost')")
Index(
    "onbeat_attempts_failed",
    attempts.c.finished_at,
    attempts.c.token,
    postgresql_where=FAILED,
    sqlite_where=FAILED,
)

logs = Table(
    "onbeat_logs",
    metadata,
    Column("job", Identity, nullable=False),
    Column("token", Big, nullable=False),
    Column("line", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Column("level", Name, nullable=False),
    Column("message", Prose, nullable=False),
    Column("fields", JsonText, nullable=False),
    PrimaryKeyConstraint("job", "token", "line", "at", name="onbeat_logs_pkey"),
    postgresql_partition_by="RANGE (at)",
    **NARROW,
)

PARTITIONED_BY_MONTH = ("onbeat_jobs", "onbeat_occurrences")
PARTITIONED_BY_DAY = ("onbeat_finished", "onbeat_attempts", "onbeat_logs")
