"""What of tasks, schedules and queues is not as usual, as it is answered."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from onbeat.api.bodies import Answer
from onbeat.api.paging import Page
from onbeat.domain.anomalies import Measure
from onbeat.domain.health import Kind

UNITS = "Seconds of duration and lateness, a share of failures, jobs of volume."


class AnomalyOut(Answer):
    """A measure that is not as usual."""

    measure: Measure = Field(description="What is measured.")
    is_more: bool = Field(description="Whether there is more of it than usual; else less.")
    text: str = Field(description="What is not as usual, and what would be, in words.")
    value: float = Field(description=f"What it is, at the median. {UNITS}")
    usual_low: float = Field(description="Usually it is not below that.")
    usual_high: float = Field(description="Usually it is not above that.")
    jobs: int = Field(description="Of how many jobs the value is.")
    since: datetime = Field(description="When the window begins that was looked at.")
    until: datetime = Field(description="When it ends.")
    score: float = Field(description="How unusual it is: 1 is just told.")


class PredictionOut(Answer):
    """A measure that rises, and will reach a limit."""

    measure: Measure = Field(description="What is measured.")
    text: str = Field(description="What rises, how fast, and when it reaches what, in words.")
    value: float = Field(description=f"Where the trend stands. {UNITS}")
    per_day: float = Field(description="By how much it rises in a day.")
    limit: float = Field(description="What it will reach.")
    at: datetime = Field(description="When it will, if it rises on as it does; past where it did.")
    earliest: datetime = Field(description="At the earliest: mostly it comes between these.")
    latest: datetime = Field(description="At the latest.")


class JudgedOut(Answer):
    """What of a task, a schedule or a queue is not as usual."""

    kind: Kind = Field(description="What it is.")
    name: str | None = Field(description="Of the task, the schedule or the queue.")
    known_days: int = Field(description="Of how many of the last 28 days runs are known.")
    anomalies: list[AnomalyOut] = Field(description="What is not as usual of it.")
    predictions: list[PredictionOut] = Field(description="What of it will reach a limit.")


class AnomaliesOut(Answer):
    """A page of a list, and up to when it is judged."""

    judged_to: datetime | None = Field(
        description="The full hour up to which it is; null where nothing was ever counted."
    )
    data: list[JudgedOut]
    page: Page
