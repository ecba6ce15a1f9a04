"""What goes to the outside, webhooks and the record of what was sent to them; and what came from
there and did not fit.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table, Text

from onbeat.store.column_types import Big, Identity, JsonText, Moment, Name, Prose, Small
from onbeat.store.schema.kinds import NARROW, metadata

webhooks = Table(
    "onbeat_webhooks",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("owner", Name, nullable=False),
    Column("url", Text, nullable=False),
    Column("events", JsonText, nullable=False),
    # Sealed with a key that is not in the database, as is the one it took the place of: messages
    # are signed with that too until its time is over.
    Column("secret", Text, nullable=False),
    Column("former_secret", Text),
    Column("former_until", Moment),
    Column("enabled", Small, nullable=False),
    Column("disabled_at", Moment),
    Column("disabled_why", Prose),
    Column("created_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Index("onbeat_webhooks_by_owner", "owner", "id"),
    **NARROW,
)

deliveries = Table(
    "onbeat_deliveries",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("webhook", Identity, nullable=False),
    Column("job", Identity, nullable=False),
    Column("message", Name, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Column("latency", Big),
    Column("status", Integer),
    Column("error", Prose),
    Column("answer", Prose),
    Index("onbeat_deliveries_by_webhook", "webhook", "id"),
    **NARROW,
)

# What jobs wait for that a target works on, until they have looked at what it said.
callbacks = Table(
    "onbeat_callbacks",
    metadata,
    Column("job", Identity, primary_key=True),
    # When the target took it; null until it has answered.
    Column("accepted_at", Moment),
    Column("expires_at", Moment, nullable=False),
    Column("said_at", Moment),
    Column("is_done", Small),
    # JSON: a result, or what went wrong.
    Column("said", Text),
    **NARROW,
)

set_aside = Table(
    "onbeat_set_aside",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("source", Name, nullable=False),
    Column("channel", Name, nullable=False),
    Column("message", Name, nullable=False),
    Column("reason", Prose, nullable=False),
    Column("body", Prose, nullable=False),
    Column("at", Moment, nullable=False),
    Index("onbeat_set_aside_by_source", "source", "id"),
    **NARROW,
)
