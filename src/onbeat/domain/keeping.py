"""Answers that are kept for a while: how long, and what makes them wrong sooner. Pure.

Each kind of answer says how it comes to be wrong: by time alone, when ends are counted, or when
somebody edits what it shows. The last two are read from the database and are a part of the answer's
key, so that a process that was told of nothing asks for another key.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from hashlib import blake2b
from typing import Any, Final

import msgspec

MOST_KEPT: Final = 1_000
"""Answers that a process keeps."""

MOST_BYTES: Final = 32 * 1024 * 1024
"""Bytes of all of these."""

LARGEST: Final = 4 * 1024 * 1024
"""Bytes of one of them; a larger one is made each time."""


class Edited(StrEnum):
    """What somebody edits that answers show."""

    QUEUE = "queue"
    SCHEDULE = "schedule"
    OBJECTIVE = "objective"


_KINDS: Final = {**{str(each): each for each in Edited}, "crontab": Edited.SCHEDULE}

UNSHOWN: Final = ("schedule.create", "schedule.trigger")
"""Of which no answer shows anything: nothing of it has ended yet, or a job is made alone."""


def edited_by(action: str, kind: str) -> Edited | None:
    """What an action on such a thing edits; None where no answer that is kept shows it."""
    return None if action in UNSHOWN else _KINDS.get(kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """How a kind of answer is kept."""

    name: str
    fresh_for: float
    """Seconds for which it is given to others; 0 for those who wait for it alone."""
    shows: frozenset[Edited] = field(default=frozenset())
    """What makes it wrong at once when it is edited, whoever did it."""
    follows_ends: bool = False
    """Whether it is another when more ends are counted."""
    follows_changes: bool = False
    """Whether it is another when something is changed through the process that keeps it."""
    is_shared: bool = False
    """Whether other processes may have it."""


STATS: Final = Keeping(
    name="stats", fresh_for=2, shows=frozenset({Edited.SCHEDULE}), follows_changes=True
)
REPORT: Final = Keeping(
    name="report", fresh_for=15, shows=frozenset({Edited.SCHEDULE, Edited.OBJECTIVE}),
    is_shared=True,
)  # fmt: skip
WHOLE_REPORT: Final = replace(REPORT, is_shared=False)
"""One with what errors say, in which arguments often are: it stays in the process."""

FARES: Final = Keeping(
    name="health", fresh_for=60, shows=frozenset({Edited.SCHEDULE, Edited.OBJECTIVE}),
    follows_ends=True, is_shared=True,
)  # fmt: skip
ANOMALIES: Final = Keeping(
    name="anomalies", fresh_for=15, shows=frozenset({Edited.SCHEDULE, Edited.QUEUE}),
    is_shared=True,
)  # fmt: skip
AGENDA: Final = Keeping(
    name="calendar", fresh_for=5, shows=frozenset({Edited.SCHEDULE}), follows_ends=True,
    follows_changes=True,
)  # fmt: skip
QUEUES: Final = Keeping(name="queues", fresh_for=0)
STANDINGS: Final = Keeping(name="status", fresh_for=0)
COUNTS: Final = Keeping(name="counts", fresh_for=0)

KEEPINGS: Final = (STATS, REPORT, FARES, ANOMALIES, AGENDA, QUEUES, STANDINGS, COUNTS)
"""Every kind."""


class From(StrEnum):
    """Where an answer was from."""

    MEMORY = "memory"
    """This process had kept it."""
    REDIS = "redis"
    """Another one had."""
    OTHERS = "others"
    """It was made for somebody who asked at the same time."""
    DATABASE = "database"
    """It was made for who asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An answer, whole; and when this process would have begun to make it."""

    body: bytes
    headers: Mapping[str, str]
    began: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How well a process does with what it keeps."""

    answers: Mapping[tuple[str, From], int]
    """How many of each kind were from where."""
    bytes: int
    is_redis_up: bool | None
    """None where there is none."""


def key_of(keeping: Keeping, *told: Any) -> str:
    """The name under which an answer is kept; another one where anything `told` is another."""
    digest = blake2b(msgspec.json.encode(told), digest_size=24).hexdigest()
    return f"{keeping.name}:{digest}"


class Shelf:
    """So many answers and so many bytes; who was not asked for longest makes way."""

    def __init__(self, most: int = MOST_KEPT, most_bytes: int = MOST_BYTES) -> None:
        """Have none."""
        self._most = most
        self._most_bytes = most_bytes
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self.bytes = 0

    def __len__(self) -> int:
        """How many there are."""
        return len(self._kept)

    def get(self, key: str) -> Kept | None:
        """The one of that key."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: str, kept: Kept) -> None:
        """Keep it; one that is too large is not."""
        self.drop(key)
        if _size(key, kept) > min(LARGEST, self._most_bytes):
            return
        self._kept[key] = kept
        self.bytes += _size(key, kept)
        while len(self._kept) > self._most or self.bytes > self._most_bytes:
            self.drop(next(iter(self._kept)))

    def drop(self, key: str) -> None:
        """Keep it no longer."""
        gone = self._kept.pop(key, None)
        if gone is not None:
            self.bytes -= _size(key, gone)


def _size(key: str, kept: Kept) -> int:
    said = sum(len(name) + len(value) for name, value in kept.headers.items())
    return len(key) + len(kept.body) + said


class Counted:
    """How many answers of each kind were from where, in one process."""

    def __init__(self) -> None:
        """None were."""
        self._counter: Counter[tuple[str, From]] = Counter()

    def add(self, keeping: Keeping, place: From) -> None:
        """One more."""
        self._counter[keeping.name, place] += 1

    def all(self) -> Mapping[tuple[str, From], int]:
        """Of every kind and place, also where there were none."""
        return {(each.name, place): self._counter[each.name, place] for each, place in _pairs()}


def _pairs() -> Iterable[tuple[Keeping, From]]:
    return ((each, place) for each in KEEPINGS for place in From)


FIRST_REST: Final = 1.0
"""Seconds for which a shelf that failed is not asked."""

LONGEST_REST: Final = 10.0


@dataclass(frozen=True, slots=True)
class Trust:
    """Whether something is asked that can be done without: after a failure not for a while."""

    failures: int = 0
    """In a row."""
    again_at: float = 0.0
    """From when on it is asked again."""

    @property
    def is_up(self) -> bool:
        """Whether it answered when it was last asked."""
        return self.failures == 0

    def asks(self, now: float) -> bool:
        """Whether it is asked now."""
        return now >= self.again_at

    def asking(self, now: float) -> Trust:
        """One asks what failed last; the others wait until that is over."""
        return self if self.is_up else Trust(self.failures, now + rest_after(self.failures))

    def failed(self, now: float) -> Trust:
        """It has not answered."""
        return Trust(self.failures + 1, now + rest_after(self.failures + 1))


def rest_after(failures: int) -> float:
    """Seconds for which it is not asked after so many failures in a row."""
    return min(FIRST_REST * 2.0 ** (min(failures, 10) - 1), LONGEST_REST)
