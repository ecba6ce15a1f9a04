"""Users, tokens and the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from onbeat.cli.output.tables import Cell, Column
from onbeat.cli.output.words import since
from onbeat.domain.audit import Entry
from onbeat.domain.users import ApiToken, User

USERS = (Column("NAME", bends=True), Column("ROLE"), Column("GRANTS", bends=True),
         Column("SIGNED IN"), Column("STATE"))  # fmt: skip
TOKENS = (Column("ID"), Column("TOKEN"), Column("NAME", bends=True),
          Column("SCOPES", bends=True), Column("USED"), Column("ENDS"))  # fmt: skip
AUDIT = (Column("WHEN"), Column("WHO", bends=True), Column("WHAT"), Column("ON", bends=True),
         Column("FROM", spare=True))  # fmt: skip


def user_rows(users: Sequence[User], now: datetime) -> list[list[Cell]]:
    """The rows of a list of users."""
    return [
        [user.name, user.role, ", ".join(sorted(user.grants)), since(user.signed_in_at, now),
         "disabled" if user.disabled_at else "" if user.has_password else "no password"]
        for user in users
    ]  # fmt: skip


def token_rows(tokens: Sequence[ApiToken], now: datetime) -> list[list[Cell]]:
    """The rows of a list of tokens."""
    return [
        [token.id, token.shown + "…", token.name, ", ".join(sorted(token.scopes)),
         since(token.used_at, now), _end(token, now)]
        for token in tokens
    ]  # fmt: skip


def _end(token: ApiToken, now: datetime) -> str:
    if token.revoked_at is not None:
        return f"revoked {since(token.revoked_at, now)}"
    return "never" if token.expires_at is None else since(token.expires_at, now)


def entry_rows(entries: Sequence[Entry], now: datetime) -> list[list[Cell]]:
    """The rows of a list of entries."""
    return [
        [since(entry.at, now), f"{entry.actor_kind}:{entry.actor_name}", entry.action,
         f"{entry.subject_kind}/{entry.subject}", entry.address or ""]
        for entry in entries
    ]  # fmt: skip
