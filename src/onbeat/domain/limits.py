"""Limits: how many jobs may run at once, and how many may begin in a time. Pure.

A limit holds across the fleet. With `by` it has a slot for each value of an argument, without it
one for all. How its slots are given out is in domain/granting.py.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from onbeat.domain.durations import parse_duration
from onbeat.domain.errors import InvalidInput
from onbeat.domain.jobs import check_name
from onbeat.domain.ties import TieKind, tie

QUEUE = "queue/"
"""How the names of those limits begin that bound a whole queue."""

LARGEST = 1_000_000
"""Jobs at once, or in a period: more is no limit."""

LONGEST_KEY = 100
"""Characters of a key that are kept as they are; of a longer one, a hash stands for it."""

LONGEST_PERIOD = timedelta(days=366)

_RATE = re.compile(r"\s*(\d{1,9})\s*(?:/|per\b)\s*(\S.*?)\s*", re.ASCII)


class Bounds(msgspec.Struct, frozen=True, gc=False):
    """What a limit allows; None where it does not bound."""

    concurrency: int | None = None
    """Jobs that may run at once."""
    rate: int | None = None
    """Jobs that may begin in each `period`."""
    period: int | None = None
    """Microseconds."""
    burst: int | None = None
    """Jobs that may begin at once after a rest; None for as many as `rate`."""


UNBOUND = Bounds()


@dataclass(frozen=True, slots=True)
class Limit:
    """A bound on jobs, across the fleet: `Limit("calls", concurrency=3, by="tenant")`.

    `rate` is as "100/min", "5/10s"; after a rest `burst` jobs may begin at once, by default as many
    as the rate has. `by` names the argument, or arguments, each value of which has a slot of
    its own; `key` is such a value that is no argument, a tag: `task.opts(limits=Limit("calls",
    concurrency=3, key="acme"))`. Tasks that name the same limit share it. Raises InvalidInput.
    """

    name: str
    concurrency: int | None = None
    rate: str | None = None
    burst: int | None = None
    by: str | tuple[str, ...] | None = None
    key: str | None = None

    def __post_init__(self) -> None:
        """Check every field."""
        check_limit_name(self.name)
        _check_by(self.by)
        _check_key(self.key, self.by)
        _ = self.bounds

    @property
    def bounds(self) -> Bounds:
        """What it allows, in plain numbers."""
        return read_bounds(self.concurrency, self.rate, self.burst)

    @property
    def arguments(self) -> tuple[str, ...]:
        """The arguments whose values make the key."""
        return (self.by,) if isinstance(self.by, str) else self.by or ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitState:
    """A limit on record, and how much of it is in use."""

    name: str
    bounds: Bounds
    declared: Bounds | None
    """What the code says; None where it was made by hand."""
    by_hand: bool
    """Whether somebody set it at run time."""
    changed_at: datetime
    changed_by: str
    used: int
    waiting: int
    """Jobs that may not begin because of it; of a queue's limit, up to 10,000."""
    slots: int
    """Slots that somebody holds or waits for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotState:
    """A slot of a limit as it stands."""

    name: str
    bounds: Bounds
    used: int
    waiting: int
    open_at: datetime
    """When its rate lets the next begin; in the past when it may at once."""
    holders: tuple[str, ...] = ()
    """The first few jobs that hold it."""

    @property
    def is_full(self) -> bool:
        """Whether one must end before another may begin."""
        most = self.bounds.concurrency
        return most is not None and self.used >= most


def _check_by(by: object) -> None:
    if by is None or (isinstance(by, str) and by):
        return
    names = by if isinstance(by, tuple) else ()
    if not names or not all(isinstance(name, str) and name for name in names):
        raise InvalidInput(
            "by", f"{by!r} names no argument; give by='tenant', by=('tenant', 'kind'), or leave it "
            "out for one slot for all",
        )  # fmt: skip
    if len(set(names)) < len(names):
        raise InvalidInput("by", f"{by!r} names an argument twice; name each once")


def _check_key(key: object, by: object) -> None:
    if key is None:
        return
    if not isinstance(key, str) or not 0 < len(key) <= LONGEST_KEY or not key.isprintable():
        raise InvalidInput(
            "key", f"{key!r} is no printable text of 1 to {LONGEST_KEY} characters; "
            "give key='acme', or leave it out",
        )  # fmt: skip
    if by is not None:
        raise InvalidInput("key", "it is given together with by; give one of them")


def check_limit_name(name: str, field: str = "limit") -> str:
    """Return `name`; it may hold neither colon nor slash, which slots and queues are told by."""
    check_name(field, name)
    if ":" in name or "/" in name:
        raise InvalidInput(field, f"{name!r} holds a colon or a slash; leave it out")
    return name


def read_bounds(concurrency: int | None, rate: str | None, burst: int | None) -> Bounds:
    """Check what a limit allows. Raises InvalidInput naming the field that is wrong."""
    if burst is not None and rate is None:
        raise InvalidInput("burst", "it goes with a rate; give rate='100/min' too")
    if concurrency is None and rate is None:
        raise InvalidInput(
            "limit", "it bounds nothing; give concurrency=3, rate='100/min', or both"
        )
    if concurrency is not None:
        _check_count("concurrency", concurrency)
    count, period = (None, None) if rate is None else parse_rate(rate)
    if burst is not None:
        _check_count("burst", burst)
    return Bounds(concurrency, count, period, burst)


def _check_count(field: str, count: int) -> None:
    if isinstance(count, bool) or not isinstance(count, int):
        raise InvalidInput(field, f"{count!r} is not a whole number; give 1 or more")
    if count == 0:
        raise InvalidInput(field, "0 would let no job begin; give 1 or more, or pause the queue")
    if not 1 <= count <= LARGEST:
        raise InvalidInput(field, f"{count} is out of range; give 1 to {LARGEST:,}")


def parse_rate(text: str) -> tuple[int, int]:
    """Read "100/min" or "5 per 10s": how many, and in how many microseconds."""
    found = _RATE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise InvalidInput("rate", f"{text!r} is not a rate; give one as 100/min or 5/10s")
    count, period = int(found[1]), found[2]
    _check_count("rate", count)
    try:
        duration = parse_duration(period if period[0].isdigit() else f"1{period}", "rate")
    except InvalidInput:
        raise InvalidInput(
            "rate", f"its period {period!r} is no duration of fixed length; give one as 100/min, "
            "5/10s or 1000/30d",
        ) from None  # fmt: skip
    if not timedelta() < duration <= LONGEST_PERIOD:
        raise InvalidInput("rate", f"its period {period!r} is out of range; give 1ms to 366d")
    return count, duration // timedelta(microseconds=1)


def slot_of(limit: Limit, arguments: Mapping[str, Any]) -> str:
    """The tie of a job with these arguments to the limit: which of its slots it needs."""
    values = [limit.key] if limit.key else [arguments.get(name) for name in limit.arguments]
    return tie(TieKind.SLOT, f"{limit.name}:{key_of(values)}")


def key_of(values: Sequence[Any]) -> str:
    """The key of some values, as people would write it; a hash where that is long."""
    shown = ",".join(value if isinstance(value, str) else _json(value) for value in values)
    if len(shown) <= LONGEST_KEY and shown.isprintable() and not _is_ambiguous(values):
        return shown
    return hashlib.sha256(_json(list(values)).encode()).hexdigest()[:32]


def _is_ambiguous(values: Sequence[Any]) -> bool:
    """Whether another list of values would be written the same, as "1" and 1, or "a,b"."""
    texts = [value for value in values if isinstance(value, str)]
    return any("," in text and len(values) > 1 for text in texts) or any(
        _reads_as_json(text) for text in texts
    )


def _reads_as_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError:
        return False
    return True


def _json(value: Any) -> str:
    return msgspec.json.encode(value, order="sorted").decode()


def queue_limit(queue: str) -> str:
    """The name of the limit that bounds a whole queue."""
    return f"{QUEUE}{queue}"


def queue_slot(queue: str) -> str:
    """The one slot of the limit that bounds a whole queue."""
    return f"{queue_limit(queue)}:"


def slot_text(slot: str) -> str:
    """A slot's name as people see it: the limit's own where that has one slot for all."""
    limit = limit_of(slot)
    return limit if slot == f"{limit}:" else slot


def limit_of(slot: str) -> str:
    """The name of the limit a slot belongs to; that of a queue has one slot, and any name."""
    return slot.removesuffix(":") if slot.startswith(QUEUE) else slot.partition(":")[0]
