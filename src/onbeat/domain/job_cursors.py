"""Cursors of lists of jobs: where a page ends, as an opaque text."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import msgspec

from onbeat.domain.errors import InvalidInput
from onbeat.domain.jobs import ID_DIGITS, JobId

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT = timedelta(microseconds=1)
_EDITION = 1
LONGEST_CURSOR = 200


class Sort(StrEnum):
    """The order of a list."""

    NEWEST = "newest"
    """By when they were made, the newest first."""
    OLDEST = "oldest"
    LAST_ENDED = "last-ended"
    """By when they ended, those that did last first; only what has ended."""
    FIRST_ENDED = "first-ended"

    @property
    def is_by_end(self) -> bool:
        """Whether it is by when they ended."""
        return self in (Sort.LAST_ENDED, Sort.FIRST_ENDED)

    @property
    def descends(self) -> bool:
        """Whether what is later comes first."""
        return self in (Sort.NEWEST, Sort.LAST_ENDED)


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a list: of one by when jobs ended that moment, and a job."""

    at: datetime | None
    job: JobId


class _Said(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    edition: int
    sort: Sort
    at: int | None
    job: str


_decode = msgspec.json.Decoder(_Said).decode


def cursor(sort: Sort, position: Position) -> str:
    """The text of a place in a list of that order."""
    at = None if position.at is None else (position.at - _EPOCH) // _INSTANT
    said = msgspec.json.encode(_Said(_EDITION, sort, at, position.job))
    return base64.urlsafe_b64encode(said).rstrip(b"=").decode()


def read_cursor(field: str, text: str, sort: Sort) -> Position:
    """The place that a cursor of such a list tells, or that of a job. Raises InvalidInput."""
    bare = text.replace("-", "").lower() if isinstance(text, str) else ""
    if _is_id(bare) and not sort.is_by_end:
        return Position(None, JobId(bare))
    said = _read(field, text)
    if said.sort is not sort:
        raise InvalidInput(field, f"it is of a list by {said.sort}, this one is by {sort}; begin "
                           "without it")  # fmt: skip
    try:
        at = None if said.at is None else _EPOCH + said.at * _INSTANT
    except OverflowError:
        raise _unreadable(field) from None
    if not _is_id(said.job) or (at is None) is sort.is_by_end:
        raise _unreadable(field)
    return Position(at, JobId(said.job))


def _read(field: str, text: object) -> _Said:
    if not isinstance(text, str) or len(text) > LONGEST_CURSOR or not text.isascii():
        raise _unreadable(field)
    try:
        padded = text + "=" * (-len(text) % 4)
        said = _decode(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise _unreadable(field) from None
    if said.edition != _EDITION:
        raise _unreadable(field)
    return said


def _is_id(text: str) -> bool:
    return len(text) == ID_DIGITS and set(text) <= set("0123456789abcdef")


def _unreadable(field: str) -> InvalidInput:
    return InvalidInput(field, "it is no cursor of this list; give the one of a page, or begin "
                        "without it")  # fmt: skip
