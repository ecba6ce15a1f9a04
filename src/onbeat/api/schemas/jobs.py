"""Jobs, their attempts and their log, as they are sent and answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from onbeat.api.bodies import Answer, Body
from onbeat.domain.states import State

EXAMPLE = "01a224dee48270009786037438a3877c"


class JobOut(Answer):
    """A job and where it stands."""

    id: str = Field(examples=[EXAMPLE])
    task: str
    runs_as: str | None = Field(description="What its task is called now, where it was renamed.")
    queue: str
    priority: int = Field(ge=0, le=10)
    state: State
    args: JsonValue = Field(description="Secrets are `***`; null without jobs:arguments.")
    attempt: int
    max_attempts: int
    created_at: datetime
    due_at: datetime | None
    started_at: datetime | None = Field(
        description="When its last attempt began. In lists and exports only of a job that runs: "
        "ask for the one job, or for /admin/cron-jobs."
    )
    finished_at: datetime | None
    reason: str | None
    schedule: str | None
    occurrence_at: datetime | None
    progress: float | None
    note: str | None
    stop_asked: str | None
    route: JsonValue
    expires_at: datetime | None
    tags: list[str]
    owner: str | None


class JobsPage(Answer):
    """Where one is in the list."""

    next: str | None = Field(description="Give it as `after`.")
    previous: str | None = Field(description="Give it as `before`.")
    size: int
    is_cut: bool = Field(description="Whether it stopped looking before the page was full.")


class JobsOut(Answer):
    """A page of jobs."""

    data: list[JobOut]
    page: JobsPage


class JobsFound(Answer):
    """Those of some jobs that are there, in the order they were asked for."""

    data: list[JobOut]


class CountOut(Answer):
    """How many."""

    number: int
    is_exact: bool


class Counts(Answer):
    """How many jobs are in each state."""

    data: dict[State, CountOut]


class ErrorOut(Answer):
    """What an attempt failed with."""

    type: str
    error_class: str | None = Field(alias="class")
    message: str
    traceback: str | None


class AttemptOut(Answer):
    """One attempt that has ended."""

    attempt: int
    outcome: str
    counts: bool = Field(description="Whether it counts among max_attempts.")
    started_at: datetime
    finished_at: datetime
    duration_s: float
    session: str | None
    reason: str | None
    error: ErrorOut | None
    result: JsonValue


class LineOut(Answer):
    """One line that a job wrote."""

    at: datetime
    attempt: int
    line: int
    level: str
    message: str
    fields: dict[str, Any]


class ReasonOut(Answer):
    """One thing that holds it, and what would change that."""

    code: str
    what: str
    remedy: str | None


class Attempts(Answer):
    """The attempts of a job that have ended, the oldest first."""

    data: list[AttemptOut]


class LinesPage(Answer):
    """Where one is in the log, of which the end is told first."""

    previous: str | None = Field(description="Give it as `before` for the lines before these.")
    size: int


class Lines(Answer):
    """What a job wrote, attempt after attempt."""

    data: list[LineOut]
    page: LinesPage


class Reasons(Answer):
    """What holds it; empty where nothing does."""

    data: list[ReasonOut]


class UniqueIn(Body):
    """Which jobs are the same, of which there is then one: those with the same key, or the same
    values of the arguments in `by`, of all arguments where neither is given.
    """

    by: list[str] | None = Field(None, max_length=50, description="Names of arguments.")
    key: str | None = Field(None, max_length=500, description="In place of arguments.")
    until: str | None = Field(None, max_length=20, description="ended (default), or begun.")
    within: str | None = Field(None, max_length=50, description="So long after the first.")
    replace: bool = Field(False, description="Take the place of one that only waits.")


class RetryIn(Body):
    """How often it is tried, and after how long: in place of what its task says."""

    attempts: int = Field(3, ge=1, le=1_000, description="The first included.")
    base: str = Field("5s", max_length=50, description="The first delay.")
    cap: str = Field("1h", max_length=50, description="The longest delay.")
    backoff: str = Field("exponential", description="fixed, linear, exponential, polynomial.")
    factor: float = Field(2.0, description="What exponential delays grow by.")
    power: float = Field(4.0, description="What polynomial delays grow by.")
    jitter: str = Field("equal", description="none, full, equal.")


class JobLimitIn(Body):
    """A limit that it is under, with what that allows, and the key whose slot is meant."""

    name: Annotated[str, Field(min_length=1, max_length=200, examples=["calls"])]
    key: str | None = Field(None, max_length=200, description="Whose slot; all share one without.")
    concurrency: int | None = Field(None, ge=1, le=1_000_000)
    rate: str | None = Field(None, max_length=50, examples=["100/min"])
    burst: int | None = Field(None, ge=1, le=1_000_000)


class JobIn(Body):
    """A job to ask for."""

    task: str = Field(min_length=1, max_length=200, examples=["charge"])
    args: dict[str, JsonValue] = Field({}, description="By name.", examples=[{"order_id": 42}])
    queue: str | None = Field(None, max_length=200)
    priority: int | None = Field(None, ge=0, le=10, description="10 is the most urgent.")
    region: str | None = Field(None, max_length=200)
    delay: str | None = Field(None, max_length=50, examples=["30s"])
    at: datetime | None = Field(None, description="Not before then; with a zone.")
    timeout: str | None = Field(None, max_length=50, examples=["5m"])
    start_within: str | None = Field(None, max_length=50)
    start_by: datetime | None = None
    clock: str | None = Field(None, max_length=200, description="A virtual clock.")
    key: str | None = Field(
        None, min_length=1, max_length=500,
        description="A unique key: while a job has it, no other is made, and that one is answered.",
    )  # fmt: skip
    unique: UniqueIn | Literal[False] | None = Field(
        None, description="The same at length; false: none is, whatever its task says."
    )
    grace: str | None = Field(
        None, max_length=50, description="With clock: called off where that jumps past by more."
    )
    retry: RetryIn | None = Field(None, description="In place of what its task says.")
    limits: list[JobLimitIn] | None = Field(
        None, max_length=20, description="In place of its task's; none where it is empty."
    )
    tags: list[str] | None = Field(None, max_length=20)
    owner: str | None = Field(None, max_length=200)


class Enqueued(Answer):
    """The job that was asked for."""

    id: str = Field(examples=[EXAMPLE])
    is_new: bool = Field(description="False where another has its unique key: this is that one.")
    warnings: list[str] = Field(
        description="That no worker knows its task, where any is known, and which is nearest; "
        "names only for who may see tasks."
    )


class JobsIn(Body):
    """Jobs to ask for, all or none."""

    jobs: list[JobIn] = Field(min_length=1, max_length=1_000, description="All of one clock.")


class EnqueuedMany(Answer):
    """The jobs that were asked for, in their order."""

    data: list[Enqueued]


class CancelIn(Body):
    """Why a job is called off."""

    reason: Annotated[str, Field(min_length=1, max_length=500)] = "cancelled"


class Cancelled(Answer):
    """What came of it."""

    state: State = Field(description="`running`: it has been asked to stop.")
