"""Tokens: one's own, and for those who may manage users everybody's."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from fastapi import Path, Query, Request

from onbeat.api.auth import allowed, gate_of
from onbeat.api.bodies import routes
from onbeat.api.openapi import CLOSED, READS, WRITES
from onbeat.api.paging import After, Limit, Listed, listed, place
from onbeat.api.schemas.access import TokenIn, TokenMade, TokenOut
from onbeat.domain.access import Permission, Principal
from onbeat.domain.errors import Forbidden, NotFound
from onbeat.domain.jobs import parse_job_id
from onbeat.domain.users import ApiToken

router = routes("/tokens", "access")
EXTRA = {"security": CLOSED}
Anybody = Annotated[Principal, allowed(own=True)]


@router.get("", operation_id="tokens_list", responses=READS, openapi_extra=EXTRA)
async def list_tokens(
    request: Request,
    asker: Anybody,
    limit: Limit = 50,
    after: After = None,
    *,
    everybody: Annotated[bool, Query(description="Not one's own alone; for admins.")] = False,
) -> Listed[TokenOut]:
    """Tokens in the order in which they were made."""
    if everybody:
        asker.need(Permission.USERS_MANAGE)
    user = None if everybody else _person(asker)
    key = place(after, everybody)
    found = await gate_of(request).ob.tokens.list(
        user=user, after=key if isinstance(key, str) else "", limit=limit + 1
    )
    return Listed[TokenOut].model_validate(
        listed([_out(each) for each in found], limit, lambda each: each.id, everybody)
    )


@router.post("", operation_id="tokens_create", status_code=201, responses=WRITES,
             openapi_extra=EXTRA)  # fmt: skip
async def create_token(request: Request, asker: Anybody, body: TokenIn) -> TokenMade:
    """Make a token; the answer is the only place where its text is shown.

    It allows no more than its user may. A service's own is of no user: for those who may manage
    users.
    """
    scopes = frozenset(body.scopes)
    if body.service:
        asker.need(Permission.USERS_MANAGE)
    if beyond := scopes - asker.permissions:
        raise Forbidden(f"{asker.name} may not do {', '.join(sorted(beyond))}, and cannot allow it")
    days = body.expires_in_days
    made = await gate_of(request).ob.tokens.create(
        body.name, scopes, by=asker.name,
        user=None if body.service else _person(asker),
        owner=body.owner if asker.owner is None else asker.owner,
        expires_in=None if days is None else timedelta(days=days),
    )  # fmt: skip
    return TokenMade(token=made.text, **_out(made.token).model_dump())


@router.delete("/{token}", operation_id="tokens_revoke", responses=WRITES, openapi_extra=EXTRA)
async def revoke_token(
    request: Request, asker: Anybody, token: Annotated[str, Path(max_length=100)]
) -> TokenOut:
    """Let it in no more, from now on."""
    ob, wanted = gate_of(request).ob, parse_job_id(token, "token")
    found = await ob.tokens.find(wanted)
    if not asker.may(Permission.USERS_MANAGE):
        mine = None if asker.kind != "user" else asker.id
        if found.user is None or found.user != mine:
            raise NotFound(f"no token {wanted}; GET /api/v1/tokens lists yours")
    return _out(await ob.tokens.revoke(wanted))


def _person(asker: Principal) -> str:
    if asker.kind != "user":
        raise Forbidden("a token makes and lists no tokens; sign in as a person")
    return asker.name


def _out(token: ApiToken) -> TokenOut:
    values: dict[str, Any] = {
        name: getattr(token, name)
        for name in ("id", "kind", "shown", "name", "user", "owner", "created_at", "created_by",
                     "expires_at", "used_at", "revoked_at")
    }  # fmt: skip
    return TokenOut(scopes=sorted(token.scopes), **values)
