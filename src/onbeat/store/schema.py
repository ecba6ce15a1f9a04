"""Every table, once.

Where a job stands is which one small table holds it: `delayed`, `ready`, `blocked`, `leases` or
`finished`. `jobs` is the book of what was asked. No foreign keys, no triggers: whoever deletes a
row decides. A lane is 10 minus the priority, so that
one index scan yields the most urgent first. `losses` goes with a job from place to place: how many
workers have died under it, null for nearly all. Names begin with `onbeat_`, because
the tables live beside those of the application whose transactions enqueue jobs.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)

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

NARROW: dict[str, Any] = {"sqlite_strict": True, "sqlite_with_rowid": False}
ROWS: dict[str, Any] = {"sqlite_strict": True}
# The three tables every job passes through hold few rows and many dead ones; vacuum them by count.
BUSY: dict[str, Any] = {
    "postgresql_with": {
        "autovacuum_vacuum_scale_factor": "0",
        "autovacuum_vacuum_threshold": "5000",
        "autovacuum_vacuum_cost_delay": "0",
        "vacuum_truncate": "off",
    }
}

metadata = MetaData()

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
    **NARROW,
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

sessions = Table(
    "onbeat_sessions",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("instance", Prose, nullable=False),
    Column("host", Prose, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("version", Text, nullable=False),
    Column("queues", JsonText, nullable=False),
    Column("slots", Integer, nullable=False),
    Column("region", Text),
    Column("started_at", Moment, nullable=False),
    Column("heartbeat_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("draining", Small, nullable=False),
    # It stays on record until its leases are given back and no claim of its can still come.
    Column("ended_at", Moment),
    **NARROW,
)

duties = Table(
    "onbeat_duties",
    metadata,
    Column("name", Name, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("expires_at", Moment, nullable=False),
    **NARROW,
)

queues = Table(
    "onbeat_queues",
    metadata,
    Column("name", Name, primary_key=True),
    Column("paused_at", Moment),
    Column("paused_by", Prose),
    **NARROW,
)

schedules = Table(
    "onbeat_schedules",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("name", Name, nullable=False),
    Column("source", Name, nullable=False),
    Column("task", Name, nullable=False),
    Column("args", JsonText, nullable=False),
    Column("recurrence", JsonText, nullable=False),
    Column("queue", Name, nullable=False),
    Column("lane", Small, nullable=False),
    Column("max_attempts", Small, nullable=False),
    Column("options", JsonText),
    Column("catch_up", Text, nullable=False),
    Column("overlap", Text, nullable=False),
    Column("start_at", Moment),
    Column("end_at", Moment),
    Column("limit", Integer),
    Column("made", Big, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("next_due_at", Moment),
    Column("last_due_at", Moment),
    Column("last_job", Identity),
    Column("after_finish", Big),
    Column("awaits_job", Identity),
    Column("paused_at", Moment),
    Column("paused_by", Prose),
    Column("broken", Prose),
    Column("paused_why", Prose),
    Column("paused_until", Moment),
    Column("pause_after", Integer),
    Column("failures", Integer, nullable=False, server_default="0"),
    # The last job whose end was counted among the failures, or ended them.
    Column("judged_job", Identity),
    Column("jitter", Big, nullable=False, server_default="0"),
    Column("skips", Integer, nullable=False, server_default="0"),
    Column("skips_by", Prose),
    # The first moment that waits for the last job to end; it stays until the last of them is made.
    Column("held_due_at", Moment),
    # How many entries of the ledger had which outcome; those that ran in time are the rest of made.
    Column("late", Big, nullable=False, server_default="0"),
    Column("coalesced", Big, nullable=False, server_default="0"),
    Column("skipped", Big, nullable=False, server_default="0"),
    Column("missed", Big, nullable=False, server_default="0"),
    Column("changed_at", Moment),
    Column("changed_by", Prose),
    Column("changed_why", Prose),
    # The virtual clock whose time it lives by; null for the wall clock.
    Column("clock", Name),
    # Since when it is gone from the code that declared it; it is due no more, and may come back.
    Column("retired_at", Moment),
    Index("onbeat_schedules_by_name", "name", unique=True),
    CheckConstraint("lane BETWEEN 0 AND 10", name="onbeat_schedules_lane"),
    **NARROW,
    # Each firing rewrites a row: room on the page keeps most of those rewrites in place.
    postgresql_with={"fillfactor": "70"},
)

_due = schedules.c.paused_at.is_(None) & schedules.c.broken.is_(None) & schedules.c.clock.is_(None)
Index(
    "onbeat_schedules_due",
    schedules.c.next_due_at,
    postgresql_where=_due,
    sqlite_where=_due,
)
_awaits = schedules.c.awaits_job.is_not(None)
Index(
    "onbeat_schedules_awaiting",
    schedules.c.awaits_job,
    postgresql_where=_awaits,
    sqlite_where=_awaits,
)

_goes_on = schedules.c.paused_until.is_not(None)
Index(
    "onbeat_schedules_paused_until",
    schedules.c.paused_until,
    postgresql_where=_goes_on,
    sqlite_where=_goes_on,
)

_by_clock = schedules.c.clock.is_not(None)
Index(
    "onbeat_schedules_by_clock",
    schedules.c.clock,
    schedules.c.next_due_at,
    postgresql_where=_by_clock,
    sqlite_where=_by_clock,
)

clocks = Table(
    "onbeat_clocks",
    metadata,
    Column("name", Name, primary_key=True),
    Column("now_at", Moment, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("advanced_at", Moment, nullable=False),
    **NARROW,
)

calendars = Table(
    "onbeat_calendars",
    metadata,
    Column("name", Name, primary_key=True),
    Column("said", JsonText, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("changed_by", Prose, nullable=False),
    **NARROW,
)

versions = Table(
    "onbeat_schedule_versions",
    metadata,
    Column("schedule", Identity, nullable=False),
    Column("version", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Column("by", Prose, nullable=False),
    Column("why", Prose),
    # What the schedule said from then on until the next version, as JSON.
    Column("said", JsonText, nullable=False),
    PrimaryKeyConstraint("schedule", "version", name="onbeat_schedule_versions_pkey"),
    **NARROW,
)

occurrences = Table(
    "onbeat_occurrences",
    metadata,
    Column("schedule", Identity, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("outcome", Name, nullable=False),
    Column("through_at", Moment),
    Column("job", Identity),
    Column("reason", Prose),
    Column("decided_at", Moment, nullable=False),
    PrimaryKeyConstraint("schedule", "due_at", name="onbeat_occurrences_pkey"),
    postgresql_partition_by="RANGE (due_at)",
    **NARROW,
)

# What somebody wants run again, or after all, of a range of a schedule's moments.
backfills = Table(
    "onbeat_backfills",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("schedule", Identity, nullable=False),
    Column("begin_at", Moment, nullable=False),
    Column("end_at", Moment, nullable=False),
    Column("at_once", Integer, nullable=False),
    Column("lane", Small, nullable=False),
    Column("total", Integer, nullable=False),
    Column("by", Prose, nullable=False),
    Column("why", Prose),
    Column("created_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("stopped", Prose),
    **NARROW,
)

_goes = backfills.c.ended_at.is_(None)
Index(
    "onbeat_backfills_open",
    backfills.c.id,
    postgresql_where=_goes,
    sqlite_where=_goes,
)
Index("onbeat_backfills_by_schedule", backfills.c.schedule, backfills.c.id)

reruns = Table(
    "onbeat_reruns",
    metadata,
    Column("backfill", Identity, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("schedule", Identity, nullable=False),
    Column("job", Identity),
    Column("ended", Small, nullable=False, server_default="0"),
    PrimaryKeyConstraint("backfill", "due_at", name="onbeat_reruns_pkey"),
    Index("onbeat_reruns_by_schedule", "schedule", "due_at"),
    **NARROW,
)

_waits = reruns.c.job.is_(None)
Index(
    "onbeat_reruns_waiting",
    reruns.c.backfill,
    reruns.c.due_at,
    postgresql_where=_waits,
    sqlite_where=_waits,
)
_stands = reruns.c.job.is_not(None) & (reruns.c.ended == 0)
Index(
    "onbeat_reruns_open",
    reruns.c.backfill,
    reruns.c.job,
    postgresql_where=_stands,
    sqlite_where=_stands,
)

PARTITIONED_BY_MONTH = ("onbeat_jobs", "onbeat_occurrences")
PARTITIONED_BY_DAY = ("onbeat_finished", "onbeat_attempts", "onbeat_logs")
