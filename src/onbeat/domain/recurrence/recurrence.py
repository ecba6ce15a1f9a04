"""The one interface of every source of moments; planning knows no other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Protocol, runtime_checkable

from onbeat.domain.errors import InvalidRecurrence

MICROSECOND = timedelta(microseconds=1)
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
_EARLIEST = datetime.min.replace(tzinfo=UTC)
LONGEST_SHOWN = 60
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@runtime_checkable
class Recurrence(Protocol):
    """A pure source of moments: frozen, hashable, and without a clock of its own."""

    @property
    def zone(self) -> str:
        """The IANA name of the zone whose wall clock is followed, "UTC" where none is."""
        ...

    @property
    def after_finish(self) -> timedelta | None:
        """The delay counted from a job's finish; None where moments lie on a grid."""
        ...

    def next(self, after: datetime) -> datetime | None:
        """Give the first moment (UTC) strictly later than `after`, None when there is no more.

        Raises InvalidRecurrence when `after` has no time zone.
        """
        ...

    def describe(self) -> str:
        """Say in plain English when it fires."""
        ...

    def warnings(self, since: datetime | None = None) -> tuple[str, ...]:
        """Say what a reader could easily take wrong; of clock changes, those from `since` on."""
        ...

    def spec(self) -> dict[str, object]:
        """Give the JSON-able form that `recurrence_from_spec` reads back."""
        ...


class OnGrid:
    """A recurrence whose moments do not wait for a job to finish.

    A property, for pyright takes no class variable for the protocol's property.
    """

    __slots__ = ()

    @property
    def after_finish(self) -> timedelta | None:
        """None: its moments lie on a grid."""
        return None

    def following(self: Recurrence, after: datetime) -> Iterator[datetime]:
        """Give all moments strictly later than `after`, in order."""
        return _one_by_one(self, after)


class InUtc:
    """A recurrence that follows no wall clock."""

    __slots__ = ()

    @property
    def zone(self) -> str:
        """UTC."""
        return "UTC"


def moments(recurrence: Recurrence, after: datetime, count: int) -> list[datetime]:
    """Give up to `count` moments strictly later than `after`, in order."""
    return list(islice(following(recurrence, after), max(count, 0)))


def following(recurrence: Recurrence, after: datetime) -> Iterator[datetime]:
    """Give all moments strictly later than `after`, in order; there may be no end of them."""
    return (
        recurrence.following(after)
        if isinstance(recurrence, OnGrid)
        else _one_by_one(recurrence, after)
    )


def due_from(recurrence: Recurrence, begin: datetime) -> Iterator[datetime]:
    """Give all moments from `begin` on, included."""
    begin = aware(begin, "from")
    return following(recurrence, max(begin, _EARLIEST + MICROSECOND) - MICROSECOND)


def _one_by_one(recurrence: Recurrence, after: datetime) -> Iterator[datetime]:
    moment = recurrence.next(after)
    while moment is not None:
        yield moment
        moment = recurrence.next(moment)


def aware(moment: datetime, field: str) -> datetime:
    """Give `moment` in UTC; refuse one without a time zone, for it names no instant."""
    if moment.tzinfo is UTC:
        return moment

    if moment.utcoffset() is None:
        remedy = "add one, such as Z (UTC) or +01:00"
        raise InvalidRecurrence(field, f"{moment.isoformat()} has no time zone; {remedy}")

    try:
        return moment.astimezone(UTC)
    except OverflowError as reason:
        message = f"{moment.isoformat()} is outside the years 1 to 9999; use a nearer time"
        raise InvalidRecurrence(field, message) from reason


def stamp(moment: datetime) -> str:
    """Write a UTC moment in ISO 8601, ending in Z."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def moment_from(text: object, field: str) -> datetime:
    """Read an ISO 8601 moment that carries its offset; give it in UTC."""
    if isinstance(text, datetime):
        return aware(text, field)

    try:
        return aware(datetime.fromisoformat(str(text)), field)
    except ValueError as reason:
        message = f"{shown(text)} is not an ISO 8601 time; write it like 2027-03-28T02:30:00+01:00"
        raise InvalidRecurrence(field, message) from reason


def shown(value: object) -> str:
    """Quote a value in a message, which is no place for all of a long one."""
    if isinstance(value, str):
        return repr(value) if len(value) <= LONGEST_SHOWN else f"{value[:LONGEST_SHOWN]!r}…"

    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def in_words(words: list[str], joint: str = "and") -> str:
    """Join as English does: "a", "a and b", "a, b and c"."""
    return f" {joint} ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)
