"""Schedules of users, in the words of `/jobs/schedule`; moments are ISO 8601."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field, JsonValue

from onbeat.api.bodies import Answer, Body
from onbeat.api.schemas.time import MOST_LIMIT

Date = Annotated[
    str,
    Field(
        max_length=50, examples=["2027-01-31T18:00:00+01:00", "2027-01-31"],
        description="A moment, or a day of `tz`; included.",
    ),
]  # fmt: skip
Zone = Annotated[str, Field(max_length=200, examples=["Europe/Paris"])]
MOST_MILLISECONDS = 100 * 366 * 86_400_000


class Repeat(Body):
    """Every so often."""

    every: int = Field(ge=1_000, le=MOST_MILLISECONDS, description="Milliseconds, 1000 at least.")
    limit: int | None = Field(None, ge=1, le=MOST_LIMIT, description="So many times in all.")


class WhenIn(Body):
    """When: `cron` or `repeat`."""

    cron: str | None = Field(
        None, max_length=1_000, description="A cron expression.", examples=["0 9 * * mon-fri"]
    )
    repeat: Repeat | None = Field(None, description="In place of cron: every so often.")
    tz: Zone | None = Field(None, description="Whose wall clock and days; UTC unless said.")
    startDate: Date | None = Field(None, description="A moment, or a day of `tz`: the first.")
    endDate: Date | None = Field(None, description="A moment, or a day of `tz`: the last.")


class Count(Body):
    """So many of the newest are kept."""

    count: int = Field(ge=0, le=1_000_000)


class UserScheduleOptionsIn(Body):
    """What is kept of its jobs that have ended."""

    removeOnComplete: Count | None = Field(None, description="Of the completed.")
    removeOnFail: Count | None = Field(None, description="Of the failed.")


class UserScheduleIn(Body):
    """What a user wants run, and when."""

    name: str = Field(max_length=200, description="A task for users.", examples=["remind"])
    data: dict[str, JsonValue] = Field(
        {}, description="What it is given; `userId` is put in here.", examples=[{"text": "tea"}]
    )
    schedule: WhenIn = Field(description="When it runs.")
    options: UserScheduleOptionsIn = Field(
        default_factory=lambda: UserScheduleOptionsIn.model_validate({}),
        description="What is kept of it.",
    )


class Scheduled(Answer):
    """What was made."""

    schedulerId: str = Field(description="User, name, and an id that begins with the moment.")


class RepeatOut(Answer):
    """Every so often."""

    every: int = Field(description="Milliseconds.")
    limit: int | None


class WhenOut(Answer):
    """When it is due."""

    cron: str | None = Field(description="A cron expression; null where it repeats.")
    repeat: RepeatOut | None = Field(description="Every so often; null with cron.")
    tz: str = Field(description="Whose wall clock.")
    startDate: datetime | None = Field(description="The first moment at which it may be due.")
    endDate: datetime | None = Field(description="Included.")


class KeptCountOut(Answer):
    """So many of the newest are kept."""

    count: int


class UserScheduleOptionsOut(Answer):
    """What is kept of its jobs; null: as long as ONBEAT_RETENTION says."""

    removeOnComplete: KeptCountOut | None = Field(description="Of the completed.")
    removeOnFail: KeptCountOut | None = Field(description="Of the failed.")


class UserScheduleOut(Answer):
    """A schedule of a user, and how it stands."""

    schedulerId: str = Field(description="What it is found by.")
    name: str = Field(description="The task.")
    data: dict[str, JsonValue] | None = Field(
        description="Secrets are `***`; null for who is not its owner and lacks jobs:arguments."
    )
    schedule: WhenOut = Field(description="When it runs.")
    options: UserScheduleOptionsOut = Field(description="What is kept of it.")
    made: int = Field(description="How many jobs it has made.")
    createdAt: datetime | None
    nextRunAt: datetime | None = Field(description="null: never again.")
    lastRunAt: datetime | None = Field(description="The last moment it was due.")
    lastJobId: str | None = Field(description="The job it made last.")


class UserSchedulesOut(Answer):
    """A page of them."""

    scheduledJobs: list[UserScheduleOut] = Field(description="Those of who asks.")
    next: str | None = Field(description="Give it as `after` for the next page; null at the end.")


class Said(Answer):
    """What was done."""

    message: str
