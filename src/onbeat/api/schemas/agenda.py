"""An agenda, as it is answered."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import Field

from onbeat.api.bodies import Answer
from onbeat.domain.agenda import MOST_LAPSED


class AgendaCounts(Answer):
    """How much there was, and is to come."""

    completed: int = Field(description="Jobs of schedules that completed.")
    failed: int = Field(description="Jobs of schedules that failed for good.")
    cancelled: int = Field(description="Jobs of schedules that were called off.")
    missed: int = Field(
        description="Moments that nobody ran in time; a range of them counts once in each bucket "
        "that it touches."
    )
    skipped: int = Field(description="Moments that were left out, told as those missed.")
    coming: int = Field(description="Moments at which schedules will be due.")
    cut: int = Field(
        description="Schedules that may be due more often in it: 10,000 moments are looked at, "
        "which all schedules share alike."
    )


class BucketOut(Answer):
    """A day or an hour by the zone's clock."""

    begins_at: datetime = Field(description="When it begins.")
    ends_at: datetime = Field(description="When the next one begins.")
    local: str = Field(description="Its begin by the zone's clock, with the offset of then.")
    hours: float = Field(description="How long it is: a day has 23 or 25 where clocks are moved.")
    counts: AgendaCounts


class CellOut(Answer):
    """What a schedule has in an hour."""

    bucket: int = Field(description="Which of the buckets, counted from 0.")
    counts: AgendaCounts
    first_at: datetime | None = Field(description="The first moment to come.")
    last_at: datetime | None = Field(description="The last moment to come.")
    every_s: float | None = Field(
        description="Seconds from each moment to the next, where three or more are evenly apart."
    )


class AgendaRow(Answer):
    """What a schedule has."""

    name: str | None = Field(description="Of the schedule; null for all that were taken away.")
    cells: list[CellOut] = Field(description="Of each bucket in which it has something.")


class AgendaOut(Answer):
    """What was and what is to come."""

    zone: str = Field(description="Whose clock.")
    now: datetime = Field(description="When it was read.")
    today: date = Field(description="The day that it is in the zone.")
    folded_to: datetime | None = Field(
        description="Up to when all ends are counted, some 20 seconds ago while jobs end."
    )
    buckets: list[BucketOut] = Field(description="The days or hours, one after the other.")
    schedules: list[AgendaRow] = Field(description="By hour: each schedule by itself, by name.")
    schedules_more: int = Field(description="How many more schedules there are in it.")
    lapsed_since: datetime | None = Field(
        description="From when on missed and skipped moments are told, where not all are: of "
        f"either the {MOST_LAPSED:,} newest are."
    )
    left_out: int = Field(
        description="Schedules of which nothing to come was looked at: the 2,000 soonest are."
    )
