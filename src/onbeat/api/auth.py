"""Who asks: a token, another issuer's token, a signed-in person, or the host's own principal."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, Request, Response

from onbeat.api.issuers import Issuers
from onbeat.api.keyed import begun
from onbeat.api.parameters import refuse_unknown, refuse_unread
from onbeat.api.requests import request_id
from onbeat.app.acting import acting
from onbeat.app.onbeat import Onbeat
from onbeat.domain.access import Permission, Principal
from onbeat.domain.audit import Actor
from onbeat.domain.errors import Forbidden, Unauthenticated
from onbeat.domain.users import LOGIN_FOR

SAFE = ("GET", "HEAD", "OPTIONS")
COOKIE = "__Host-onbeat"
"""A cookie that only this host may set, over TLS, for all its paths (RFC 6265bis §4.1.3)."""

PLAIN_COOKIE = "onbeat"
"""Its name where there is no TLS, as in a network of one's own."""

CSRF_HEADER = "X-CSRF-Token"

HostPrincipal = Callable[[Request], Awaitable[Principal | None]]
"""Who asks, as the application says that this one is mounted in; None where it does not know."""


@dataclass(frozen=True)
class Gate:
    """What is needed to tell who asks."""

    ob: Onbeat
    issuers: Issuers
    host: HostPrincipal | None = None
    trusted: frozenset[str] = field(default=frozenset())
    """Origins besides its own from which a browser may change things."""


def gate_of(request: Request) -> Gate:
    """The one of the application."""
    gate: Gate = request.app.state.gate
    return gate


async def who_asks(request: Request) -> Principal:
    """The principal. Raises Unauthenticated, and Forbidden for a forged request."""
    gate = gate_of(request)
    header = request.headers.get("authorization")
    if header is not None:
        return await _of_header(gate, header)
    if (secret := cookie_in(request)) is not None:
        user = await gate.ob.users.of_cookie(secret)
        if user is not None:
            _refuse_forged(request, gate, secret)
            return user.principal()
    if gate.host is not None and (found := await gate.host(request)) is not None:
        if request.method not in SAFE:
            refuse_foreign(request, gate)
        return found
    raise Unauthenticated("no credentials; send `Authorization: Bearer TOKEN`, or sign in")


async def _of_header(gate: Gate, header: str) -> Principal:
    scheme, _, given = header.partition(" ")
    token = given.strip()
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("the header is not understood; send `Authorization: Bearer TOKEN`")
    if token.startswith("onb_"):
        found = await gate.ob.tokens.principal_of(token)
    else:
        found = gate.issuers.principal_of(token)
    if found is None:
        raise Unauthenticated("the token is wrong, expired or revoked; make another")
    return found


def cookie_in(request: Request) -> str | None:
    """What the cookie of a sign-in holds."""
    return request.cookies.get(COOKIE) or request.cookies.get(PLAIN_COOKIE)


def is_secure(request: Request) -> bool:
    """Whether what is sent cannot be read between; a browser takes its own machine for that too."""
    return request.url.scheme == "https" or request.url.hostname in ("localhost", "127.0.0.1")


def set_cookie(request: Request, answer: Response, secret: str) -> None:
    """Let the browser that asks be signed in."""
    secure = is_secure(request)
    answer.set_cookie(
        COOKIE if secure else PLAIN_COOKIE, secret, max_age=int(LOGIN_FOR.total_seconds()),
        path="/", secure=secure, httponly=True, samesite="lax",
    )  # fmt: skip


def take_cookies(answer: Response) -> None:
    """Let it be so no more."""
    for name in (COOKIE, PLAIN_COOKIE):
        answer.delete_cookie(name, path="/", secure=name == COOKIE, httponly=True)


def csrf_token(secret: str) -> str:
    """What a page of ours sends along with what changes something: another site cannot read it."""
    return hmac.new(secret.encode(), b"csrf", sha256).hexdigest()


def _refuse_forged(request: Request, gate: Gate, secret: str) -> None:
    if request.method in SAFE:
        return
    given = request.headers.get(CSRF_HEADER, "")
    if not hmac.compare_digest(given.encode(), csrf_token(secret).encode()):
        raise Forbidden(f"the header {CSRF_HEADER} is missing or wrong; GET /api/v1/me tells it")
    refuse_foreign(request, gate)


def refuse_foreign(request: Request, gate: Gate) -> None:
    """Raise Forbidden for what a browser sends on behalf of another site, which it says itself."""
    origin = request.headers.get("origin")
    if origin is None or origin in gate.trusted:
        return
    if urlsplit(origin).netloc != request.headers.get("host"):
        raise Forbidden(f"the request comes from {origin[:100]!r}, which is another site")


async def asks(request: Request) -> Principal:
    """Who asks, and asks for what there is. Raises Unauthenticated, Forbidden, InvalidInput."""
    found = await who_asks(request)
    refuse_unknown(request)
    await refuse_unread(request)
    return found


Asker = Annotated[Principal, Depends(asks)]
"""Whoever asks, whatever they may do."""


def address_of(request: Request) -> str:
    """From where it is asked; behind a proxy, as the server has been told to trust."""
    return "" if request.client is None else request.client.host


def allowed(*needed: Permission, own: bool = False) -> Any:
    """A dependency: who asks has all these permissions, and is the actor of what is done.

    Whoever sees rows of their own alone is refused, unless the route tells whose is what (`own`).
    """

    async def check(request: Request, asker: Asker) -> Any:
        for each in needed:
            asker.need(each)
        if asker.owner is not None and not own:
            raise Forbidden(f"{asker.name} sees rows of its own alone, and this is everybody's")
        actor = Actor(principal=asker, address=address_of(request), request=request_id())
        with acting(actor):
            async with begun(gate_of(request).ob, request, asker):
                yield asker

    return Depends(check)
