"""How well tasks, schedules and queues are to do, and how much of what may fail is left. Pure.

An objective says which part of the jobs of a window is to complete; what may fail then is its
budget. How fast that is used up is a burn rate: at 1 it is gone just when the window is over
(Google, The Site Reliability Workbook, chapter 5).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from onbeat.domain.durations import format_duration, read_duration
from onbeat.domain.errors import InvalidInput
from onbeat.domain.health import SPANS, Kind, begins
from onbeat.domain.jobs import check_name

DEFAULT_TARGET: Final = 0.99
"""What holds where nobody said anything (requirement D8)."""

DEFAULT_WINDOW: Final = timedelta(days=30)
SHORTEST_WINDOW: Final = timedelta(days=1)
LONGEST_WINDOW: Final = timedelta(days=365)

LEAST_TARGET: Final = 0.5

RECENT: Final = (timedelta(hours=1), timedelta(hours=6))
"""Windows of which it is told how fast the budget is used up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """Which part of the jobs of a window is to complete."""

    target: float = DEFAULT_TARGET
    window: timedelta = DEFAULT_WINDOW
    changed_at: datetime | None = None
    changed_by: str | None = None
    """Who set it; None where it is the default, `code:NAME` where code of that application does."""

    @property
    def is_default(self) -> bool:
        """Whether nobody set it."""
        return self.changed_by is None


@dataclass(frozen=True, slots=True)
class Decided:
    """How many jobs completed and failed; those that were called off count for nothing."""

    completed: int = 0
    failed: int = 0

    @property
    def number(self) -> int:
        """How many there are."""
        return self.completed + self.failed


NONE: Final = Decided()


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """An objective of somebody, and what came of it."""

    kind: Kind
    name: str
    objective: Objective
    since: datetime
    """When its window begins: at a full hour."""
    decided: Decided
    recent: tuple[Decided, ...] = ()
    """The same of the windows of RECENT."""

    @property
    def allowed(self) -> float:
        """How many of these jobs may fail."""
        # 1 - 0.9 is not quite 0.1.
        return round(self.decided.number * (1 - self.objective.target), 9)

    @property
    def left(self) -> float:
        """How many more may fail; below nothing where more did than may."""
        return self.allowed - self.decided.failed

    @property
    def left_share(self) -> float | None:
        """Which part of the budget is left; None where there were no jobs."""
        return self.left / self.allowed if self.allowed else None

    @property
    def is_met(self) -> bool:
        """Whether no more failed than may."""
        return self.left > -1e-6  # what is just used up is no more than may be

    @property
    def burn_rates(self) -> tuple[float | None, ...]:
        """How fast it is used up in each of RECENT; None where no job ended."""
        may_fail = 1 - self.objective.target
        return tuple(
            each.failed / each.number / may_fail if each.number else None for each in self.recent
        )


def begin_of(now: datetime, window: timedelta) -> tuple[datetime, timedelta]:
    """Since when, and of which roll-ups a window is made."""
    span = SPANS[0] if window <= max(RECENT) else SPANS[1]
    return begins(now - window, span), span


@dataclass(frozen=True, slots=True, order=True)
class Whose:
    """Whose objective it is: a task, a schedule or a queue by its name."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        """As it is given: task/send."""
        return f"{self.kind}/{self.name}"


def parse_whose(text: str) -> Whose:
    """Read "task/send". Raises InvalidInput."""
    kind, separator, name = text.partition("/")
    if not separator or kind not in set(Kind):
        told = "; give task/NAME, schedule/NAME or queue/NAME"
        raise InvalidInput("subject", f"{text[:80]!r} does not say whose objective{told}")
    return Whose(Kind(kind), check_name("subject", name))


def read_objective(target: float | str, window: str | timedelta | None = None) -> Objective:
    """Read 0.999 or "99.9%", and over which window. Raises InvalidInput."""
    length = DEFAULT_WINDOW if window is None else read_duration(window, "window")
    if not SHORTEST_WINDOW <= length <= LONGEST_WINDOW:
        raise InvalidInput("window", f"{format_duration(length)} is out of range; give 1d to 365d")
    if length % timedelta(hours=1):
        raise InvalidInput(
            "window", f"{format_duration(length)} is not of full hours; give as many, as 30d"
        )
    return Objective(target=_read_target(target), window=length)


def read_declared(given: float | str) -> Objective:
    """Read what code says: 0.999, "99.9%", or "99.9% over 7d". Raises InvalidInput."""
    if not isinstance(given, str):
        return _named(given, None)
    target, separator, window = given.partition(" over ")
    return _named(target, window if separator else None)


def _named(target: float | str, window: str | None) -> Objective:
    if not isinstance(target, float | int | str):
        raise InvalidInput("objective", f"{target!r} is no share; give 0.999 or '99.9% over 7d'")
    try:
        return read_objective(target, window)
    except InvalidInput as error:
        raise InvalidInput("objective", str(error).partition(": ")[2]) from None


def _read_target(target: float | str) -> float:
    share = read_share(target, "target") if isinstance(target, str) else target
    if isinstance(share, bool) or not LEAST_TARGET <= share < 1:
        raise InvalidInput(
            "target", f"{target!r} is out of range; give 0.5 (50%) or more, and less than 1: where "
            "nothing at all may fail there is no budget"
        )  # fmt: skip
    return float(f"{share:.9f}")


def read_share(text: str, field: str) -> float:
    """Read "99.9%" or "0.999". Raises InvalidInput."""
    found = re.fullmatch(r"\s*(\d{1,3}(?:\.\d{1,9})?|\.\d{1,9})\s*(%?)\s*", text, re.ASCII)
    if found is None:
        raise InvalidInput(field, f"{text[:40]!r} is no share; give it as 99.9% or 0.999")
    return float(found[1]) / (100 if found[2] else 1)
