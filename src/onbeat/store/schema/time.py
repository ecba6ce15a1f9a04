"""Schedules and their ledger, virtual clocks, calendars, backfills."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from onbeat.store.column_types import Big, Identity, JsonText, Moment, Name, Prose, Small
from onbeat.store.schema.kinds import NARROW, metadata

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
    # What ties its jobs to others.
    Column("ties", Prose),
    # Whose it is, which its ties tell too; null where it is nobody's.
    Column("owner", Name),
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

_is_owned = schedules.c.owner.is_not(None)
Index(
    "onbeat_schedules_by_owner",
    schedules.c.owner,
    schedules.c.name,
    postgresql_where=_is_owned,
    sqlite_where=_is_owned,
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

# What made no job is looked for by time, whosever it was.
HAS_LAPSED = text("outcome IN ('missed', 'skipped')")
Index(
    "onbeat_occurrences_lapsed",
    occurrences.c.outcome,
    occurrences.c.due_at,
    postgresql_where=HAS_LAPSED,
    sqlite_where=HAS_LAPSED,
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
