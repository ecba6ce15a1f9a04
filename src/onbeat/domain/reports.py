"""What happened in a window, beside the one before: figures, trends, points of a plot. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from onbeat.domain.errors import InvalidInput
from onbeat.domain.failures import Failures
from onbeat.domain.health import FINE_FOR, SPANS, Kind, Tally, begins
from onbeat.domain.objectives import Budget

DEFAULT_WINDOW: Final = timedelta(days=7)
SHORTEST_WINDOW: Final = timedelta(minutes=30)
LONGEST_WINDOW: Final = timedelta(days=180)
"""Two of them, one before the other, fit in how long roll-ups are kept."""

MOST_ROWS: Final = 100
"""Tasks, schedules or queues that a report tells: those with the most jobs."""

MOST_NAMED: Final = 10
"""How many are named as the slowest, the worst."""

STEPS: Final = (
    timedelta(minutes=5), timedelta(hours=1), timedelta(hours=3), timedelta(hours=6),
    timedelta(hours=12), timedelta(days=1), timedelta(days=7),
)  # fmt: skip
MOST_POINTS: Final = 73
"""Points of a plot; a step is as short as this allows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which window a report is of, the one before it, and of what roll-ups they are made."""

    since: datetime
    until: datetime
    """Up to when all ends are counted."""
    before: datetime
    """When the window before it begins; it ends where this one begins."""
    of: timedelta
    step: timedelta
    """How far the points of plots are apart."""

    @property
    def share(self) -> float:
        """How long the window is, as a multiple of the one before it."""
        return (self.until - self.since) / (self.since - self.before)


def read_span(now: datetime, folded_to: datetime | None, window: timedelta | None) -> Span:
    """Which window is meant. Raises InvalidInput."""
    asked = DEFAULT_WINDOW if window is None else window
    if not SHORTEST_WINDOW <= asked <= LONGEST_WINDOW:
        raise InvalidInput("window", "it is out of range; give 30m to 180d")
    of = SPANS[0] if asked <= FINE_FOR else SPANS[1]
    since = begins(now - asked, of)
    until = max(since + of, min(now, folded_to or now))
    # As many whole roll-ups as the window has, the one it begins within counted once.
    before = since - max(1, asked // of) * of
    step = next((each for each in STEPS if asked / each <= MOST_POINTS and each >= of), STEPS[-1])
    return Span(since=since, until=until, before=before, of=of, step=step)


@dataclass(frozen=True, slots=True)
class Trend:
    """How a window differs from the one before it; None where either has nothing to compare."""

    rate_points: float | None
    """By how many points of a hundred the success rate is higher."""
    p95_ratio: float | None
    """How long the slow runs take, as a multiple."""
    volume_ratio: float | None
    """How many jobs end in the same time, as a multiple."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What came of jobs in a window, and in the one before it."""

    name: str | None
    """Of a task, a schedule or a queue; None of all jobs, and of what is not there any more."""
    now: Tally
    before: Tally
    share: float
    """How long the window is, as a multiple of the one before it."""

    @property
    def attempts_per_job(self) -> float | None:
        """How many attempts a job took."""
        return self.now.attempts / self.now.ended if self.now.ended else None

    @property
    def trend(self) -> Trend:
        """How they differ."""
        rates = self.now.success_rate, self.before.success_rate
        points = None if None in rates else ((rates[0] or 0) - (rates[1] or 0)) * 100
        return Trend(
            points, _ratio(_p95(self.now), _p95(self.before)),
            _ratio(self.now.ended, self.before.ended * self.share),
        )  # fmt: skip


def _p95(tally: Tally) -> float | None:
    found = tally.took.quantile(0.95)
    return None if found is None else found.total_seconds()


def _ratio(now: float | None, before: float | None) -> float | None:
    return now / before if now is not None and before else None


@dataclass(frozen=True, slots=True)
class Point:
    """What a step of the window has."""

    at: datetime
    """When it begins."""
    tally: Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What happened in a window."""

    kind: Kind
    """What the rows are of."""
    made_at: datetime
    span: Span
    folded_to: datetime | None
    """Up to when all ends are counted; None where none ever were."""
    whole: Compared
    """All jobs."""
    points: Sequence[Point]
    """All jobs, by steps; those that have none are missing."""
    rows: Sequence[Compared]
    """Each task, schedule or queue, that with the most jobs first."""
    is_cut: bool
    """Whether there are more than are told."""
    untimed: int
    """Of how many rows it is not told how long runs took: those with the fewest jobs."""
    failures: Failures
    budgets: Sequence[Budget]

    @property
    def slowest(self) -> Sequence[Compared]:
        """Those whose slow runs take the longest."""
        timed = [(_p95(each.now), each) for each in self.rows]
        found = [(p95, each) for p95, each in timed if p95 is not None]
        return [each for _, each in sorted(found, key=lambda one: -one[0])][:MOST_NAMED]

    @property
    def worst(self) -> Sequence[Compared]:
        """Those with the lowest success rate, of which any failed."""
        failing = [each for each in self.rows if each.now.failed]
        return sorted(failing, key=_rate_then_number)[:MOST_NAMED]


def _rate_then_number(row: Compared) -> tuple[float, int]:
    return row.now.success_rate or 0.0, -row.now.failed
