"""How tasks, schedules and queues fare, folded from what has ended."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, Table, text

from onbeat.store.column_types import Big, JsonText, Moment, Name, Prose, Real
from onbeat.store.schema.kinds import NARROW, metadata

health = Table(
    "onbeat_health",
    metadata,
    Column("kind", Name, nullable=False),
    Column("subject", Name, nullable=False),
    # Of all its ends that were folded.
    Column("completed", Big, nullable=False),
    Column("failed", Big, nullable=False),
    Column("cancelled", Big, nullable=False),
    Column("attempts", Big, nullable=False),
    Column("last_success_at", Moment),
    Column("last_failure_at", Moment),
    Column("failed_since", Big, nullable=False),
    Column("completed_since", Big, nullable=False),
    PrimaryKeyConstraint("kind", "subject", name="onbeat_health_pkey"),
    # Rules look at what failed of late; what only completes is not in it.
    Index(
        "onbeat_health_failing",
        "kind",
        "last_failure_at",
        postgresql_where=text("last_failure_at IS NOT NULL"),
        sqlite_where=text("last_failure_at IS NOT NULL"),
    ),
    **NARROW,
)

rollups = Table(
    "onbeat_rollups",
    metadata,
    Column("kind", Name, nullable=False),
    Column("subject", Name, nullable=False),
    Column("span", Integer, nullable=False),
    Column("begins_at", Moment, nullable=False),
    Column("completed", Big, nullable=False),
    Column("failed", Big, nullable=False),
    Column("cancelled", Big, nullable=False),
    Column("attempts", Big, nullable=False),
    # How many completed runs lie in each bucket of duration.
    Column("took", JsonText, nullable=False),
    PrimaryKeyConstraint("kind", "subject", "span", "begins_at", name="onbeat_rollups_pkey"),
    Index("onbeat_rollups_by_age", "span", "begins_at"),
    **NARROW,
)

# Up to which moment what is read by a cursor has been folded; and when something was last edited
# that answers show which are kept (store/editions.py).
folds = Table(
    "onbeat_folds",
    metadata,
    Column("name", Name, primary_key=True),
    Column("folded_to", Moment, nullable=False),
    **NARROW,
)

# What all processes have counted of what they did, ever: so many lie in each bucket of a duration.
meters = Table(
    "onbeat_meters",
    metadata,
    Column("meter", Name, nullable=False),
    # As a JSON array of texts: names first, then words of which there are few.
    Column("labels", Name, nullable=False),
    Column("bucket", Integer, nullable=False),
    Column("number", Big, nullable=False),
    Column("seconds", Real, nullable=False),
    PrimaryKeyConstraint("meter", "labels", "bucket", name="onbeat_meters_pkey"),
    **NARROW,
    # Each process rewrites its rows with every heartbeat: room on the page keeps them in place.
    postgresql_with={"fillfactor": "50"},
)

# How well a task, a schedule or a queue is to do, as somebody set it; by the names people use.
objectives = Table(
    "onbeat_objectives",
    metadata,
    Column("kind", Name, nullable=False),
    Column("name", Name, nullable=False),
    Column("target", Real, nullable=False),
    # Seconds.
    Column("window", Integer, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("changed_by", Prose, nullable=False),
    PrimaryKeyConstraint("kind", "name", name="onbeat_objectives_pkey"),
    **NARROW,
)
