"""Backfills, calendars and clocks, as they are sent and answered."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from onbeat.api.bodies import Answer, Body
from onbeat.api.schemas.time import Moment, Name, Why, Word
from onbeat.domain.backfills import MOST_AT_ONCE
from onbeat.domain.recurrence.work_calendar import MOST_HOLIDAYS, MOST_WINDOWS
from onbeat.runtime.clocks import MOST_MOMENTS


class BackfillIn(Body):
    """Moments of a schedule that are over, and whose jobs are wanted after all."""

    schedule: Name = Field(examples=["acme-report"])
    begin: Moment = Field(alias="from", description="From then on, included.")
    end: Moment = Field(alias="to", description="Until then, included.")
    dry_run: bool = Field(False, description="Say what it would do; nothing is done.")
    again: bool = Field(False, description="Also moments that had a job.")
    at_once: int = Field(1, ge=1, le=MOST_AT_ONCE, description="So many open at one time.")
    priority: int | None = Field(
        None, ge=0, le=10, description="Its schedule's own if left out, as owners have to."
    )
    why: Why | None = None


class BackfillOut(Answer):
    """A backfill and how far it has come."""

    id: str
    schedule: str
    begin: datetime = Field(alias="from")
    end: datetime = Field(alias="to")
    at_once: int
    total: int
    made: int
    open: int
    by: str
    why: str | None
    created_at: datetime
    ended_at: datetime | None
    stopped: str | None


class GapsOut(Answer):
    """What a backfill would do."""

    moments: list[datetime]
    total: int
    passed: int = Field(description="Moments that have had a job.")


class CalendarIn(Body):
    """Which days are worked, and which times are closed."""

    weekend: list[Word] = Field(["sat", "sun"], max_length=7)
    holidays: list[Word] = Field([], max_length=MOST_HOLIDAYS, examples=[["2027-12-25"]])
    closed: list[Annotated[list[Word], Field(min_length=2, max_length=2)]] = Field(
        [], max_length=MOST_WINDOWS, description="Pairs of moments: nothing is due between."
    )
    ics: str | None = Field(None, description="An iCalendar file's text with more of both.")


class CalendarOut(Answer):
    """A calendar of working days."""

    name: str
    weekend: list[str]
    holidays: list[date]
    closed: list[list[datetime]]


class CalendarPut(CalendarOut):
    """A calendar that was put there."""

    changed: list[str] = Field(description="The schedules that changed with it.")


class ClockIn(Body):
    """A clock to make."""

    name: Name = Field(examples=["world"])
    at: Moment = Field(description="Where it stands at first.")


class ClockOut(Answer):
    """A virtual clock and where it stands."""

    name: str
    now_at: datetime
    created_at: datetime
    advanced_at: datetime


class AdvanceIn(Body):
    """How far a clock is moved: by a time, or to a moment."""

    by: Annotated[str, Field(max_length=50)] | None = Field(
        None, description="How far.", examples=["6h"]
    )
    to: Moment | None = Field(None, description="To which moment, in place of how far.")
    jump: bool = Field(False, description="Plan schedules once, at the end, not on the way.")
    most: int = Field(MOST_MOMENTS, ge=1, le=MOST_MOMENTS, description="Moments to pass at most.")


class AdvancedOut(Answer):
    """What moving a clock did."""

    now_at: datetime
    fired: int
    released: int
    expired: int
    is_done: bool = Field(description="False where it stopped on the way: go on to `goal_at`.")
    goal_at: datetime
