"""Queues, workers and tasks, as they are answered."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from onbeat.api.bodies import Answer


class QueueOut(Answer):
    """A queue and what stands in it."""

    name: str
    pending: int = Field(description="At count_limit: that many or more.")
    running: int
    delayed: int
    count_limit: int
    oldest_at: datetime | None = Field(description="Since when the oldest pending job waits.")
    paused_at: datetime | None
    paused_by: str | None


class QueueFound(QueueOut):
    """A queue that was paused or resumed."""

    warnings: list[str] = Field(
        description="That nobody used it before, and which queue is nearest: it may be mistyped."
    )


class LoadOut(Answer):
    """How loaded a queue is, and what it takes to have all that waits begun in time."""

    queue: str
    pending: int = Field(description="Counted up to 10,000.")
    running: int
    paused: bool
    workers: int = Field(description="That serve it, and neither drain nor are paused.")
    slots: int = Field(description="Jobs that those can run at once, of all their queues.")
    mean_s: float | None = Field(
        description="Seconds that a job took on average in the last hour; null where none did."
    )
    within_s: float
    needed_slots: int
    needed_workers: int = Field(description="Workers of the usual number of slots.")
    warnings: list[str] = Field(
        description="That nobody knows such a queue, and which known one is nearest."
    )


class Queues(Answer):
    """Every queue that is known or has jobs."""

    data: list[QueueOut]


class WorkerOut(Answer):
    """A worker that is there."""

    session: str
    instance: str
    host: str
    pid: int
    version: str
    region: str | None
    queues: list[str]
    concurrency: int
    running: int
    draining: bool
    service: str | None = Field(
        description="Its id in /services; null where its process tells of none."
    )
    paused: bool = Field(description="Whether its service is paused: it goes on with what it has.")
    started_at: datetime
    heartbeat_at: datetime
    expires_at: datetime = Field(description="It counts as dead from then on, unless it is heard.")


class Workers(Answer):
    """All live workers."""

    data: list[WorkerOut]


class HeldOut(Answer):
    """A job that a worker runs."""

    session: str = Field(description="The worker's.")
    job: str
    task: str
    queue: str
    attempt: int
    started_at: datetime


class HeldJobs(Answer):
    """Jobs that run, those that have run longest first."""

    data: list[HeldOut]


class ArgumentOut(Answer):
    """An argument of a task."""

    name: str
    required: bool
    type: str


class TaskOut(Answer):
    """A task that the API's process knows."""

    name: str
    aliases: list[str]
    function: str
    runs_in: str
    queue: str
    priority: int
    timeout_s: float | None
    max_attempts: int
    arguments: list[ArgumentOut]


class Tasks(Answer):
    """The tasks of the application that the API was given."""

    data: list[TaskOut]
