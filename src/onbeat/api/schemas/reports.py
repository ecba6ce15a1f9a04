"""Reports and objectives, as they are sent and answered."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from onbeat.api.bodies import Answer, Body
from onbeat.api.schemas.fares import StandingOut, WindowOut
from onbeat.domain.health import Kind


class TrendOut(Answer):
    """How a window differs from the one before it; null where there is nothing to compare."""

    rate_points: float | None = Field(
        description="By how many points of a hundred the success rate is higher."
    )
    p95_ratio: float | None = Field(description="p95_s, as a multiple of what it was.")
    volume_ratio: float | None = Field(
        description="Jobs that end in the same time, as a multiple of what they were."
    )


class ComparedOut(WindowOut):
    """What came of jobs in a window, and in the one before it."""

    name: str | None = Field(
        description="Of the task, the schedule or the queue; null for all jobs, and for a schedule "
        "that is not there any more."
    )
    attempts_per_job: float | None = Field(description="Attempts that a job took.")
    before: WindowOut = Field(description="The window before.")
    trend: TrendOut = Field(description="How they differ.")


class PointOut(WindowOut):
    """A step of the window, for plots."""

    at: datetime = Field(description="When it begins.")


class FailureGroupOut(Answer):
    """Failures of one kind of error at one place."""

    fingerprint: str = Field(description="Tells it from others, in every report.")
    type: str = Field(description="The exception, or `timed out`, `lost`.")
    place: str | None = Field(
        description="File and function of the innermost frame of the user's own code."
    )
    message: str | None = Field(
        description="Where there is no place: what it says, without numbers, ids and quoted texts. "
        "Null for those who may not see arguments."
    )
    number: int = Field(description="Attempts that failed so.")
    final: int = Field(description="Those after which the job had failed for good.")
    tasks: dict[str, int] = Field(description="How many of which task, the first 10.")
    first_at: datetime = Field(description="The first of these.")
    last_at: datetime = Field(description="The last of these.")
    example: str = Field(description="The job of the last one.")
    text: str | None = Field(
        description="What that one says; null for those who may not see arguments."
    )


class FailuresOut(Answer):
    """Attempts that failed, by fingerprint."""

    looked_at: int = Field(description="Failures that were looked at: the newest, 5,000 at most.")
    oldest_at: datetime | None = Field(description="The oldest of these.")
    is_exact: bool = Field(description="Whether these are all of the window.")
    groups: list[FailureGroupOut] = Field(description="Those with the most failures, 50 at most.")
    untold: int = Field(description="How many more groups there are.")


class ObjectiveOut(StandingOut):
    """The same, and whose it is."""

    subject: str = Field(description="Whose it is.", examples=["task/charge"])
    kind: Kind = Field(description="What that is.")
    name: str = Field(description="Its name.")
    warnings: list[str] = Field(
        description="When it is set: that nobody knows such a one, and which known one is nearest."
    )


class Objectives(Answer):
    """All objectives that somebody set."""

    data: list[ObjectiveOut]


class ObjectiveIn(Body):
    """Which part is to complete, over how long."""

    target: float = Field(description="0.5 or more, and less than 1.", examples=[0.999])
    window: str | None = Field(None, max_length=50, description="30d unsaid.", examples=["30d"])


class ReportOut(Answer):
    """What happened in a window, beside the window before."""

    kind: Kind = Field(description="What the rows are of.")
    made_at: datetime = Field(description="When it was made.")
    since: datetime = Field(description="When the window begins.")
    until: datetime = Field(description="Up to when ends are counted.")
    before_since: datetime = Field(description="When the window before begins.")
    folded_to: datetime | None = Field(description="Up to when all ends are counted.")
    total: ComparedOut = Field(description="All jobs.")
    rows: list[ComparedOut] = Field(description="Those with the most jobs, 100 at most.")
    is_cut: bool = Field(description="Whether there are more.")
    untimed: int = Field(
        description="Of how many rows, the last ones, it was not looked how long runs took."
    )
    step_s: float = Field(description="Seconds between points.")
    points: list[PointOut] = Field(description="All jobs, by steps; steps without any are missing.")
    slowest: list[str | None] = Field(description="Names of those whose p95 is highest.")
    worst: list[str | None] = Field(description="Names of those with the lowest success rate.")
    failures: FailuresOut
    objectives: list[ObjectiveOut] = Field(
        description="Those of the rows, and all of the kind that somebody set."
    )
