"""A due schedule as the tick's statements give it: just what planning needs."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

import msgspec

from onbeat.domain.recurrence import Recurrence, recurrence_from_spec
from onbeat.domain.schedules import CatchUp, parse_catch_up
from onbeat.store.schema import from_micros


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
    busy: bool | int
    """Whether its last job has not ended."""


_rows = msgspec.json.Decoder(list[DueRow])


@lru_cache(maxsize=10_000)
def read_recurrence(text: str) -> Recurrence:
    """A recurrence from its stored JSON; read once for all schedules that share it."""
    return recurrence_from_spec(msgspec.json.decode(text))


@lru_cache(maxsize=1_000)
def read_catch_up(text: str) -> CatchUp:
    """A catch-up policy from its stored text."""
    return parse_catch_up(text)


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


def read_due(row: DueRow) -> Due:
    """What a row says. Raises InvalidInput when it can no longer be read."""
    return Due(
        row.id,
        read_recurrence(row.recurrence),
        read_catch_up(row.catch_up),
        row.overlap,
        None if row.end_at is None else from_micros(row.end_at),
        row.limit,
        row.made,
        from_micros(row.next_due_at),
    )
