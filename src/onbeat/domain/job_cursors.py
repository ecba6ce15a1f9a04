"""Cursors of lists of jobs: where a page ends, as an opaque text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from onbeat.domain import cursors
from onbeat.domain.errors import InvalidInput
from onbeat.domain.jobs import ID_DIGITS, JobId

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT = timedelta(microseconds=1)


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


def cursor(sort: Sort, position: Position) -> str:
    """The text of a place in a list of that order."""
    at = None if position.at is None else (position.at - _EPOCH) // _INSTANT
    return cursors.cursor((sort, at, position.job))


def read_cursor(field: str, text: str, sort: Sort) -> Position:
    """The place that a cursor of such a list tells, or that of a job. Raises InvalidInput."""
    bare = text.replace("-", "").lower() if isinstance(text, str) else ""
    if _is_id(bare) and not sort.is_by_end:
        return Position(None, JobId(bare))
    of, micros, job = cursors.place(text, tuple[Sort, int | None, str], field=field)
    if of is not sort:
        raise InvalidInput(field, f"it is of a list by {of}, this one is by {sort}; begin "
                           "without it")  # fmt: skip
    try:
        at = None if micros is None else _EPOCH + micros * _INSTANT
    except OverflowError:
        raise cursors.unreadable(field) from None
    if not _is_id(job) or (at is None) is sort.is_by_end:
        raise cursors.unreadable(field)
    return Position(at, JobId(job))


def _is_id(text: str) -> bool:
    return len(text) == ID_DIGITS and set(text) <= set("0123456789abcdef")
