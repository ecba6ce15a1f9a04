"""Services of all processes, as they are asked about and answered."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from onbeat.api.bodies import Answer, Body
from onbeat.app.services import Came
from onbeat.domain.processes import Action, Condition
from onbeat.domain.services import Status


class ProcessOut(Answer):
    """A process that runs services."""

    id: str
    instance: str
    host: str
    pid: int
    version: str
    region: str | None
    started_at: datetime
    heartbeat_at: datetime


class ServiceOut(Answer):
    """A service of a process."""

    id: str = Field(description="Its kind and its process, as `scheduler@5d0c2f1a`.")
    kind: str
    name: str
    status: Status
    healthy: bool = Field(description="Whether it works, or was told not to.")
    critical: bool
    draining: bool = Field(description="Whether it is being stopped.")
    runs: int = Field(description="Steps it has taken since its process began.")
    successes: int = Field(description="Steps that did not fail.")
    failures: int = Field(description="Steps that failed.")
    last_success_at: datetime | None
    last_error: str | None
    last_duration_s: float | None
    mean_duration_s: float | None
    process: ProcessOut


class ServicesOut(Answer):
    """The services of all processes that are heard of."""

    data: list[ServiceOut]


class ActionIn(Body):
    """What a service is to do."""

    action: Action
    id: str = Field(
        min_length=1, max_length=500,
        description="One service, as `scheduler@5d0c2f1a`, or all of a kind, as `scheduler`.",
    )  # fmt: skip


class WishedOut(Answer):
    """What came of it in one process."""

    id: str
    action: Action
    came: Came = Field(description="`wished` where the process has not said yet.")
    error: str | None = Field(description="Why it cannot be done.")


class ActionOut(Answer):
    """What came of it."""

    done: bool = Field(description="Whether it took effect everywhere.")
    services: list[WishedOut]


class SchedulerCounts(Answer):
    """How many services there are."""

    total: int
    running: int
    errors: int


class SchedulerState(Answer):
    """How one is."""

    status: Status
    healthy: bool
    lastSuccess: datetime | None


class SchedulersHealth(Answer):
    """How all services are, and nothing more."""

    healthy: bool
    status: Condition
    timestamp: datetime
    schedulers: SchedulerCounts
    details: dict[str, SchedulerState]
