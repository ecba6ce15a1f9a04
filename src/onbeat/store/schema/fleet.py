"""Processes and workers, what they know of tasks, singleton duties, and queues."""

from __future__ import annotations

from sqlalchemy import Column, Integer, Table, Text

from onbeat.store.column_types import Identity, JsonText, Moment, Name, Prose, Small
from onbeat.store.schema.kinds import NARROW, metadata

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
    # How many jobs it held when it was given up; null for one that ended by itself.
    Column("lost", Integer),
    **NARROW,
)

# Every process that runs services, with how each of them stands.
processes = Table(
    "onbeat_processes",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("instance", Prose, nullable=False),
    Column("host", Prose, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("version", Text, nullable=False),
    Column("region", Text),
    Column("started_at", Moment, nullable=False),
    Column("heartbeat_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("services", JsonText, nullable=False),
    **NARROW,
)

# What is wanted of a service; the process that runs it notes what came of it.
wishes = Table(
    "onbeat_wishes",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("process", Identity, nullable=False),
    Column("service", Name, nullable=False),
    Column("action", Name, nullable=False),
    Column("asked_at", Moment, nullable=False),
    Column("asked_by", Prose, nullable=False),
    Column("done_at", Moment),
    Column("error", Prose),
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

# What workers know of their tasks, for who shows jobs without the application.
tasks = Table(
    "onbeat_tasks",
    metadata,
    Column("name", Name, primary_key=True),
    # The task's name now, where this is a former one.
    Column("runs_as", Name),
    # Where in its arguments the secrets are, as a JSON array of paths.
    Column("secrets", JsonText),
    Column("changed_at", Moment, nullable=False),
    # What all its jobs can be found by, as a JSON array; null where there is none.
    Column("tags", JsonText),
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
