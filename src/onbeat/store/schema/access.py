"""Who may come in, what they did, and how often somebody guessed wrong."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table, Text

from onbeat.store.column_types import Identity, JsonText, Moment, Name, Prose, Small
from onbeat.store.schema.kinds import NARROW, metadata

users = Table(
    "onbeat_users",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("name", Name, nullable=False, unique=True),
    Column("role", Name, nullable=False),
    # What may be done besides what the role allows, as a JSON array.
    Column("grants", JsonText, nullable=False),
    # As argon2 writes it; null for one who cannot sign in with a password.
    Column("password", Text),
    Column("created_at", Moment, nullable=False),
    Column("created_by", Prose, nullable=False),
    Column("signed_in_at", Moment),
    Column("disabled_at", Moment),
    **NARROW,
)

# A person's sessions in browsers; `onbeat_sessions` are those of workers.
logins = Table(
    "onbeat_logins",
    metadata,
    # SHA-256 of what the cookie holds.
    Column("digest", Name, primary_key=True),
    Column("user", Identity, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("address", Prose, nullable=False),
    Column("agent", Prose, nullable=False),
    Index("onbeat_logins_by_user", "user"),
    Index("onbeat_logins_by_expiry", "expires_at"),
    **NARROW,
)

tokens = Table(
    "onbeat_tokens",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("digest", Name, nullable=False, unique=True),
    Column("kind", Name, nullable=False),
    # Its first characters, to tell it from others.
    Column("shown", Name, nullable=False),
    Column("name", Prose, nullable=False),
    # Whose it is; it allows no more than this user may. Null for a service's.
    Column("user", Identity),
    Column("scopes", JsonText, nullable=False),
    Column("owner", Name),
    Column("created_at", Moment, nullable=False),
    Column("created_by", Prose, nullable=False),
    Column("expires_at", Moment),
    Column("used_at", Moment),
    Column("revoked_at", Moment),
    Index("onbeat_tokens_by_user", "user"),
    **NARROW,
)

# Only ever added to.
audit = Table(
    "onbeat_audit",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("actor_kind", Name, nullable=False),
    Column("actor", Name, nullable=False),
    Column("actor_name", Name, nullable=False),
    Column("action", Name, nullable=False),
    Column("subject_kind", Name, nullable=False),
    Column("subject", Name, nullable=False),
    Column("before", JsonText),
    Column("after", JsonText),
    Column("address", Prose),
    Column("request", Name),
    Index("onbeat_audit_by_subject", "subject_kind", "subject", "id"),
    Index("onbeat_audit_by_actor", "actor_name", "id"),
    Index("onbeat_audit_by_action", "action", "id"),
    **NARROW,
)

# Counts that the fleet shares: wrong guesses, by what was guessed at and from where, and calls.
guesses = Table(
    "onbeat_guesses",
    metadata,
    Column("subject", Name, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("last_at", Moment, nullable=False),
    Column("closed_until", Moment),
    Index("onbeat_guesses_by_moment", "last_at"),
    **NARROW,
)

# Of requests that may be sent again: who asked for what, and what was answered.
request_keys = Table(
    "onbeat_request_keys",
    metadata,
    # A digest of the key and of who asks.
    Column("identity", Name, primary_key=True),
    # A digest of method, address and body.
    Column("asked", Name, nullable=False),
    Column("who", Prose, nullable=False),
    Column("taken_at", Moment, nullable=False),
    Column("subject_kind", Name),
    Column("subject", Name),
    # Whether there will be no answer.
    Column("is_lost", Small, nullable=False),
    Column("status", Integer),
    Column("headers", JsonText),
    # Sealed where it shows a secret.
    Column("body", Text),
    Column("is_sealed", Small, nullable=False),
    Index("onbeat_request_keys_by_moment", "taken_at"),
    **NARROW,
)
