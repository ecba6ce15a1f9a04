"""Operations, as they are sent and answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from onbeat.api.bodies import Answer, Body
from onbeat.api.schemas.time import Moment
from onbeat.domain.operations import COUNTED, MOST_FAILURES, MOST_IDS, SHOWN, Action, Stage
from onbeat.domain.schedule_operations import MOST_NAMES, ScheduleAction
from onbeat.domain.states import State

Id = Annotated[str, Field(min_length=1, max_length=100)]
Scalar = str | int | float | bool | None


class WhereIn(Body):
    """Which jobs: of a field's values one is enough, and all fields hold."""

    state: list[State] = Field([], max_length=20)
    task: list[str] = Field([], max_length=20)
    queue: list[str] = Field([], max_length=20)
    schedule: list[str] = Field([], max_length=20, description="Names.")
    tag: list[str] = Field([], max_length=20)
    owner: list[str] = Field([], max_length=20)
    region: list[str] = Field([], max_length=20)
    id: str | None = Field(
        None, min_length=1, max_length=100, description="What their ids begin with."
    )
    created_since: datetime | None = None
    created_until: datetime | None = None
    finished_since: datetime | None = None
    finished_until: datetime | None = None
    error: str | None = Field(None, min_length=1, max_length=500)
    args: dict[str, Scalar] | None = Field(
        None,
        min_length=1,
        max_length=20,
        description="What is at which place.",
        examples=[{"customer.id": 42}],
    )


class OperationIn(Body):
    """What to do, to which jobs: give `where`, or `ids`."""

    action: Action = Field(description="cancel; retry: of states that are ends, which are given; "
                           "redrive: of those that failed.", examples=["redrive"])  # fmt: skip
    where: WhereIn | None = Field(
        None,
        description="Which jobs, by what they are.",
        examples=[{"task": ["charge"], "error": "timeout"}],
    )
    ids: list[Id] | None = Field(
        None, min_length=1, max_length=MOST_IDS, description="Which jobs, by their ids."
    )
    reason: str = Field("cancelled", min_length=1, max_length=500, description="Of a cancel.")
    dry_run: bool = Field(False, description="Only say how many there are.")


class MatchedOut(Answer):
    """How many jobs fit."""

    count: int = Field(description=f"At most {COUNTED:,}.")
    is_exact: bool = Field(description="False: there are more.")
    ids: list[str] = Field(description=f"The first {SHOWN}.")


class SchedulesWhereIn(Body):
    """Which schedules: of a field's values one is enough, and all fields hold."""

    name: list[Annotated[str, Field(min_length=1, max_length=200)]] = Field(
        [], max_length=MOST_NAMES, description="Names."
    )
    prefix: str | None = Field(
        None, min_length=1, max_length=200, description="What their names begin with."
    )
    task: list[str] = Field([], max_length=20)
    queue: list[str] = Field([], max_length=20)
    owner: list[str] = Field([], max_length=20)
    paused: bool | None = Field(None, description="Only those that are paused, or are not.")


class SchedulesOperationIn(Body):
    """What to do, to which schedules."""

    action: ScheduleAction = Field(description="pause; resume; remove: their jobs stay.")
    where: SchedulesWhereIn = Field(description="Which schedules, by what they are.")
    reason: str = Field("", max_length=500, description="Of a pause.")
    until: Annotated[
        Moment | None, Field(description="Those that are paused go on by themselves then.")
    ] = None
    dry_run: bool = Field(False, description="Only say how many there are.")


class SchedulesMatchedOut(Answer):
    """How many schedules fit."""

    count: int = Field(description=f"At most {COUNTED:,}.")
    is_exact: bool = Field(description="False: there are more.")
    names: list[str] = Field(description=f"The first {SHOWN}.")


class FailureOut(Answer):
    """A job, or a schedule, that could not be changed."""

    job: str | None = Field(description="Its id, if it is a job.")
    schedule: str | None = Field(description="Its name, if it is a schedule.")
    why: str = Field(description="Why not.")


class OperationOut(Answer):
    """An operation and how far it has come."""

    id: str
    of: Literal["jobs", "schedules"] = Field(description="To what it is done.")
    action: Action | ScheduleAction = Field(description="What is done.")
    where: dict[str, Any] = Field(description="Which, by what they are.")
    ids: int = Field(description="How many jobs were named.")
    reason: str
    until: datetime | None = Field(description="When paused schedules go on by themselves.")
    owner: str | None = Field(description="Whose jobs alone; null for everybody's.")
    by: str
    state: Stage
    total: int = Field(description="How many fitted when it began.")
    is_total_exact: bool = Field(description="False: there were more.")
    done: int = Field(description="How many were changed.")
    failed: int = Field(description="How many could not be.")
    failures: list[FailureOut] = Field(description=f"The first {MOST_FAILURES}.")
    created_at: datetime
    ended_at: datetime | None
