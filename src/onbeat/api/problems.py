"""Errors as problem details (RFC 9457): every answer that is no success has this shape."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from onbeat.api.fields import known_beside, meant, written
from onbeat.api.requests import request_id
from onbeat.domain import errors
from onbeat.domain.naming import detail_of

_log = logging.getLogger("onbeat.api")

MEDIA_TYPE = "application/problem+json"

STATUSES: Final[Sequence[tuple[type[Exception], int, str, str]]] = (
    (errors.InvalidInput, 400, "invalid", "A value is wrong"),
    (errors.UnknownTask, 400, "unknown-task", "No such task"),
    (errors.NotFound, 404, "not-found", "Not found"),
    (errors.Conflict, 409, "conflict", "Not possible as it stands"),
    (errors.TooManyGuesses, 429, "too-many", "Too many requests"),
    (errors.Unauthenticated, 401, "unauthenticated", "Nobody known asks"),
    (errors.Forbidden, 403, "forbidden", "Not allowed"),
    (errors.StoreRefused, 400, "invalid", "A value is wrong"),
    (errors.StoreUnavailable, 503, "unavailable", "The database is not reachable now"),
    (errors.StoreError, 503, "store", "The database cannot be used"),
)
"""Each kind of error, the narrower before the wider: its status, its code, its title."""

WORDS: Final[Mapping[int, tuple[str, str]]] = {
    400: ("invalid", "The request is wrong"),
    404: ("not-found", "Not found"),
    405: ("method", "Not this method"),
    406: ("not-acceptable", "Nothing to answer with"),
    411: ("length", "A length is needed"),
    412: ("changed", "It has changed meanwhile"),
    413: ("too-large", "Too large"),
    415: ("media-type", "Not this media type"),
    422: ("key-reused", "The key is of another request"),
    428: ("precondition", "A precondition is needed"),
    429: ("too-many", "Too many requests"),
    503: ("unavailable", "Not now"),
}
"""The code and the title by status, where no error of ours was raised."""

UNKNOWN = "extra_forbidden"
"""What pydantic calls a field that is none."""

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class Problem(HTTPException):
    """A refusal of the API itself, where no error of the product says it.

    As an HTTPException it comes through FastAPI's reading of bodies, which makes others vague.
    """

    def __init__(
        self, status: int, detail: str, *, code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(status, detail, dict(headers or {}))
        self.code = code


def install(app: FastAPI) -> None:
    """Let every error of `app` become a problem."""
    app.add_exception_handler(errors.OnbeatError, _of_onbeat)
    app.add_exception_handler(Problem, _of_problem)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(Exception, _of_anything)


def problem(
    status: int,
    detail: str,
    *,
    code: str | None = None,
    title: str | None = None,
    headers: Mapping[str, str] | None = None,
    wrong: Sequence[Mapping[str, str]] = (),
) -> Response:
    """The answer; `wrong` names each value that is, by its JSON pointer."""
    word, words = WORDS.get(status, ("error", "It did not work"))
    body: dict[str, Any] = {
        "type": f"https://onbeat.dev/problems/{code or word}",
        "title": title or words,
        "status": status,
        "code": code or word,
        "detail": detail,
        "message": detail,
        "request_id": request_id(),
    }
    if wrong:
        body["errors"] = list(wrong)
    return Response(msgspec.json.encode(body), status, dict(headers or {}), MEDIA_TYPE)


def told(error: Exception) -> tuple[int, str, str]:
    """The status, the code and the title of an error of the product."""
    for kind, status, code, title in STATUSES:
        if isinstance(error, kind):
            return status, code, title
    return 500, "error", "It did not work"


def refused(error: errors.OnbeatError | Problem) -> Response:
    """The answer for an error, where no request was under way to answer it."""
    if isinstance(error, Problem):
        return problem(error.status_code, error.detail, code=error.code, headers=error.headers)
    return _told_of(error)


async def _of_onbeat(request: Request, error: Exception) -> Response:
    return _told_of(error)


def _told_of(error: Exception) -> Response:
    status, code, title = told(error)
    headers = {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, errors.TooManyGuesses):
        headers["Retry-After"] = str(error.seconds)
    if status == 503:
        headers["Retry-After"] = "1"
        # It names the server and the database, and perhaps nobody has said yet who asks.
        _log.warning("request %s: %s", request_id(), error)
        detail = f"{title[0].lower()}{title[1:]}; the log says why, under this request's id"
        return problem(status, detail, code=code, title=title, headers=headers)
    wrong = []
    if isinstance(error, errors.InvalidInput):
        wrong = [{"field": error.field, "detail": detail_of(error)}]
    return problem(status, said_of(error), code=code, title=title, headers=headers, wrong=wrong)


def said_of(error: Exception) -> str:
    """What an error says here, where routes list what commands list on a command line."""
    if isinstance(error, errors.NotFound) and error.noun is not None:
        return f"{error.missing}; GET /api/v1/{error.noun} lists them"
    return str(error)


async def _of_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 - as it was installed
    return refused(error)


async def _of_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as it was installed
    said = sorted(error.errors(), key=lambda each: each["type"] != UNKNOWN)
    wrong = _merged([_pointed(request, error.body, each) for each in said])
    first = wrong[0]
    return problem(400, f"{first['field']}: {first['detail']}", wrong=wrong)


def _pointed(request: Request, body: Any, wrong: Mapping[str, Any]) -> dict[str, str]:
    where, *place = wrong["loc"]
    if wrong["type"] == "json_invalid":
        return {"in": where, "field": "body", "detail": "it is no JSON"}
    kind = wrong["type"]
    path = ".".join(map(str, place))
    if where == "body" and place:
        path = written(body, place, is_missing=kind == "missing")
    detail = _unknown(request, place) if kind == UNKNOWN else str(wrong["msg"])
    return {"in": where, "field": path or where, "detail": detail}


def _unknown(request: Request, place: Sequence[str | int]) -> str:
    """What is said of a field that is none: first of all, as it may be why another is missing."""
    field = getattr(request.scope.get("route"), "body_field", None)
    known = [] if field is None else known_beside(field.field_info.annotation, place)
    close = meant(str(place[-1]), known)
    if close is None:
        return "it is not known here; leave it out"
    return f"there is no such field; is {close} meant?"


def _merged(wrong: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """One entry for each place: of a value that fits no branch of a union each branch is told, but
    for those that it was not meant as, as something within it is wrong.
    """
    found: dict[str, dict[str, str]] = {}
    for each in wrong:
        field, detail = each["field"], each["detail"]
        if field in found:
            found[field]["detail"] += f", or {detail.removeprefix('Input should be ')}"
        elif not any(other["field"].startswith(f"{field}.") for other in wrong):
            found[field] = dict(each)
    return list(found.values())


async def _of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as it was installed
    if error.status_code == 405:
        return _not_this_method(request)
    detail = error.detail
    if error.status_code == 404 and detail == "Not Found":
        detail = f"there is no {request.url.path}; see the API reference"
    return problem(error.status_code, detail, headers=error.headers)


def _not_this_method(request: Request) -> Response:
    """All methods of the path are told (RFC 9110 §15.5.6), not just those of one of its routes."""
    asked = {**request.scope, "path_params": {}}
    allow = ", ".join(
        method
        for method in METHODS
        if any(
            route.matches({**asked, "method": method})[0] is Match.FULL
            for route in request.app.routes
        )
    )
    detail = f"{request.method} is not for {request.url.path}; give {allow}"
    return problem(405, detail, headers={"Allow": allow})


async def _of_anything(request: Request, error: Exception) -> Response:
    return problem(500, "something went wrong here; the log has it under this request's id")
