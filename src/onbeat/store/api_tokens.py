"""Tokens of the API, cold: what is kept of each is its digest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, insert, or_, select, update

from onbeat.domain.access import Permission
from onbeat.domain.errors import NotFound
from onbeat.domain.users import ApiToken
from onbeat.store.schema import tokens

USE_NOTED_EVERY = timedelta(minutes=1)
"""How exactly it is known when a token was last used: a write for each request would cost more."""


def create(connection: Connection, now: datetime, token: ApiToken, digest: str) -> ApiToken:
    """Add one."""
    connection.execute(
        insert(tokens).values(
            id=token.id, digest=digest, kind=token.kind, shown=token.shown, name=token.name,
            user=token.user, scopes=msgspec.json.encode(sorted(token.scopes)).decode(),
            owner=token.owner, created_at=now, created_by=token.created_by,
            expires_at=token.expires_at,
        )
    )  # fmt: skip
    return find(connection, now, token.id)


def find(connection: Connection, now: datetime, token: str) -> ApiToken:
    """The token of that id. Raises NotFound."""
    row = connection.execute(select(tokens).where(tokens.c.id == token)).first()
    if row is None:
        raise NotFound(f"no token {token}", "tokens")
    return _token(row)


def of_digest(connection: Connection, now: datetime, digest: str) -> ApiToken | None:
    """The token whose text has that digest."""
    row = connection.execute(select(tokens).where(tokens.c.digest == digest)).first()
    return None if row is None else _token(row)


def used(connection: Connection, now: datetime, token: str) -> None:
    """Note that it was used, to the minute."""
    is_stale = or_(tokens.c.used_at.is_(None), tokens.c.used_at < now - USE_NOTED_EVERY)
    connection.execute(update(tokens).where(tokens.c.id == token, is_stale).values(used_at=now))


def list_tokens(
    connection: Connection, now: datetime, *, user: str | None = None, after: str = "",
    limit: int = 100,
) -> Sequence[ApiToken]:  # fmt: skip
    """Tokens in the order in which they were made; with `user`, only that person's.

    The one-time ones of the first set-up are none that anybody made.
    """
    wanted = select(tokens).where(tokens.c.kind != "set").order_by(tokens.c.id).limit(limit)
    if after:
        wanted = wanted.where(tokens.c.id > after)
    if user is not None:
        wanted = wanted.where(tokens.c.user == user)
    return [_token(row) for row in connection.execute(wanted)]


def revoke(connection: Connection, now: datetime, token: str) -> ApiToken:
    """Let it in no more, from now on. Raises NotFound."""
    find(connection, now, token)
    connection.execute(
        update(tokens).where(tokens.c.id == token, tokens.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )  # fmt: skip
    return find(connection, now, token)


def revoke_kind(connection: Connection, now: datetime, kind: str) -> None:
    """Let none of that kind in any more."""
    connection.execute(
        update(tokens).where(tokens.c.kind == kind, tokens.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )  # fmt: skip


def _token(row: Row[Any]) -> ApiToken:
    return ApiToken(
        id=row.id, kind=row.kind, shown=row.shown, name=row.name, user=row.user,
        scopes=frozenset(Permission(each) for each in msgspec.json.decode(row.scopes)),
        owner=row.owner, created_at=row.created_at, created_by=row.created_by,
        expires_at=row.expires_at, used_at=row.used_at, revoked_at=row.revoked_at,
    )  # fmt: skip
