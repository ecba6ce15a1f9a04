"""The history of runs under the names of requirement D1, as it is answered."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field, JsonValue

from onbeat.api.bodies import Answer
from onbeat.api.schemas.jobs import AttemptOut, CountOut, LineOut
from onbeat.domain.records import Standing
from onbeat.domain.states import State


class Metadata(Answer):
    """What else is known of a run."""

    state: State
    task: str
    schedule: str | None
    occurrenceAt: datetime | None
    priority: int
    tags: list[str]
    owner: str | None
    progress: float | None
    note: str | None
    args: JsonValue = Field(description="Null for those who may not see arguments.")


class HistoryRun(Answer):
    """A run."""

    id: str
    jobName: str = Field(description="The schedule that made it, else its task.")
    jobGroup: str = Field(description="Its queue.")
    status: Standing
    startedAt: datetime | None = Field(description="When its last attempt began.")
    completedAt: datetime | None
    duration: float | None = Field(description="Milliseconds of the attempt that ended it.")
    error: str | None
    metadata: Metadata
    nextRunAt: datetime | None
    lastHeartbeat: datetime | None
    attempt: int
    maxAttempts: int
    createdAt: datetime
    updatedAt: datetime


class RunPage(Answer):
    """Where one is in the history: there are no page numbers."""

    next: str | None = Field(description="Give it as `after` for the next page; null at the end.")
    previous: str | None = Field(description="Give it as `before` for the page before.")
    size: int
    is_cut: bool = Field(description="Whether it looked at so much that it ended early: go on.")


class RunsOut(Answer):
    """A page of the history."""

    data: list[HistoryRun]
    page: RunPage


class StoryOut(HistoryRun):
    """A run with its log, and others by its name."""

    attempts: list[AttemptOut] | None = Field(description="Those that have ended.")
    logs: list[LineOut] | None = Field(description="The last 1,000 lines.")
    relatedRuns: list[HistoryRun] = Field(description="The newest others by its name.")


class ScheduleStandingOut(Answer):
    """A schedule and how it goes."""

    jobName: str
    jobGroup: str
    task: str
    schedule: str = Field(description="When it is due, in words.")
    enabled: bool
    pausedAt: datetime | None
    pausedBy: str | None
    nextRunAt: datetime | None
    lastRun: HistoryRun | None = Field(description="The last that was due, while it is on record.")
    healthy: bool = Field(description="Whether its last run did not fail, and its rule is read.")
    broken: str | None


class SchedulePage(Answer):
    """Where one is in the list."""

    next: str | None
    size: int


class StandingsOut(Answer):
    """How many runs stand how, and how each schedule goes."""

    counts: dict[Standing, CountOut]
    data: list[ScheduleStandingOut]
    page: SchedulePage
