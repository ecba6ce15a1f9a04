"""The history of runs in the words of requirement D1: what a job is called, and how it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from onbeat.domain.errors import InvalidInput
from onbeat.domain.job_cursors import Sort
from onbeat.domain.jobs import Job
from onbeat.domain.states import State


class Standing(StrEnum):
    """How a job stands, where its waiting is one."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


STATES: Final[Mapping[Standing, tuple[State, ...]]] = {
    Standing.PENDING: (State.SCHEDULED, State.PENDING, State.BLOCKED, State.RETRYING),
    Standing.RUNNING: (State.RUNNING,),
    Standing.COMPLETED: (State.COMPLETED,),
    Standing.FAILED: (State.FAILED,),
    Standing.CANCELLED: (State.CANCELLED,),
}
"""The states of jobs that each stands for."""

_STANDINGS = {state: standing for standing, states in STATES.items() for state in states}


def standing_of(state: State) -> Standing:
    """What a state is called in the history."""
    return _STANDINGS[state]


SORTS: Final[Mapping[str, Sort]] = {
    "-createdAt": Sort.NEWEST,
    "createdAt": Sort.OLDEST,
    "-completedAt": Sort.LAST_ENDED,
    "completedAt": Sort.FIRST_ENDED,
}
"""What the orders of a list are called in the history."""


def read_sort(text: str) -> Sort:
    """The order of that name. Raises InvalidInput."""
    found = SORTS.get(text)
    if found is None:
        raise InvalidInput("sort", f"{text!r} is no order; give one of {', '.join(SORTS)}")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A job as the history tells of it: with what other places know besides."""

    job: Job
    began_at: datetime | None = None
    """When its last attempt began."""
    ended_at: datetime | None = None
    """When the last that has ended did."""
    heartbeat_at: datetime | None = None
    """When the worker that runs it was last heard of."""
    next_at: datetime | None = None
    """When it will run, where it waits for a moment; else when its schedule is due next."""

    @property
    def name(self) -> str:
        """What it goes by: the schedule that made it, else its task."""
        return self.job.schedule or self.job.task

    @property
    def duration(self) -> timedelta | None:
        """How long its last attempt took, where it has ended; what it waited after that is none
        of it.
        """
        if self.job.finished_at is None or self.began_at is None or self.ended_at is None:
            return None
        return self.ended_at - self.began_at

    @property
    def updated_at(self) -> datetime:
        """When it was last changed, as far as is known."""
        known = (self.began_at, self.ended_at, self.job.finished_at)
        return max([self.job.created_at, *(each for each in known if each is not None)])
