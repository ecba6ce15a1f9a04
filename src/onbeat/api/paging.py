"""Pages by key: what comes after the last that was seen, whatever arrives meanwhile."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import Field

from onbeat.api.bodies import Answer
from onbeat.domain.errors import InvalidInput

T = TypeVar("T")

MOST = 500
Limit = Annotated[int, Query(ge=1, le=MOST, description="How many at most.")]
After = Annotated[
    str | None,
    Query(max_length=2_000, description="The `next` of the page before: go on behind it."),
]


class Page(Answer):
    """Where one is in a list."""

    next: str | None = Field(description="Give it as `after` for the next page; null at the end.")
    size: int = Field(description="How many are here.")


class Listed(Answer, Generic[T]):
    """A page of a list."""

    data: list[T]
    page: Page


def cursor(key: Any, asked: Any = None) -> str:
    """Where a page ended, as one word. It holds no secret; the checksum finds what was broken."""
    said = json.dumps([key, _sum(asked)], separators=(",", ":"), default=str).encode()
    return base64.urlsafe_b64encode(zlib.crc32(said).to_bytes(4) + said).decode().rstrip("=")


def place(after: str | None, asked: Any = None) -> Any:
    """What `cursor` was given; None for the first page. Raises InvalidInput."""
    if after is None:
        return None
    try:
        raw = base64.urlsafe_b64decode(after.encode("ascii") + b"=" * (-len(after) % 4))
        said = raw[4:]
        if len(raw) < 5 or zlib.crc32(said) != int.from_bytes(raw[:4]):
            raise ValueError("the checksum does not fit")
        key, of = json.loads(said)
    except (ValueError, UnicodeEncodeError, binascii.Error):
        raise InvalidInput("after", "it is no cursor of ours; give `next` of a page") from None
    if of != _sum(asked):
        raise InvalidInput("after", "it is of a list with other filters; begin from the first page")
    return key


def _sum(asked: Any) -> int:
    return zlib.crc32(json.dumps(asked, sort_keys=True, default=str).encode())
