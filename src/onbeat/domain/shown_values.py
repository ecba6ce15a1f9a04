"""How Python shows moments, durations and UUIDs that JSON keeps in another form."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from uuid import UUID

import msgspec

SHORTEST, LONGEST = 3, 40
"""Characters of such a value in JSON."""


def as_python_shows(text: str) -> Iterator[str]:
    """The `str` of what the text may stand for, and what its `repr` begins with."""
    if not SHORTEST <= len(text) <= LONGEST:
        return
    for kind in (datetime, date, time, timedelta, UUID):
        try:
            value = msgspec.convert(text, kind)
        except msgspec.ValidationError:
            continue
        yield str(value)
        if isinstance(value, UUID):
            yield value.hex
            continue
        if isinstance(value, datetime | time):
            yield value.isoformat()
            value = value.replace(tzinfo=None)
        yield repr(value)[:-1]  # a zone may follow
