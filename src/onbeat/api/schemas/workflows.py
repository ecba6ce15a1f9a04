"""Workflows, as they are answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from onbeat.api.bodies import Answer, Body
from onbeat.api.paging import Page
from onbeat.api.schemas.jobs import JobIn
from onbeat.domain.states import State

MOST_STARTED = 10_000
"""Jobs of a workflow that is started over the API: code may start larger ones."""


class WorkflowOut(Answer):
    """A workflow and how far it has come."""

    id: str
    name: str
    state: str
    on_failure: str
    total: int
    ended: int
    failed: int = Field(description="How many failed.")
    cancelled: int
    created_at: datetime
    ended_at: datetime | None


class Workflows(Answer):
    """A page of workflows, the newest first."""

    data: list[WorkflowOut]
    page: Page


Label = Annotated[str, Field(min_length=1, max_length=200)]


class MemberIn(JobIn):
    """A job of a workflow to start: as any job, and what it waits for."""

    label: Label | None = Field(None, description="Its task's name, with a number, if left out.")
    after: list[Label] = Field(
        [], max_length=MOST_STARTED, description="Labels of jobs that are to end before it begins."
    )
    on: Literal["success", "end"] = Field("success", description="How those are to end.")
    results: dict[str, Label | list[Label]] = Field(
        {}, description="Arguments that are the results of other jobs, or lists of such, by their "
        "labels; those stand before it, and it waits for their success.",
    )  # fmt: skip


class WorkflowIn(Body):
    """A workflow to start: all of it is stored, or nothing."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    on_failure: Literal["continue", "end"] = "continue"
    jobs: list[MemberIn] = Field(
        min_length=1, max_length=MOST_STARTED, description="Its jobs, in any order but for results."
    )


class Started(Answer):
    """The workflow that was started."""

    id: str
    jobs: dict[str, str] = Field(description="The ids of its jobs, by their labels.")


class WorkflowJobOut(Answer):
    """A job of a workflow, and which jobs it waits for."""

    id: str
    label: str
    task: str
    state: State
    reason: str | None
    after: dict[str, str] = Field(description="Labels of parents, and what of each it waits for.")


class Graph(Answer):
    """A page of the jobs of a workflow, in the order in which they were added."""

    data: list[WorkflowJobOut]
    page: Page


class CalledOff(Answer):
    """What calling a workflow off did."""

    cancelled: int
    asked: int = Field(description="How many run, and were asked to stop.")
