"""Tokens: one's own, and for those who may manage users everybody's."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import Path, Query, Request, Response

from onbeat.api.answers import page_of, told
from onbeat.api.auth import allowed, gate_of
from onbeat.api.bodies import routes
from onbeat.api.openapi import CLOSED, READS, WRITES
from onbeat.api.paging import After, Limit, Listed, place
from onbeat.api.schemas.access import TokenIn, TokenMade, TokenOut
from onbeat.app.facts.access import token_data
from onbeat.domain.access import Permission, Principal
from onbeat.domain.errors import Forbidden, NotFound
from onbeat.domain.jobs import parse_job_id

router = routes("/tokens", "access")
EXTRA = {"security": CLOSED}
Anybody = Annotated[Principal, allowed(own=True)]


@router.get(
    "",
    response_model=Listed[TokenOut],
    operation_id="tokens_list",
    responses=READS,
    openapi_extra=EXTRA,
)
async def list_tokens(
    request: Request,
    asker: Anybody,
    limit: Limit = 50,
    after: After = None,
    *,
    everybody: Annotated[bool, Query(description="Not one's own alone; for admins.")] = False,
) -> Response:
    """Tokens in the order in which they were made."""
    if everybody:
        asker.need(Permission.USERS_MANAGE)
    user = None if everybody else _person(asker)
    key = place(after, everybody)
    found = await gate_of(request).ob.tokens.list(user=user, after=key or "", limit=limit + 1)
    return page_of(found, limit, token_data, lambda each: each.id, everybody)


@router.post(
    "",
    response_model=TokenMade,
    operation_id="tokens_create",
    status_code=201,
    responses=WRITES,
    openapi_extra=EXTRA,
)
async def create_token(request: Request, asker: Anybody, body: TokenIn) -> Response:
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
    return told({"token": made.text, **token_data(made.token)}, 201)


@router.delete(
    "/{token}",
    response_model=TokenOut,
    operation_id="tokens_revoke",
    responses=WRITES,
    openapi_extra=EXTRA,
)
async def revoke_token(
    request: Request, asker: Anybody, token: Annotated[str, Path(max_length=100)]
) -> Response:
    """Let it in no more, from now on."""
    ob, wanted = gate_of(request).ob, parse_job_id(token, "token")
    found = await ob.tokens.find(wanted)
    if not asker.may(Permission.USERS_MANAGE):
        mine = None if asker.kind != "user" else asker.id
        if found.user is None or found.user != mine:
            raise NotFound(f"no token {wanted}; GET /api/v1/tokens lists yours")
    return told(token_data(await ob.tokens.revoke(wanted)))


def _person(asker: Principal) -> str:
    if asker.kind != "user":
        raise Forbidden("a token makes and lists no tokens; sign in as a person")
    return asker.name
