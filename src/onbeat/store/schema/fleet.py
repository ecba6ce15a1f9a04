"""Worker processes, singleton duties, and queues."""

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
