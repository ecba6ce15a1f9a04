"""A due schedule as the tick's statements give it: just what planning needs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from onbeat.domain.errors import InvalidInput
from onbeat.domain.recurrence import Recurrence, recurrence_from_spec
from onbeat.domain.schedules import CatchUp, Overlap, parse_catch_up
from onbeat.store.column_types import from_micros


class DueRow(NamedTuple):
    """One due schedule; moments in microseconds since 1970, policies as they are stored."""

    id: str
    name: str
    task: str
    queue: str
    recurrence: str
    catch_up: str
    overlap: str
    start_at: int | None
    end_at: int | None
    limit: int | None
    made: int
    next_due_at: int
    jitter: int
    pause_after: int | None
    failures: int
    skips: int
    skips_by: str | None
    held_due_at: int | None
    last_job: str | None
    busy: bool | int
    """Whether its last job has not ended."""
    has_failed: bool | int | None
    """How its last job ended, where that is counted and has not been."""
    has_json: bool | int = True
    """Whether its arguments are JSON; on SQLite they may have been damaged by hand."""


_rows = msgspec.json.Decoder(list[DueRow])


@lru_cache(maxsize=10_000)
def read_recurrence(text: str) -> Recurrence:
    """A recurrence from its stored JSON; read once for all schedules that share it."""
    return recurrence_from_spec(msgspec.json.decode(text))


@lru_cache(maxsize=1_000)
def read_catch_up(text: str) -> CatchUp:
    """A catch-up policy from its stored text."""
    return parse_catch_up(text)


# Kept: what is due together shares its moments, and a moment that is the same object is hashed once
# by all that is remembered of it.
_moment = lru_cache(maxsize=1_000)(from_micros)


def due_row(row: Sequence[Any]) -> DueRow:
    """A row as PostgreSQL gives it: the moment it was asked at comes last."""
    return DueRow(row[0].replace("-", ""), *row[1:-1])


def decode_due(text: str) -> list[DueRow]:
    """The due statement's rows, from one JSON text."""
    return _rows.decode(text)


class Due(msgspec.Struct, frozen=True):
    """A row as planning wants it; a whole Schedule would take 4 us more to make."""

    id: str
    recurrence: Recurrence
    catch_up: CatchUp
    overlap: str
    end_at: datetime | None
    limit: int | None
    made: int
    next_due_at: datetime
    jitter: timedelta
    pause_after: int | None
    failures: int
    skips: int
    skips_by: str | None
    held_due_at: datetime | None


NO_TIME = timedelta()
OVERLAPS = frozenset(Overlap)


def unknown_overlap(stored: str) -> InvalidInput:
    """What is said of a policy that no longer can be read."""
    return InvalidInput("overlap", f"{stored!r} is not known; give it anew")


def damaged_args() -> InvalidInput:
    """What is said of arguments that no longer can be read."""
    return InvalidInput("args", "what is stored is not JSON; give them anew")


def read_due(row: DueRow) -> Due:
    """What a row says. Raises InvalidInput when it can no longer be read."""
    if row.overlap not in OVERLAPS:
        raise unknown_overlap(row.overlap)
    if not row.has_json:
        raise damaged_args()
    return Due(
        row.id,
        read_recurrence(row.recurrence),
        read_catch_up(row.catch_up),
        row.overlap,
        None if row.end_at is None else from_micros(row.end_at),
        row.limit,
        row.made,
        _moment(row.next_due_at),
        timedelta(microseconds=row.jitter) if row.jitter else NO_TIME,
        row.pause_after,
        row.failures,
        row.skips,
        row.skips_by,
        None if row.held_due_at is None else from_micros(row.held_due_at),
    )
