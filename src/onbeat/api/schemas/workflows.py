"""Workflows, as they are answered."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from onbeat.api.bodies import Answer
from onbeat.domain.states import State


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
    """Workflows, the newest first."""

    data: list[WorkflowOut]


class WorkflowJobOut(Answer):
    """A job of a workflow, and which jobs it waits for."""

    id: str
    label: str
    task: str
    state: State
    reason: str | None
    after: dict[str, str] = Field(description="Labels of parents, and what of each it waits for.")


class Graph(Answer):
    """All jobs of a workflow, in the order in which they were added."""

    data: list[WorkflowJobOut]


class CalledOff(Answer):
    """What calling a workflow off did."""

    cancelled: int
    asked: int = Field(description="How many run, and were asked to stop.")
