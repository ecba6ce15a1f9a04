"""How a task, a schedule or a queue fares, folded from the ends of its jobs slice by slice. Pure.

A slice is a span of time that is over: all ends within it are known, and each is folded once. What
a slice has of a subject is a tally; tallies can be added, in any order but for the streaks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

from onbeat.domain.errors import InvalidInput

ACCURACY: Final = 0.02
"""By how much of itself a quantile may be off (DDSketch, VLDB 2019, guarantees it)."""

PER_LOG: Final = 1 / math.log((1 + ACCURACY) / (1 - ACCURACY))
"""Buckets for each factor of e: a duration of s seconds lies in bucket ceil(ln(s) * PER_LOG)."""

LEAST: Final = 1e-6
"""Seconds: what took less counts as this."""


class Kind(StrEnum):
    """Whose health it is."""

    TASK = "task"
    SCHEDULE = "schedule"
    QUEUE = "queue"


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """A task or a queue by its name, a schedule by its id."""

    kind: Kind
    id: str


@dataclass(frozen=True, slots=True)
class Took:
    """How long runs took, as a sketch: how many lie in each bucket. Two can be merged."""

    buckets: Mapping[int, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(self.buckets.values())

    @property
    def mean(self) -> timedelta | None:
        """How long one takes on average, within ACCURACY; None of none."""
        if not self.count:
            return None
        # What a bucket stands for: no value within it is farther off by its own measure.
        least, growth = 2 / (1 + math.exp(1 / PER_LOG)), 1 / PER_LOG
        seconds = sum(count * least * math.exp(bucket * growth)
                      for bucket, count in self.buckets.items())  # fmt: skip
        return timedelta(seconds=seconds / self.count)

    def quantile(self, share: float) -> timedelta | None:
        """What `share` of them (0 to 1) do not exceed, within ACCURACY; None of none."""
        seconds = _sketch(frozenset(self.buckets.items())).get_quantile_value(share)
        return None if seconds is None else timedelta(seconds=seconds)


@lru_cache(
    maxsize=256
)  # 1 ms to make, and most are asked for several quantiles, one after the other
def _sketch(buckets: frozenset[tuple[int, int]]) -> Any:
    from ddsketch.ddsketch import BaseDDSketch  # noqa: PLC0415 - 12 ms that only reports need
    from ddsketch.mapping import LogarithmicMapping  # noqa: PLC0415 - as above
    from ddsketch.store import DenseStore  # noqa: PLC0415 - as above

    mapping = LogarithmicMapping(ACCURACY)
    sketch = BaseDDSketch(mapping, DenseStore(), DenseStore(), 0.0)
    for bucket, count in buckets:
        sketch.add(mapping.value(bucket), count)
    return sketch


def bucket_of(took: timedelta) -> int:
    """In which bucket a duration lies."""
    return math.ceil(math.log(max(took.total_seconds(), LEAST)) * PER_LOG)


def top_of(bucket: int) -> timedelta:
    """The longest duration that lies in a bucket."""
    return timedelta(seconds=math.exp(bucket / PER_LOG))


def middle_of(buckets: Mapping[int, int]) -> float | None:
    """Seconds at the median, within ACCURACY; None of none.

    What `Took.quantile` says, in a microsecond and not in fifty: of baselines a month is read.
    """
    left = (sum(buckets.values()) - 1) // 2
    for bucket in sorted(buckets):
        left -= buckets[bucket]
        if left < 0:
            return math.exp(bucket / PER_LOG) * (1 - ACCURACY)
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What a slice has of a subject."""

    completed: int = 0
    failed: int = 0
    """For good: dead letters."""
    cancelled: int = 0
    attempts: int = 0
    """Of all of these; those that failed and were tried again among them."""
    last_success_at: datetime | None = None
    last_failure_at: datetime | None = None
    failed_since: int = 0
    """Failures after the last success of the slice; all of them where it has none."""
    completed_since: int = 0
    """Successes after the last failure of the slice; all of them where it has none."""
    took: Took = Took()
    """How long the runs took that completed."""

    @property
    def ended(self) -> int:
        """How many jobs ended."""
        return self.completed + self.failed + self.cancelled

    @property
    def success_rate(self) -> float | None:
        """Which part of those that completed or failed completed; None where none did."""
        decided = self.completed + self.failed
        return self.completed / decided if decided else None


def total(tallies: Sequence[Tally]) -> Tally:
    """All of them as one, the oldest first."""
    completed = failed = cancelled = attempts = failed_since = completed_since = 0
    buckets: dict[int, int] = {}
    for each in tallies:
        completed += each.completed
        failed += each.failed
        cancelled += each.cancelled
        attempts += each.attempts
        failed_since = each.failed_since + (0 if each.completed else failed_since)
        completed_since = each.completed_since + (0 if each.failed else completed_since)
        for bucket, count in each.took.buckets.items():
            buckets[bucket] = buckets.get(bucket, 0) + count
    return Tally(
        completed=completed,
        failed=failed,
        cancelled=cancelled,
        attempts=attempts,
        last_success_at=_latest(each.last_success_at for each in tallies),
        last_failure_at=_latest(each.last_failure_at for each in tallies),
        failed_since=failed_since,
        completed_since=completed_since,
        took=Took(buckets),
    )


def _latest(moments: Iterable[datetime | None]) -> datetime | None:
    return max(filter(None, moments), default=None)


SPANS: Final = (timedelta(minutes=5), timedelta(hours=1))
"""Of what roll-ups are kept: the short ones for days, the long ones for years."""


def begins(moment: datetime, span: timedelta) -> datetime:
    """When the roll-up of that span began in which the moment lies."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return epoch + (moment - epoch) // span * span


@dataclass(frozen=True, slots=True)
class Slice:
    """A span of time; `since` is in it, `until` is not."""

    since: datetime
    until: datetime


def next_slice(first: datetime, complete_before: datetime, longest: timedelta) -> Slice | None:
    """What is to be folded next, from the first end on: it is over, and lies in one roll-up of each
    span. None where nothing is.
    """
    end_of_span = begins(first, SPANS[0]) + SPANS[0]
    until = min(complete_before, first + longest, end_of_span)
    return Slice(first, until) if until > first else None


DEFAULT_WINDOW: Final = timedelta(days=1)
LONGEST_WINDOW: Final = timedelta(days=366)
FINE_FOR: Final = timedelta(hours=6)
"""Longest window that is made of short roll-ups."""

KEPT: Final = {SPANS[0]: timedelta(days=3), SPANS[1]: timedelta(days=400)}
"""How long roll-ups of each span are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How a task, a schedule or a queue fares: ever, and of late."""

    subject: Subject
    name: str | None
    """What people call it; None for a schedule that is not there any more."""
    ever: Tally
    """Without how long runs took."""
    lately: Tally
    """In the window; without streaks and moments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthPage:
    """How some fare, by their names, and of what window that is."""

    since: datetime
    """When the window begins: with a roll-up."""
    folded_to: datetime | None
    """Up to when all ends are counted; None where none ever were."""
    rows: Sequence[Health]


def read_window(now: datetime, window: timedelta | None) -> tuple[datetime, timedelta]:
    """Since when, and of which roll-ups it is made. Raises InvalidInput."""
    asked = DEFAULT_WINDOW if window is None else window
    if not timedelta() < asked <= LONGEST_WINDOW:
        raise InvalidInput("window", "it is out of range; give more than none and at most 366d")
    span = SPANS[0] if asked <= FINE_FOR else SPANS[1]
    return begins(now - asked, span), span
