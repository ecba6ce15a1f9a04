"""Who one is; signing in and out; the first set-up."""

from __future__ import annotations

from contextlib import AbstractContextManager

from fastapi import Request, Response
from pydantic import Field, SecretStr

from onbeat.api.auth import (
    Asker,
    address_of,
    cookie_in,
    csrf_token,
    gate_of,
    set_cookie,
    take_cookies,
)
from onbeat.api.bodies import Answer, Body, routes
from onbeat.api.openapi import CLOSED, READS, WRITES, errors
from onbeat.api.requests import request_id
from onbeat.app.acting import acting
from onbeat.domain.access import Permission, Principal
from onbeat.domain.audit import Actor
from onbeat.domain.errors import Forbidden

router = routes("", "access", keyed=False)


class Me(Answer):
    """Whoever asks."""

    kind: str = Field(description="user, token, jwt, or host.")
    name: str
    permissions: list[Permission]
    owner: str | None = Field(description="Whose rows are seen; null for everybody's.")
    environment: str | None
    csrf_token: str | None = Field(description="For the header X-CSRF-Token, with a cookie.")


class SignIn(Body):
    """A name and its password."""

    name: str = Field(max_length=200, examples=["ann"])
    password: SecretStr = Field(max_length=1_000)


class NewPassword(Body):
    """Another password for oneself."""

    current: SecretStr = Field(max_length=1_000, description="The one that is to go.")
    password: SecretStr = Field(max_length=1_000, description="12 to 256 characters.")


class SetUp(SignIn):
    """The first admin."""

    token: SecretStr = Field(
        max_length=200, description="As it stands in the link of the start, behind #token=."
    )


@router.get("/me", operation_id="me", summary="Who asks", responses=READS,
            openapi_extra={"security": CLOSED})  # fmt: skip
async def me(request: Request, asker: Asker) -> Me:
    """Who the credentials belong to, and what they allow."""
    secret = cookie_in(request) if "authorization" not in request.headers else None
    return _me(request, asker, secret if asker.kind == "user" else None)


@router.post("/me/password", operation_id="me_password", summary="Change one's password",
             responses=errors(400, 401, 403, 413, 415, 429, 503),
             openapi_extra={"security": CLOSED})  # fmt: skip
async def change_password(
    request: Request, response: Response, asker: Asker, body: NewPassword
) -> Me:
    """Give oneself another password. All sign-ins of before are over, but this one goes on: the
    answer sets its cookie anew.
    """
    if asker.kind != "user":
        raise Forbidden("only a person has a password; sign in as one")
    address = address_of(request)
    with acting(Actor(principal=asker, address=address, request=request_id())):
        user, secret = await gate_of(request).ob.users.change_own_password(
            asker.name, body.current.get_secret_value(), body.password.get_secret_value(),
            address=address, agent=request.headers.get("user-agent", ""),
        )  # fmt: skip
    set_cookie(request, response, secret)
    return _me(request, user.principal(), secret)


@router.post("/auth/login", operation_id="sign_in", summary="Sign in",
             responses=errors(400, 401, 413, 415, 429, 503))  # fmt: skip
async def sign_in(request: Request, response: Response, body: SignIn) -> Me:
    """Sets the cookie. After five wrong guesses name and address are shut for a while: 429, and
    `Retry-After` says for how many seconds.
    """
    with _as(request, body.name[:100]):
        user, secret = await gate_of(request).ob.users.sign_in(
            body.name, body.password.get_secret_value(),
            address=address_of(request), agent=request.headers.get("user-agent", ""),
        )  # fmt: skip
    set_cookie(request, response, secret)
    return _me(request, user.principal(), secret)


class SetUpState(Answer):
    """Whether the first admin is still to be made."""

    needed: bool = Field(description="Whether nobody can sign in yet.")


@router.get("/auth/setup", operation_id="set_up_state", summary="Whether anybody can sign in yet",
            responses=errors(400, 503))  # fmt: skip
async def set_up_state(request: Request) -> SetUpState:
    """Whether the first admin is still to be made, by the link that the first start printed."""
    return SetUpState(needed=not await gate_of(request).ob.users.are_there())


@router.post("/auth/setup", operation_id="set_up", summary="Make the first admin",
             responses=errors(400, 401, 409, 413, 415, 503))  # fmt: skip
async def set_up(request: Request, body: SetUp) -> dict[str, str]:
    """With the one-time token of the link that the first start printed; `setup` is its page."""
    with _as(request, "set-up"):
        user = await gate_of(request).ob.users.set_up(
            body.token.get_secret_value(), body.name, body.password.get_secret_value()
        )
    return {"name": user.name, "role": user.role}


@router.post("/auth/logout", operation_id="sign_out", summary="Sign out", status_code=204,
             responses=WRITES, openapi_extra={"security": CLOSED})  # fmt: skip
async def sign_out(request: Request, response: Response, asker: Asker) -> None:
    """Ends the sign-in of the cookie."""
    if (secret := cookie_in(request)) is not None:
        await gate_of(request).ob.users.sign_out(secret)
    take_cookies(response)


def _as(request: Request, name: str) -> AbstractContextManager[None]:
    """In the name of somebody who is not known yet."""
    nobody = Principal(kind="user", id="", name=name)
    return acting(Actor(principal=nobody, address=address_of(request), request=request_id()))


def _me(request: Request, principal: Principal, secret: str | None) -> Me:
    return Me(
        kind=principal.kind,
        name=principal.name,
        permissions=sorted(principal.permissions),
        owner=principal.owner,
        environment=gate_of(request).ob.environment,
        csrf_token=None if secret is None else csrf_token(secret),
    )
