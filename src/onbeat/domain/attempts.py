"""An attempt: one execution of a job, and what is remembered of it."""

from __future__ import annotations

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
