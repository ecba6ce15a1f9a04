"""Where incidents are told, what was told there, and what each channel knows of each incident."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, Table, Text, text

from onbeat.store.column_types import Big, Identity, JsonText, Moment, Name, Prose, Small
from onbeat.store.schema.kinds import NARROW, metadata

channels = Table(
    "onbeat_channels",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("name", Name, nullable=False),
    # slack, email, webhook, pagerduty, apprise
    Column("kind", Name, nullable=False),
    # What may be shown of where it leads.
    Column("target", Text, nullable=False),
    # All of where it leads, sealed with a key that is not in the database.
    Column("sealed", Text, nullable=False),
    Column("options", JsonText, nullable=False),
    Column("enabled", Small, nullable=False),
    Column("disabled_at", Moment),
    Column("disabled_why", Prose),
    # What is wrong with it now, though it goes on.
    Column("fault", Prose),
    Column("fault_at", Moment),
    # Nothing is sent there before: a rate, or what the receiver asked for.
    Column("not_before", Moment),
    Column("created_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Index("onbeat_channels_by_name", "name", unique=True),
    **NARROW,
)

UNSETTLED = "state IN ('held', 'due', 'sending')"

notices = Table(
    "onbeat_notices",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("channel", Identity, nullable=False),
    # Of the first change it tells of: routed twice, it is one.
    Column("dedup", Name, nullable=False),
    # opening, resolved, changed, repeated, escalated, more, test
    Column("kind", Name, nullable=False),
    Column("rule", Name, nullable=False),
    Column("severity", Name, nullable=False),
    # What goes into one notice: a rule's openings, or what becomes of those of one notice.
    Column("topic", Name, nullable=False),
    # The notice of the opening that it belongs to; its own id for an opening.
    Column("thread", Identity, nullable=False),
    # held: more may join it; due; sending; sent; failed; dropped
    Column("state", Name, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("due_at", Moment, nullable=False),
    # Who sends it now, and until when that is believed.
    Column("token", Identity),
    Column("lease_until", Moment),
    Column("attempts", Integer, nullable=False),
    Column("settled_at", Moment),
    # How many incidents it tells of, and what of the first of them.
    Column("count", Integer, nullable=False),
    Column("items", JsonText, nullable=False),
    # Why it was dropped, or failed.
    Column("why", Prose),
    Index("onbeat_notices_key", "channel", "dedup", unique=True),
    Index("onbeat_notices_by_topic", "channel", "topic", "due_at"),
    Index("onbeat_notices_by_end", "channel", "settled_at"),
    Index(
        "onbeat_notices_unsettled",
        "channel",
        "due_at",
        postgresql_where=text(UNSETTLED),
        sqlite_where=text(UNSETTLED),
    ),
    **NARROW,
)

notice_attempts = Table(
    "onbeat_notice_attempts",
    metadata,
    Column("notice", Identity, nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Column("latency", Big),
    Column("status", Integer),
    Column("error", Prose),
    Column("answer", Prose),
    PrimaryKeyConstraint("notice", "number", name="onbeat_notice_attempts_pkey"),
    **NARROW,
)

tellings = Table(
    "onbeat_tellings",
    metadata,
    Column("channel", Identity, nullable=False),
    Column("incident", Identity, nullable=False),
    Column("rule", Name, nullable=False),
    Column("thread", Identity, nullable=False),
    # told; seen: acknowledged or snoozed; closed: its end was told too
    Column("state", Name, nullable=False),
    Column("told_at", Moment, nullable=False),
    Column("seen_at", Moment),
    # When it is looked at again: to repeat it, or to tell an end that may not last.
    Column("next_at", Moment),
    Column("escalate_at", Moment),
    PrimaryKeyConstraint("channel", "incident", name="onbeat_tellings_pkey"),
    Index("onbeat_tellings_by_incident", "incident"),
    Index("onbeat_tellings_by_thread", "channel", "thread"),
    Index("onbeat_tellings_by_age", "told_at"),
    Index(
        "onbeat_tellings_next",
        "next_at",
        postgresql_where=text("next_at IS NOT NULL"),
        sqlite_where=text("next_at IS NOT NULL"),
    ),
    Index(
        "onbeat_tellings_escalate",
        "escalate_at",
        postgresql_where=text("escalate_at IS NOT NULL"),
        sqlite_where=text("escalate_at IS NOT NULL"),
    ),
    **NARROW,
)
