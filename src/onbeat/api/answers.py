"""How what is found is answered: as the command line's --json tells it, encoded once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
from fastapi import Request
from starlette.responses import Response

from onbeat.api.problems import Problem
from onbeat.domain.cursors import cursor

T = TypeVar("T")
JSON = "application/json"


def told(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """The answer that says `data`."""
    return Response(msgspec.json.encode(data), status, dict(headers or {}), JSON)


def location_of(request: Request, made: str) -> dict[str, str]:
    """Where what was made among these stands: relative, as it is right behind any proxy that takes
    a prefix away (RFC 9110 §10.2.2, RFC 3986 §5.2).
    """
    return {"Location": f"{request.url.path.rsplit('/', 1)[-1]}/{quote(made)}"}


def page_of(
    rows: Sequence[T], limit: int, tell: Callable[[T], Any], key: Callable[[T], Any],
    asked: Any = None, beside: Mapping[str, Any] | None = None,
) -> Response:  # fmt: skip
    """A page of `rows`, of which one more than `limit` was read, and what is told beside it."""
    shown, more = rows[:limit], len(rows) > limit
    following = cursor(key(shown[-1]), asked) if more else None
    page = {"next": following, "size": len(shown)}
    return told({"data": [tell(each) for each in shown], "page": page, **(beside or {})})


def etag(data: Any) -> str:
    """What tells one state of a thing from another (RFC 9110 §8.8.3)."""
    return f'"{blake2b(msgspec.json.encode(data), digest_size=12).hexdigest()}"'


def found(request: Request, data: Any, tag: str | None = None) -> Response:
    """A single thing with its tag; 304 and nothing where who asks has it as it is."""
    tag = tag or etag(data)
    if _matches(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers={"ETag": tag})
    return told(data, headers={"ETag": tag})


def edition(says: str, data: Any) -> str:
    """A tag of which the part before the last dot is of what it `says`, the rest of all `data`."""
    return f'"{says}.{etag(data)[1:]}'


def digest(*says: Any) -> str:
    """What tells one edition of a thing from another, as a word of a tag."""
    return etag(says).strip('"')


def refuse_edited(request: Request, says: str | None, noun: str) -> None:
    """Raises Problem where it says something else than who edits it has seen (`If-Match`); None
    where there is none.

    What else is shown of it, as how many wait, is no edit.
    """
    wanted = request.headers.get("if-match")
    if wanted is None:
        return
    seen = {each.strip().removeprefix("W/").strip('"') for each in wanted.split(",")}
    if says is None:
        raise Problem(412, f"there is no such {noun}; leave If-Match out to make it")
    if "*" not in seen and says not in {each.rpartition(".")[0] for each in seen}:
        raise Problem(412, "it has changed since it was read; read it again, and change that")


def _matches(header: str | None, tag: str) -> bool:
    if header is None:
        return False
    given = {each.strip().removeprefix("W/") for each in header.split(",")}
    return "*" in given or tag in given
