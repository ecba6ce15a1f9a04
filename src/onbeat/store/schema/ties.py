"""What ties jobs to each other: limits, unique keys, breakers, workflows; what they are found by,
and what ends them.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, Table

from onbeat.store.column_types import Big, Identity, JsonText, Moment, Name, Prose, Small
from onbeat.store.schema.kinds import BUSY, NARROW, metadata

# A bound on how many run at once, how many begin in a time, or both; "queue/NAME" bounds a queue.
limits = Table(
    "onbeat_limits",
    metadata,
    Column("name", Name, primary_key=True),
    Column("concurrency", Integer),
    # So many may begin in each period (microseconds), after a rest `burst` of them at once.
    Column("rate", Integer),
    Column("period", Big),
    Column("burst", Integer),
    # What the code says, as JSON; null where it was made by hand.
    Column("declared", JsonText),
    # Whether somebody set it at run time: then code no longer changes it.
    Column("by_hand", Small, nullable=False, server_default="0"),
    Column("changed_at", Moment, nullable=False),
    Column("changed_by", Prose, nullable=False),
    **NARROW,
)

# One for each key of a limit that is in use: who holds it and who waits for it are counted here.
slots = Table(
    "onbeat_slots",
    metadata,
    # The limit's name, and after a colon the key.
    Column("slot", Name, primary_key=True),
    Column("limit", Name, nullable=False),
    Column("used", Integer, nullable=False),
    Column("waiting", Integer, nullable=False),
    # Whether it was seen to have no room; whoever gives a place back says that it may have.
    Column("full", Small, nullable=False),
    # The first moment at which its rate lets another begin; in the past when one may at once.
    Column("open_at", Moment, nullable=False),
    # Up to which moment its rate is used up, in the algorithm's own time (see domain/limits.py).
    Column("spent_at", Moment, nullable=False),
    **NARROW,
    # Each job rewrites its slot twice: room on the page keeps those rewrites in place.
    postgresql_with={**BUSY["postgresql_with"], "fillfactor": "50"},
)

_waited_for = (slots.c.waiting > 0) & (slots.c.full == 0)
Index(
    "onbeat_slots_open",
    slots.c.open_at,
    postgresql_where=_waited_for,
    sqlite_where=_waited_for,
)
Index("onbeat_slots_by_limit", slots.c.limit, slots.c.slot)

# Whoever has the row is the one job of that key.
uniques = Table(
    "onbeat_uniques",
    metadata,
    Column("key", Identity, primary_key=True),
    Column("job", Identity, nullable=False),
    # When the key is free again whatever became of the job; null while the job holds it.
    Column("expires_at", Moment),
    **NARROW,
    **BUSY,
)

_ends = uniques.c.expires_at.is_not(None)
Index(
    "onbeat_uniques_expiring",
    uniques.c.expires_at,
    postgresql_where=_ends,
    sqlite_where=_ends,
)

# What jobs are found by, their tags and owners, of those that have any; they stand in the ties of
# the job too, by which its rows here are found.
marks = Table(
    "onbeat_marks",
    metadata,
    Column("mark", Name, nullable=False),
    Column("job", Identity, nullable=False),
    PrimaryKeyConstraint("mark", "job", name="onbeat_marks_pkey"),
    **NARROW,
)

# Jobs that are called off when they have not begun by then.
deadlines = Table(
    "onbeat_deadlines",
    metadata,
    Column("job", Identity, primary_key=True),
    Column("expires_at", Moment, nullable=False),
    Index("onbeat_deadlines_by_moment", "expires_at", "job"),
    **NARROW,
    **BUSY,
)

breakers = Table(
    "onbeat_breakers",
    metadata,
    Column("name", Name, primary_key=True),
    Column("state", Name, nullable=False),
    # Failures in a row while it is closed, successes in a row while it is half open.
    Column("counted", Integer, nullable=False),
    Column("threshold", Integer, nullable=False),
    # How long it stays open (microseconds), and how many may then try at once.
    Column("open_for", Big, nullable=False),
    Column("probes", Integer, nullable=False),
    Column("opened_at", Moment),
    Column("open_until", Moment),
    Column("reason", Prose),
    Column("declared", JsonText),
    Column("by_hand", Small, nullable=False, server_default="0"),
    Column("changed_at", Moment, nullable=False),
    Column("changed_by", Prose, nullable=False),
    **NARROW,
)

workflows = Table(
    "onbeat_workflows",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("name", Prose, nullable=False),
    # What becomes of the others when one fails: `end` or `continue`.
    Column("on_failure", Name, nullable=False),
    Column("total", Integer, nullable=False),
    Column("ended", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("cancelled", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("ended_at", Moment),
    **NARROW,
)

members = Table(
    "onbeat_workflow_jobs",
    metadata,
    Column("workflow", Identity, nullable=False),
    Column("job", Identity, nullable=False),
    Column("label", Prose, nullable=False),
    # The job whose end called it off; null for one that ended otherwise, or has not ended.
    Column("called_off_by", Identity),
    PrimaryKeyConstraint("workflow", "job", name="onbeat_workflow_jobs_pkey"),
    Index("onbeat_workflow_jobs_by_job", "job"),
    **NARROW,
)

# A job waits for a parent: for its success, or for whatever end it has.
dependencies = Table(
    "onbeat_dependencies",
    metadata,
    Column("parent", Identity, nullable=False),
    Column("job", Identity, nullable=False),
    Column("on", Name, nullable=False),
    PrimaryKeyConstraint("parent", "job", name="onbeat_dependencies_pkey"),
    Index("onbeat_dependencies_by_job", "job"),
    **NARROW,
)

# Ends that somebody waits for, written with the end itself and taken away when they are dealt with.
ends = Table(
    "onbeat_ends",
    metadata,
    Column("job", Identity, primary_key=True),
    Column("state", Name, nullable=False),
    Column("at", Moment, nullable=False),
    **NARROW,
    **BUSY,
)

# The queues of regions: which region each is of (null for the queue of last resort), when a live
# worker last served it, and what was said of all of them together.
regions = Table(
    "onbeat_regions",
    metadata,
    Column("queue", Name, primary_key=True),
    Column("region", Name),
    Column("source", Name, nullable=False),
    Column("said", JsonText, nullable=False),
    Column("declared_at", Moment, nullable=False),
    Column("served_at", Moment),
    **NARROW,
)

# How long and how many of what has ended is kept, where that is not as the settings say.
retention = Table(
    "onbeat_retention",
    metadata,
    # `task`, `queue` or `schedule`, and which.
    Column("scope", Name, nullable=False),
    Column("name", Name, nullable=False),
    # Microseconds, and how many of the newest.
    Column("completed_for", Big),
    Column("completed_last", Integer),
    Column("failed_for", Big),
    Column("failed_last", Integer),
    Column("declared", JsonText),
    Column("by_hand", Small, nullable=False, server_default="0"),
    Column("changed_at", Moment, nullable=False),
    Column("changed_by", Prose, nullable=False),
    PrimaryKeyConstraint("scope", "name", name="onbeat_retention_pkey"),
    **NARROW,
)
