"""How bodies are read: JSON alone, not too large, not too deep, no field that is not known."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from functools import cached_property
from typing import Any, NoReturn

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from onbeat.api.keyed import PARAMETER, once
from onbeat.api.problems import Problem
from onbeat.api.requests import BodyTooLarge

PREFIX = "/api/v1"
"""Where the routes are."""

DEEPEST = 64
"""Levels of nesting in a body: what is deeper is an attack or a mistake."""

JSON_TYPES = ("application/json", "application/merge-patch+json")


class Body(BaseModel):
    """What is sent: unknown fields are refused, for they are mistyped ones."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=False)


class Answer(BaseModel):
    """What is answered."""

    model_config = ConfigDict(from_attributes=True, frozen=True, ser_json_timedelta="float")


class CheckedRequest(Request):
    """A request whose JSON is looked at before it is taken apart."""

    async def json(self) -> Any:
        """The body. Raises Problem."""
        body = await self.body()
        if not body:
            return None
        try:
            value = json.loads(body, parse_constant=_no_number, parse_float=_finite)
        except RecursionError:
            raise _too_deep() from None
        if _is_deeper(value, DEEPEST):
            raise _too_deep()
        if b"\\ud" in body.lower():
            _refuse_halves(value)
        return value

    async def body(self) -> bytes:
        """The bytes. Raises Problem."""
        try:
            return await super().body()
        except BodyTooLarge as error:
            most = f"{error.most / 2**20:g} MiB"
            raise Problem(413, f"body: it has more than {most}; send less at once") from None


def routes(path: str, tag: str, *, under: str = PREFIX, keyed: bool = True) -> APIRouter:
    """Where the routes of a noun are hung on; unless told otherwise those that are posted to take
    an `Idempotency-Key`.
    """
    kind = KeyedRoute if keyed else CheckedRoute
    return APIRouter(prefix=f"{under}{path}", tags=[tag], route_class=kind)


class CheckedRoute(APIRoute):
    """A route whose requests are checked ones."""

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The names of those that its address may have."""
        return tuple(dict.fromkeys(_names(self.dependant)))

    def get_route_handler(self) -> Any:
        """Wrap the request."""
        handle = super().get_route_handler()

        async def checked(request: Request) -> Response:
            whole = CheckedRequest(request.scope, request.receive)
            if request.method in ("POST", "PUT", "PATCH"):
                _refuse_other_types(request)
            answer = await handle(whole)
            if request.method not in ("GET", "HEAD"):
                request.app.state.answers.changed()
            return answer

        return checked


class KeyedRoute(CheckedRoute):
    """One of which what is posted is done once for each key."""

    def __init__(self, *args: Any, **options: Any) -> None:
        """As any; those that are posted to say that they take keys."""
        if "POST" in (options.get("methods") or ()):
            told = {"parameters": [dict(PARAMETER)]}
            options["openapi_extra"] = {**(options.get("openapi_extra") or {}), **told}
        super().__init__(*args, **options)

    def get_route_handler(self) -> Any:
        """Wrap the request."""
        handle = super().get_route_handler()
        return once(handle) if "POST" in (self.methods or ()) else handle


def _names(dependant: Any) -> Iterator[str]:
    """The parameters of a route, and of what it depends on."""
    for each in dependant.query_params:
        yield each.alias
    for inner in dependant.dependencies:
        yield from _names(inner)


def _refuse_other_types(request: Request) -> None:
    given = request.headers.get("content-type")
    has_body = request.headers.get("content-length", "0") != "0"
    has_body = has_body or "transfer-encoding" in request.headers
    if not has_body:
        return
    kind = (given or "").partition(";")[0].strip().lower()
    if kind not in JSON_TYPES:
        raise Problem(
            415, f"the body is {given or 'of no type'}; send application/json",
            headers={"Accept": ", ".join(JSON_TYPES)},
        )  # fmt: skip


def _refuse_halves(value: Any) -> None:
    """Half of a pair of surrogates is no character, and no database keeps it."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Problem(400, "body: it has half of a surrogate pair, which is no text") from None


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _finite(text: str) -> float:
    if math.isinf(number := float(text)):
        raise Problem(400, f"body: the number {text[:20]} is out of range; give it as text")
    return number


def _too_deep() -> Problem:
    return Problem(400, f"body: it is nested deeper than {DEEPEST} levels", code="too-deep")


def _is_deeper(value: Any, levels: int) -> bool:
    level = [value]
    for _ in range(levels):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True
