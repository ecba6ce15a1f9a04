"""What is done to many jobs, and how far it has come."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table

from onbeat.store.column_types import Identity, JsonText, Moment, Name, Prose, Small
from onbeat.store.schema.kinds import NARROW, metadata

operations = Table(
    "onbeat_operations",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("action", Name, nullable=False),
    # Which jobs: the filter, and those that are named, if any are.
    Column("said", JsonText, nullable=False),
    Column("ids", JsonText),
    Column("reason", Prose, nullable=False),
    # Whose jobs alone; null for everybody's.
    Column("owner", Name),
    Column("actor_kind", Name),
    Column("actor", Name),
    Column("actor_name", Name),
    Column("by", Prose, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("total", Integer, nullable=False),
    Column("is_total_exact", Small, nullable=False),
    Column("done", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    # The first jobs that could not be changed, and why.
    Column("failures", JsonText, nullable=False),
    # Behind which job the next batch begins, and how many were looked at.
    Column("place", Identity),
    Column("looked_at", Integer, nullable=False),
    # Null while it goes on.
    Column("stage", Name),
    Column("ended_at", Moment),
    Index("onbeat_operations_by_end", "ended_at"),
    Index("onbeat_operations_by_owner", "owner", "id"),
    **NARROW,
)
