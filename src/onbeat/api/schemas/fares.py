"""How tasks, schedules and queues fare, as it is answered."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from onbeat.api.bodies import Answer
from onbeat.api.paging import Page
from onbeat.domain.health import Kind


class CountsOut(Answer):
    """What came of jobs."""

    completed: int = Field(description="Jobs that completed.")
    failed: int = Field(description="Jobs that failed for good.")
    cancelled: int = Field(description="Jobs that were called off.")
    attempts: int = Field(description="Attempts of all these, those that were tried again too.")
    success_rate: float | None = Field(
        description="Which part of those that completed or failed completed."
    )


class WindowOut(CountsOut):
    """The same of a window, and how long runs took that completed: within 2 %."""

    p50_s: float | None = Field(description="Seconds that half of the runs did not exceed.")
    p95_s: float | None = Field(description="Seconds that 95 of 100 runs did not exceed.")
    p99_s: float | None = Field(description="Seconds that 99 of 100 runs did not exceed.")


class StandingOut(Answer):
    """An objective, and what came of it."""

    target: float = Field(description="Which part of the jobs is to complete.", examples=[0.999])
    window: str = Field(description="Over how long.", examples=["30d"])
    is_default: bool = Field(description="Whether nobody set it.")
    changed_at: datetime | None = Field(description="When it was set.")
    changed_by: str | None = Field(description="Who set it.")
    since: datetime = Field(description="When the window begins: at a full hour.")
    is_met: bool = Field(description="Whether no more failed than may.")
    completed: int = Field(description="Jobs that completed.")
    failed: int = Field(description="Jobs that failed for good.")
    allowed: float = Field(description="How many of these may fail.")
    left: float = Field(description="How many more may fail; negative where too many did.")
    left_share: float | None = Field(description="Which part of the budget is left.")
    burn_rate_1h: float | None = Field(
        description="How fast the budget is used up in the last hour: at 1 it is gone just when "
        "the window is over."
    )
    burn_rate_6h: float | None = Field(description="The same of the last 6 hours.")


class FareOut(Answer):
    """How a task, a schedule or a queue fares."""

    kind: Kind = Field(description="What it is.")
    name: str | None = Field(description="Of the task, the schedule or the queue.")
    last_success_at: datetime | None = Field(description="When a job of it last completed.")
    last_failure_at: datetime | None = Field(description="When a job of it last failed for good.")
    failures_in_row: int = Field(description="Jobs that failed since the last that completed.")
    successes_in_row: int = Field(description="Jobs that completed since the last that failed.")
    ever: CountsOut = Field(description="All that were ever counted.")
    objective: StandingOut = Field(description="What is to complete, and what may fail still.")
    window: WindowOut = Field(description="What ended in the window.")


class FaresOut(Answer):
    """A page of a list, and of what window it is."""

    since: datetime = Field(description="When the window begins: at a full hour, or 5 minutes.")
    folded_to: datetime | None = Field(
        description="Up to when all ends are counted, some 20 seconds ago while jobs end."
    )
    data: list[FareOut]
    page: Page
