"""An attempt: one execution of a job, and what is remembered of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from onbeat.domain.error_classes import ErrorClass
from onbeat.domain.jobs import JobId

UNCOUNTED = frozenset({"lost", "snoozed", "interrupted"})
"""Outcomes that say nothing of the job: see `decide`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An error as it is kept: text only, never an object to be loaded again."""

    type: str
    message: str
    traceback: str = ""
    error_class: ErrorClass | None = None
    """Set where it was decided what follows from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line a job wrote while it ran."""

    at: datetime
    level: str
    message: str
    fields: str = "{}"
    """JSON object of the line's structured fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One ended execution of a job."""

    job: JobId
    attempt: int
    token: int
    session: str
    outcome: str
    started_at: datetime
    finished_at: datetime
    reason: str | None = None
    error: Failure | None = None
    result: str | None = None
    """JSON of what the task returned; null when it returned nothing."""

    @property
    def counts(self) -> bool:
        """Whether it was one of those that the job has; else the next has its number again."""
        return self.outcome not in UNCOUNTED


RETRIED = frozenset({"failed", "timed out"})
"""Outcomes after which the next attempt has the next number."""


def ends_before(attempts: Sequence[Attempt], following: int | None) -> list[Attempt]:
    """The attempts with which the job had ended, each time before it was run again by hand.

    `attempts` are the ended ones, oldest first; `following` is the number of the next one, None
    where the job has ended: run again, attempts are counted from one.
    """
    numbers = [each.attempt for each in attempts[1:]] + ([] if following is None else [following])
    return [each for each, number in zip(attempts, numbers, strict=False) if _ended(each, number)]


def _ended(attempt: Attempt, following: int) -> bool:
    """Whether the job had ended with this attempt, as the number of the next one tells."""
    if attempt.outcome in RETRIED:
        return following < attempt.attempt + 1
    return attempt.counts or following < attempt.attempt
