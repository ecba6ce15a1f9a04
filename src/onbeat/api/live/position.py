"""Up to where somebody has been told: a word that any process of the fleet can go on from.

It names a moment of the database, none of a process. Who is told anew from there may be told twice
of some changes, and of none never.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from onbeat.domain.cursors import cursor, place
from onbeat.domain.errors import InvalidInput
from onbeat.store.column_types import from_micros, to_micros


@dataclass(frozen=True, slots=True)
class Position:
    """What a look had seen by its end."""

    at: datetime
    """When the look began."""
    complete_before: datetime
    """Under no moment before this one can a change lie that it did not see."""
    reader: str
    """Whose look it was: that reader goes on right behind it."""
    lines: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    """Of jobs whose lines are followed: the last line of each attempt, by its token."""

    def __str__(self) -> str:
        """How it is given out, as `seq`."""
        lines = [[job, list(places.items())] for job, places in self.lines.items()]
        return cursor([to_micros(self.at), to_micros(self.complete_before), self.reader, lines])


def read_position(text: str) -> Position:
    """The position that was given out so. Raises InvalidInput."""
    try:
        return _read(place(text, list))
    except (InvalidInput, ValueError, TypeError, KeyError, OverflowError):
        raise InvalidInput("since", "it is no place of ours; give `seq` of a frame") from None


def _read(said: Any) -> Position:
    at, complete_before, reader, lines = said
    known = {
        str(job): {_within(token, 63): _within(line, 31) for token, line in places}
        for job, places in lines
    }  # fmt: skip
    return Position(from_micros(int(at)), from_micros(int(complete_before)), str(reader), known)


def _within(value: Any, bits: int) -> int:
    """A number that the database has room for."""
    if not 0 <= (number := int(value)) < 2**bits:
        raise ValueError(value)
    return number
