"""Commands on tokens of the API, and on the audit log."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection

from onbeat.app.context import Context
from onbeat.domain import api_tokens as texts
from onbeat.domain.access import Permission, Principal, check_owner
from onbeat.domain.audit import Entry
from onbeat.domain.errors import Forbidden, InvalidInput, NotFound
from onbeat.domain.jobs import check_page
from onbeat.domain.users import TOKEN_FOR, ApiToken
from onbeat.store import api_tokens as stored
from onbeat.store import audit, users
from onbeat.store.audit import AuditFilter

LONGEST_NAME = 100
LONGEST_LIFE = timedelta(days=3_650)


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token just made: its text is shown now and never again."""

    token: ApiToken
    text: str = field(repr=False)


class ApiTokens:
    """`ob.tokens`: what programs come in with."""

    def __init__(self, context: Context) -> None:
        """Made by the application."""
        self._context = context

    async def create(
        self,
        name: str,
        scopes: frozenset[Permission],
        *,
        by: str,
        user: str | None = None,
        owner: str | None = None,
        expires_in: timedelta | None = TOKEN_FOR,
    ) -> NewToken:
        """Make a token that allows `scopes`: of the user of that name, else a service's own.

        With an `owner` it sees and touches that owner's rows alone. It is good for 90 days unless
        told otherwise; with `expires_in` None until it is revoked. Raises InvalidInput, NotFound,
        and Forbidden for scopes that the user has not.
        """
        _check_name(name)
        _check_life(expires_in)
        if not scopes:
            raise InvalidInput("scopes", "none is given; give what it is to be allowed")
        if owner is not None:
            check_owner(owner)
        kind = "svc" if user is None else "pat"
        text = texts.make(kind, secrets.token_bytes(texts.BYTES))
        identity = (await self._context.store()).new_id()

        def make(connection: Connection, now: datetime) -> ApiToken:
            whose = None if user is None else users.find(connection, now, user)
            if whose is not None and (beyond := scopes - whose.permissions):
                raise Forbidden(f"{whose.name} may not do {', '.join(sorted(beyond))}, "
                                "and a token allows no more than its user may")  # fmt: skip
            token = ApiToken(
                id=identity, kind=kind, shown=texts.shown(text), name=name,
                user=None if whose is None else whose.id, scopes=scopes, owner=owner,
                created_at=now, created_by=by,
                expires_at=None if expires_in is None else now + expires_in,
            )  # fmt: skip
            return stored.create(connection, now, token, texts.digest(text))

        made = await self._context.change(
            "token.create", ("token", identity), make, look=partial(_look, token=identity)
        )
        return NewToken(made, text)

    async def find(self, token: str) -> ApiToken:
        """The token of that id. Raises NotFound."""
        return await self._context.read(partial(stored.find, token=token))

    async def list(
        self, *, user: str | None = None, after: str = "", limit: int = 100
    ) -> Sequence[ApiToken]:
        """Tokens, those of a user alone where one is named. Raises InvalidInput, NotFound."""
        check_page(limit)

        def listed(connection: Connection, now: datetime) -> Sequence[ApiToken]:
            whose = None if user is None else users.find(connection, now, user).id
            return stored.list_tokens(connection, now, user=whose, after=after, limit=limit)

        return await self._context.read(listed)

    async def revoke(self, token: str) -> ApiToken:
        """Let it in no more. Raises NotFound."""
        return await self._context.change(
            "token.revoke", ("token", token), partial(stored.revoke, token=token),
            look=partial(_look, token=token),
        )  # fmt: skip

    async def principal_of(self, text: str) -> Principal | None:
        """Who asks with the token of that text; None where it is wrong, over or revoked."""
        if not texts.is_sound(text):
            return None
        found = await self._context.read(partial(_asking, digest=texts.digest(text)))
        if found is None:
            return None
        principal, is_noted = found
        if not is_noted:
            await self._context.write(partial(stored.used, token=principal.id))
        return principal


class Audit:
    """`ob.audit`: who changed what."""

    def __init__(self, context: Context) -> None:
        """Made by the application."""
        self._context = context

    async def list(self, wanted: AuditFilter | None = None) -> Sequence[Entry]:
        """Entries, the newest first. Raises InvalidInput."""
        asked = wanted or AuditFilter()
        check_page(asked.limit)
        return await self._context.read(partial(audit.list_entries, wanted=asked))

    async def search(self, wanted: AuditFilter) -> tuple[Sequence[Entry], str | None]:
        """Entries that hold the text `wanted.search`, the newest first, and from which to go on;
        None at the end. It looks at 5,000 entries, and may find none in them where there are more.
        Raises InvalidInput.
        """
        check_page(wanted.limit)
        if not wanted.search:
            raise InvalidInput("search", "it is empty; give a text, or leave it out")
        return await self._context.read(partial(audit.search, wanted=wanted))


def _asking(connection: Connection, now: datetime, digest: str) -> tuple[Principal, bool] | None:
    """Who asks with the token, and whether it is noted that it was used just now."""
    token = stored.of_digest(connection, now, digest)
    if token is None or token.kind == "set" or not token.is_good(now):
        return None
    user = None
    if token.user is not None:
        try:
            user = users.of_id(connection, now, token.user)
        except NotFound:
            return None
        if user.disabled_at is not None:
            return None
    is_noted = token.used_at is not None and now - token.used_at < stored.USE_NOTED_EVERY
    return token.principal(user), is_noted


def _look(connection: Connection, now: datetime, token: str) -> Mapping[str, Any] | None:
    try:
        found = stored.find(connection, now, token)
    except NotFound:
        return None
    return {
        "name": found.name, "shown": found.shown, "scopes": sorted(found.scopes),
        "owner": found.owner, "revoked": found.revoked_at is not None,
    }  # fmt: skip


def _check_name(name: str) -> None:
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise InvalidInput("name", f"it is not 1 to {LONGEST_NAME} characters; say what it is for")


def _check_life(life: timedelta | None) -> None:
    if life is not None and not timedelta() < life <= LONGEST_LIFE:
        raise InvalidInput("expires_in", f"{life} is out of range; give up to 3650 days, or none")
