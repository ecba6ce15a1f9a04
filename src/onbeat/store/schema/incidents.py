"""What is wrong or was: incidents, and every change of theirs, from which people are told."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, Table, Text, text

from onbeat.store.column_types import Big, Identity, JsonText, Moment, Name, Prose, Small
from onbeat.store.schema.kinds import NARROW, metadata

incidents = Table(
    "onbeat_incidents",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("rule", Name, nullable=False),
    # Whose: a task, schedule, queue, worker, service, channel, or the whole system.
    Column("kind", Name, nullable=False),
    Column("subject", Name, nullable=False),
    # What people call it.
    Column("name", Text, nullable=False),
    Column("severity", Name, nullable=False),
    Column("state", Name, nullable=False),
    Column("opened_at", Moment, nullable=False),
    # The last time it was still so, and how many times it was found to be.
    Column("seen_at", Moment, nullable=False),
    Column("seen", Big, nullable=False),
    # How often it was opened again instead of a new one.
    Column("reopened", Integer, nullable=False),
    Column("flapping", Small, nullable=False),
    Column("state_at", Moment, nullable=False),
    Column("state_by", Text, nullable=False),
    Column("snoozed_until", Moment),
    Column("resolved_at", Moment),
    # The rule of the incident whose consequence it is; nobody is told of it then.
    Column("inhibited_by", Name),
    # The silence that covers it; nobody is told of it then.
    Column("silenced_by", Identity),
    # What is wrong, since when, the last error and its place, the last good run, what to try.
    Column("facts", JsonText, nullable=False),
    # One at a time of a rule about the same; who opens a second finds out.
    Index(
        "onbeat_incidents_open",
        "rule",
        "kind",
        "subject",
        unique=True,
        postgresql_where=text("state <> 'resolved'"),
        sqlite_where=text("state <> 'resolved'"),
    ),
    Index("onbeat_incidents_by_state", "state", "id"),
    Index("onbeat_incidents_by_end", "resolved_at"),
    **NARROW,
)

incident_changes = Table(
    "onbeat_incident_changes",
    metadata,
    Column("incident", Identity, nullable=False),
    # Of its incident, from 1 on.
    Column("number", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    # opened, reopened, worsened, acknowledged, snoozed, woken, flapping, resolved, noted
    Column("what", Name, nullable=False),
    Column("by", Text, nullable=False),
    Column("note", Prose),
    # Whether it was looked at who is to be told: the dispatcher reads those that were not.
    Column("routed", Small, nullable=False),
    PrimaryKeyConstraint("incident", "number", name="onbeat_incident_changes_pkey"),
    Index(
        "onbeat_incident_changes_unrouted",
        "at",
        postgresql_where=text("routed = 0"),
        sqlite_where=text("routed = 0"),
    ),
    **NARROW,
)

# What opens incidents: those that were made, and what was changed of those that come with Onbeat.
rules = Table(
    "onbeat_rules",
    metadata,
    Column("name", Name, primary_key=True),
    Column("condition", Name, nullable=False),
    Column("kind", Name, nullable=False),
    Column("severity", Name, nullable=False),
    Column("limits", JsonText, nullable=False),
    Column("selector", JsonText, nullable=False),
    # Microseconds for which the condition must hold.
    Column("lasts", Big, nullable=False),
    Column("open_after", Integer, nullable=False),
    Column("close_after", Integer, nullable=False),
    Column("enabled", Small, nullable=False),
    Column("version", Integer, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("changed_by", Prose, nullable=False),
    **NARROW,
)

# What is remembered of a subject of which a rule's condition holds, or did a while ago.
conditions = Table(
    "onbeat_conditions",
    metadata,
    Column("rule", Name, nullable=False),
    Column("kind", Name, nullable=False),
    Column("subject", Name, nullable=False),
    Column("bad", Integer, nullable=False),
    Column("good", Integer, nullable=False),
    Column("since_at", Moment),
    Column("is_open", Small, nullable=False),
    Column("dismissed_at", Moment),
    PrimaryKeyConstraint("rule", "kind", "subject", name="onbeat_conditions_pkey"),
    **NARROW,
)

# By what nobody is told of some incidents for a time: they are on record all the same.
silences = Table(
    "onbeat_silences",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("matcher", JsonText, nullable=False),
    Column("reason", Prose, nullable=False),
    Column("begins_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Column("by", Prose, nullable=False),
    Column("created_at", Moment, nullable=False),
    # Where it holds again and again between the two: when each time begins, how long it lasts.
    Column("windows", JsonText),
    Index("onbeat_silences_by_end", "ends_at"),
    **NARROW,
)

# From when on a success of a schedule is due, since its last one: what is stale is found by one
# probe. The watcher moves it on with each success; the judge walks the schedules for the others.
expectations = Table(
    "onbeat_expectations",
    metadata,
    Column("schedule", Identity, primary_key=True),
    Column("since_at", Moment, nullable=False),
    # Which edit of the schedule it is of, and how many of its moments had been missed.
    Column("version", Integer, nullable=False),
    Column("missed", Big, nullable=False),
    Column("missed_at", Moment),
    Index("onbeat_expectations_due", "since_at"),
    Index(
        "onbeat_expectations_missed",
        "missed_at",
        postgresql_where=text("missed_at IS NOT NULL"),
        sqlite_where=text("missed_at IS NOT NULL"),
    ),
    **NARROW,
)
