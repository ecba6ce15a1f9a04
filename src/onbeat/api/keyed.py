"""Requests that may be sent again: the header `Idempotency-Key`, on every route that makes things.

A route's request is known by its key only once it is known who asks, and that they may: the
dependency `allowed` begins it, the route ends it. The key is stored in the transaction of the
change (`Context.change`, enqueueing), what was answered in the next one. So a change is never made
twice; where its process died between the two, that it was made is told, and its answer is not.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from typing import Any, Final

import msgspec
from fastapi import Request
from starlette.responses import Response

from onbeat.api.problems import Problem
from onbeat.app.onbeat import Onbeat
from onbeat.app.request_keys import under_key
from onbeat.domain.access import Principal
from onbeat.domain.errors import StoreError
from onbeat.domain.request_keys import (
    HEADER,
    LONGEST_KEY,
    PATTERN,
    Answer,
    KeyedRequest,
    KeyTaken,
    Standing,
    keyed_request,
    read_key,
)
from onbeat.domain.suspects import looks_secret

Handler = Callable[[Request], Awaitable[Response]]

REPLAYED = "Idempotent-Replayed"
"""Says that an answer was given before, to the same request."""

KEPT_HEADERS = ("location", "etag")

PARAMETER: Final[Mapping[str, Any]] = {
    "name": HEADER, "in": "header", "required": False,
    "description": "One of your own for what you ask: sent again within 24 hours, the same request "
    "is answered as it was, and nothing is done twice; another one with it is refused (422).",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": PATTERN},
}  # fmt: skip


class Replayed(Exception):
    """Raised where a request was carried out before: what was answered then."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


class _Given:
    """The key of a request under way, and what was made of it."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.request: KeyedRequest | None = None
        self.ob: Onbeat | None = None


_given: ContextVar[_Given | None] = ContextVar("onbeat_given_key", default=None)


def once(handle: Handler) -> Handler:
    """The same, carried out once for each key of its requests."""

    async def keyed(request: Request) -> Response:
        given = request.headers.getlist(HEADER)
        if not given:
            return await handle(request)
        kept = _Given(read_key(given))
        token = _given.set(kept)
        try:
            return await _kept(kept, handle, request)
        finally:
            _given.reset(token)

    return keyed


async def _kept(given: _Given, handle: Handler, request: Request) -> Response:
    """The answer, kept if it may be asked for again; or the one that was given before."""
    try:
        answer = await handle(request)
    except Replayed as replayed:
        return _again(replayed.answer)
    except KeyTaken:
        assert given.request is not None and given.ob is not None  # noqa: S101, PT018 - it took it
        return _again(await _standing_answer(given.ob, given.request))
    except BaseException:
        if given.request is not None and given.ob is not None:
            with suppress(StoreError):
                await given.ob.request_keys.lose(given.request)
        raise
    if given.request is not None and given.ob is not None and given.request.is_taken:
        kept = {name: answer.headers[name] for name in KEPT_HEADERS if name in answer.headers}
        said = Answer(answer.status_code, kept, bytes(answer.body).decode())
        with suppress(StoreError):  # what was done is answered all the same
            await given.ob.request_keys.keep(given.request, said, shows_secret=shows_secret)
    return answer


@asynccontextmanager
async def begun(ob: Onbeat, request: Request, asker: Principal) -> AsyncIterator[None]:
    """Carry the request out under its key, if it has one. Raises Replayed, Problem."""
    given = _given.get()
    if given is None:
        yield
        return
    address = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    keyed = keyed_request(given.key, asker, request.method, address, await request.body())
    given.request, given.ob = keyed, ob
    found = await ob.request_keys.find(keyed)
    if found is not None:
        raise Replayed(_answer_of(found, keyed))
    with under_key(keyed):
        yield


async def _standing_answer(ob: Onbeat, request: KeyedRequest) -> Answer:
    """What the request that was quicker was answered. Raises Problem."""
    found = await ob.request_keys.find(request)
    if found is None:
        raise _in_progress()
    return _answer_of(found, request)


def _answer_of(found: Standing, request: KeyedRequest) -> Answer:
    if found.asked != request.asked:
        raise Problem(
            422, f"{HEADER}: it was given with another request; give each request one of its own",
            code="key-reused",
        )  # fmt: skip
    if found.answer is not None:
        return found.answer
    if not found.is_lost:
        raise _in_progress()
    what = "" if found.subject is None else f" ({' '.join(found.subject)})"
    raise Problem(
        409, f"what it asks for was done{what}, at {found.taken_at.isoformat()}, and nothing was "
        "done again; the answer was not kept: read what was made, or take another key",
        code="answer-lost",
    )  # fmt: skip


def _in_progress() -> Problem:
    return Problem(
        409, f"{HEADER}: the request with it is still being carried out; ask again in a moment",
        code="in-progress", headers={"Retry-After": "1"},
    )  # fmt: skip


def _again(answer: Answer) -> Response:
    kind = {"content-type": "application/json"} if answer.body else {}
    headers = {**answer.headers, **kind, REPLAYED: "true"}
    return Response(answer.body, answer.status, headers)


def shows_secret(body: str) -> bool:
    """Whether an answer holds a secret, as those do that show one once."""
    said = msgspec.json.decode(body) if body else None
    return isinstance(said, dict) and any(
        isinstance(value, str) and looks_secret(name, value) for name, value in said.items()
    )
