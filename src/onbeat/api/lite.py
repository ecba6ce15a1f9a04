"""`/lite`: how all is, on one page without JavaScript, for telephones and text browsers.

It changes nothing. Who is not signed in gets a plain form; a browser sends it with what only the
page before it could know, so that no other site signs somebody in (login CSRF).
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, Response

from onbeat.api import problems
from onbeat.api.auth import (
    address_of,
    cookie_in,
    csrf_token,
    gate_of,
    is_secure,
    refuse_foreign,
    set_cookie,
    take_cookies,
    who_asks,
)
from onbeat.api.lite_page import MOST, Standing, refused_page, sign_in_page, standing_page
from onbeat.api.reference import PAGES
from onbeat.api.requests import BodyTooLarge, request_id
from onbeat.app.acting import acting
from onbeat.app.facts.incidents import incident_data
from onbeat.app.onbeat import Onbeat
from onbeat.domain.access import Permission, Principal
from onbeat.domain.audit import Actor
from onbeat.domain.errors import Forbidden, OnbeatError, TooManyGuesses, Unauthenticated
from onbeat.domain.incidents import UNRESOLVED, Wanted

router = APIRouter(include_in_schema=False)

POLICY = (
    "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'self'"
)
"""Its style sheet, its form, and nothing else: no script runs here."""

FORM_COOKIE = "onbeat-form"
"""What the form was given to whom, until it is sent."""


@router.get("/lite")
async def page(request: Request) -> Response:
    """How all is; the form where nobody is signed in."""
    try:
        asker = await who_asks(request)
        if asker.owner is not None:
            raise Forbidden(f"{asker.name} sees rows of its own alone, and this is everybody's")
        standing = await _standing(gate_of(request).ob, asker)
    except Unauthenticated:
        return await _form(request)
    except OnbeatError as error:
        return _answer(refused_page(str(error)), problems.told(error)[0])
    secret = cookie_in(request) if asker.kind == "user" else None
    return _answer(standing_page(standing, None if secret is None else csrf_token(secret)))


@router.get("/lite.css")
async def style() -> Response:
    """How it looks."""
    return FileResponse(PAGES / "lite.css")


@router.post("/lite")
async def send(request: Request) -> Response:
    """Sign in, or out; then the page again."""
    try:
        refuse_foreign(request, gate_of(request))
        said = await _said(request)
        if said.get("do") == "sign-out":
            return await _sign_out(request, said)
        return await _sign_in(request, said)
    except TooManyGuesses as error:
        return await _form(request, str(error), 429)
    except Unauthenticated as error:
        return await _form(request, str(error), 403)  # text browsers show no page of a 401
    except OnbeatError as error:
        return _answer(refused_page(str(error)), problems.told(error)[0])


async def _sign_in(request: Request, said: Mapping[str, str]) -> Response:
    given, kept = said.get("csrf", ""), request.cookies.get(FORM_COOKIE, "")
    if not kept or not hmac.compare_digest(given.encode(), kept.encode()):
        raise Unauthenticated("the form was too old, or the browser takes no cookies; sign in anew")
    name, address = said.get("name", "")[:200], address_of(request)
    nobody = Principal(kind="user", id="", name=name[:100])
    with acting(Actor(principal=nobody, address=address, request=request_id())):
        _, secret = await gate_of(request).ob.users.sign_in(
            name, said.get("password", "")[:1_000], address=address,
            agent=request.headers.get("user-agent", ""),
        )  # fmt: skip
    answer = _again()
    set_cookie(request, answer, secret)
    answer.delete_cookie(FORM_COOKIE, path="/")
    return answer


async def _sign_out(request: Request, said: Mapping[str, str]) -> Response:
    secret = cookie_in(request) or ""
    answer = _again()
    if hmac.compare_digest(said.get("csrf", "").encode(), csrf_token(secret).encode()):
        await gate_of(request).ob.users.sign_out(secret)
        take_cookies(answer)
    return answer


async def _said(request: Request) -> Mapping[str, str]:
    """The fields of the form; none where it is no form, or longer than any."""
    try:
        body = await request.body()
    except BodyTooLarge:
        return {}
    return dict(parse_qsl(body.decode("utf-8", "replace"), max_num_fields=10)) if body else {}


async def _form(request: Request, wrong: str | None = None, status: int = 200) -> Response:
    token = secrets.token_urlsafe(24)
    try:
        is_first = not await gate_of(request).ob.users.are_there()
    except OnbeatError as error:
        return _answer(refused_page(str(error)), problems.told(error)[0])
    answer = _answer(sign_in_page(wrong, token, is_first=is_first), status)
    answer.set_cookie(
        FORM_COOKIE, token, max_age=3600, path="/", secure=is_secure(request), httponly=True,
        samesite="strict",
    )  # fmt: skip
    return answer


def _again() -> Response:
    """Go to the page: relative, as it is right under any path."""
    return Response(status_code=303, headers={"Location": "lite"})


def _answer(page: bytes, status: int = 200) -> Response:
    # With none told at all a browser says that its form comes from nowhere (`Origin: null`).
    headers = {"Content-Security-Policy": POLICY, "Referrer-Policy": "same-origin"}
    return Response(page, status, headers, "text/html; charset=utf-8")


async def _standing(ob: Onbeat, asker: Principal) -> Standing:
    """What who asks may know."""
    may = asker.may
    store = await ob.store()
    with_errors = may(Permission.JOBS_ARGUMENTS)
    return Standing(
        now=await store.read(lambda _, now: now),
        name=asker.name,
        environment=ob.environment,
        counts=await _counts(ob) if may(Permission.JOBS_READ) else None,
        incidents=[
            (each, incident_data(each, with_errors=with_errors)["facts"]["what"])
            for each in await ob.incidents.list(Wanted(states=UNRESOLVED), limit=MOST)
        ] if may(Permission.INCIDENTS_READ) else None,
        queues=await ob.queues.list() if may(Permission.QUEUES_READ) else None,
        schedules=await ob.agendas.soonest(limit=MOST)
        if may(Permission.SCHEDULES_READ) else None,
        workers=await ob.workers.list() if may(Permission.WORKERS_READ) else None,
    )  # fmt: skip


async def _counts(ob: Onbeat) -> list[tuple[str, str]]:
    found = await ob.jobs.counts()
    return [
        (state, f"{count.number:,}{'' if count.is_exact else '+'}")
        for state, count in found.items()
    ]
