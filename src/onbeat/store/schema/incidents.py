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
