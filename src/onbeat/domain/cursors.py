"""Cursors: where a page of a list ended, as an opaque word that goes with what was asked for."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any, TypeVar

import msgspec

from onbeat.domain.errors import InvalidInput

T = TypeVar("T")

SUM_BYTES = 4


def cursor(key: Any, asked: Any = None) -> str:
    """The word for the last that was shown of a list of what was `asked` for.

    It holds no secret; the checksum finds what was broken.
    """
    said = msgspec.json.encode([key, _sum(asked)])
    return base64.urlsafe_b64encode(_checksum(said) + said).decode().rstrip("=")


def place(text: object, kind: type[T], asked: Any = None, *, field: str = "after") -> T:
    """The key that `cursor` was given, which is of that kind. Raises InvalidInput."""
    try:
        key, of = msgspec.json.decode(_said(text), type=tuple[kind, int])  # type: ignore[valid-type]
    except (ValueError, RecursionError):  # anybody can make a checksum that fits
        raise unreadable(field) from None
    if of != _sum(asked):
        raise InvalidInput(field, "it is of a list with other filters; begin without it")
    return key


def unreadable(field: str) -> InvalidInput:
    """Of a text that is none."""
    return InvalidInput(field, "it is no cursor of this list; give the one of a page, or begin "
                        "without it")  # fmt: skip


def _said(text: object) -> bytes:
    """What stands behind the checksum. Raises ValueError."""
    if not isinstance(text, str):
        raise ValueError("a cursor is a text")
    raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    said = raw[SUM_BYTES:]
    if _checksum(said) != raw[:SUM_BYTES]:
        raise ValueError("the checksum does not fit")
    return said


def _checksum(said: bytes) -> bytes:
    return zlib.crc32(said).to_bytes(SUM_BYTES, "big")


def _sum(asked: Any) -> int:
    return zlib.crc32(json.dumps(asked, sort_keys=True, default=str).encode())
