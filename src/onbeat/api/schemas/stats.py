"""Figures of jobs, as they are answered."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from onbeat.api.bodies import Answer
from onbeat.api.schemas.jobs import CountOut
from onbeat.domain.states import State
from onbeat.domain.stats import GroupedBy


class FiguresOut(Answer):
    """What came of some jobs."""

    name: str | None
    states: dict[State, CountOut]
    success_rate: float | None = Field(
        description="Which part of those that completed or failed completed."
    )
    mean_s: float | None = Field(description="Of the attempts that ended them, in seconds.")
    p50_s: float | None
    p95_s: float | None


class StatsOut(Answer):
    """What ended in a window, what is open now, and how far was looked."""

    by: GroupedBy
    since: datetime
    until: datetime
    looked_at: int = Field(description="Ends that were looked at: the newest, 2,000 at most.")
    oldest_at: datetime | None = Field(description="The oldest of these.")
    is_exact: bool = Field(description="Whether these are all of the window.")
    is_cut: bool = Field(description="Whether there are more groups than the 500 that are told.")
    total: FiguresOut
    data: list[FiguresOut] = Field(description="Those with the most jobs first.")


class RunFiguresOut(Answer):
    """What came of some runs."""

    pending: int = Field(description="Those that wait, for whatever it is.")
    running: int
    completed: int = Field(description="Those that completed.")
    failed: int = Field(description="Those that failed.")
    cancelled: int
    successRate: float | None
    averageDuration: float | None = Field(description="Milliseconds, as are the others.")
    p50Duration: float | None
    p95Duration: float | None


class NamedFiguresOut(RunFiguresOut):
    """The same of what goes by one name."""

    jobName: str


class RunStatsOut(Answer):
    """The figures of all runs in a window, and by name."""

    start: datetime = Field(alias="from")
    to: datetime
    lookedAt: int
    isExact: bool = Field(description="Whether all were counted; else there are at least so many.")
    isCut: bool
    total: RunFiguresOut
    jobs: list[NamedFiguresOut]
