"""Schedules and what says when, as they are sent and answered."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, WithJsonSchema
from pydantic_core import PydanticCustomError

from onbeat.api.bodies import Answer, Body
from onbeat.api.paging import Listed
from onbeat.api.schemas.jobs import ReasonOut
from onbeat.domain.errors import InvalidInput
from onbeat.domain.recurrence.recurrence import aware
from onbeat.domain.schedule_filters import LAST_MOMENTS

MOST_RULES = 100
MOST_LIMIT = 2**53
"""The largest number that every reader of JSON reads as it is."""


def _in_utc(moment: datetime) -> datetime:
    try:
        return aware(moment, "")
    except InvalidInput as error:
        told = str(error).removeprefix(": ")
        raise PydanticCustomError("moment", "{told}", {"told": told}) from None


_PLUS_LOST = re.compile(r"(.+[T ]\d\d:?\d\d\S*) (\d\d(?::?\d\d)?)", re.ASCII)


def _with_plus(given: object) -> object:
    found = _PLUS_LOST.fullmatch(given) if isinstance(given, str) else None
    return given if found is None else f"{found[1]}+{found[2]}"


def _listed(given: object) -> object:
    return [given] if isinstance(given, str) else given


def _kept(given: object) -> object:
    return str(given) if isinstance(given, int) and not isinstance(given, bool) else given


Moment = Annotated[datetime, AfterValidator(_in_utc)]
"""An ISO 8601 moment with its zone."""

AskedMoment = Annotated[Moment, BeforeValidator(_with_plus)]
"""The same in an address, in which a plus that is not written %2B arrives as a space."""

Text = Annotated[str, Field(max_length=10_000)]
Texts = Annotated[
    list[Text],
    Field(max_length=MOST_RULES),
    BeforeValidator(_listed),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
Kept = Annotated[
    str,
    Field(max_length=100),
    BeforeValidator(_kept),
    WithJsonSchema({"anyOf": [{"type": "integer"}, {"type": "string"}]}),
]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Word = Annotated[str, Field(max_length=200)]
Why = Annotated[str, Field(min_length=1, max_length=500)]


class RuleIn(Body):
    """When: a rule or several, and what is taken from them."""

    cron: Texts | None = Field(None, description="One or several.", examples=["0 9 * * mon-fri"])
    every: Texts | None = Field(None, description="Intervals.", examples=["15m"])
    rrule: Texts | None = Field(None, description="RFC 5545 rules.", examples=["FREQ=DAILY"])
    once: Texts | None = Field(None, description="Moments.", examples=["2027-01-04T08:00:00Z"])
    except_cron: Texts | None = Field(None, description="But not at the moments of these.")
    except_rrule: Texts | None = Field(None, description="But not at the moments of these.")
    closed: Texts | None = Field(None, description="Times in which nothing is due: BEGIN/END.")
    tz: Word | None = Field(None, description="Whose wall clock.", examples=["Europe/Paris"])
    day_match: Word | None = Field(None, description="Cron's days of month and week: and, or.")
    gap: Word | None = Field(None, description="A time the clock leaves out: after, skip, shift.")
    fold: Word | None = Field(None, description="A time it repeats: first, second, both.")
    workdays: Name | None = Field(None, description="Only on working days of that calendar.")
    otherwise: Word | None = Field(None, description="On other days: skip, forward, back.")
    recurrence: dict[str, JsonValue] | None = Field(
        None, description="In place of all these but workdays: what `recurrence` is answered as."
    )


class KeepIn(Body):
    """What is kept of ended jobs: so many of the newest, for so long, or both."""

    completed: Kept | None = Field(None, examples=[100, "30d", "100,30d"])
    failed: Kept | None = Field(None, examples=["90d"])


class PolicyIn(RuleIn):
    """How a schedule treats its moments."""

    catch_up: Word | None = Field(None, examples=["latest within 1d"])
    overlap: Word | None = Field(None, examples=["skip"])
    start_at: Moment | None = Field(None, description="Due from then on.")
    end_at: Moment | None = Field(None, description="Due until then, included.")
    limit: int | None = Field(None, ge=1, le=MOST_LIMIT, description="Jobs in all.")
    jitter: Word | None = Field(None, examples=["5m"])
    pause_after: int | None = Field(
        None, ge=1, le=10_000, description="It pauses itself after so many failures in a row."
    )
    keep: KeepIn | None = None


class ScheduleSaid(PolicyIn):
    """All that a schedule says; what is left out has its default."""

    task: Name = Field(examples=["charge"])
    args: dict[str, JsonValue] = Field({}, description="By name.", examples=[{"order_id": 42}])
    queue: Name | None = None
    priority: int | None = Field(None, ge=0, le=10, description="10 is the most urgent.")
    region: Name | None = None
    timeout: Word | None = Field(None, examples=["5m"])
    start_within: Word | None = Field(None, description="Each job begins so soon, or never.")
    clock: Name | None = Field(None, description="The virtual clock it lives by.")


class ScheduleIn(ScheduleSaid):
    """A schedule to make."""

    name: Name = Field(examples=["acme-report"])


class SchedulesIn(Body):
    """Schedules to make, all or none."""

    schedules: list[ScheduleIn] = Field(
        min_length=1, max_length=1_000, description="Their names differ."
    )


class Created(Answer):
    """What was made."""

    count: int
    names: list[str] = Field(description="In the order that was given.")


class SchedulePut(ScheduleSaid):
    """What a schedule is to say in place of all before."""

    why: Why | None = Field(None, description="For those who ask later.")


class ScheduleChange(PolicyIn):
    """What is to change, as a JSON merge patch: null takes away, or back to the default.

    A new rule takes the place of those before; the calendar and closed times stay.
    """

    task: Name | None = None
    args: dict[str, JsonValue] | None = Field(None, description="Merged into those that are.")
    replace_args: bool = Field(
        False, description="`args` takes the place of those that are, nulls in it too."
    )
    queue: Name | None = None
    priority: int | None = Field(None, ge=0, le=10)
    why: Why | None = Field(None, description="For those who ask later.")


class PauseIn(Body):
    """Why, and for how long."""

    why: Why | None = None
    until: Annotated[Moment | None, Field(description="It goes on by itself then.")] = None


class SkipIn(Body):
    """How many moments."""

    count: Annotated[int, Field(ge=0, le=1_000, description="0 for none after all.")] = 1


class TriggerIn(Body):
    """For which moment."""

    at: Annotated[
        Moment | None, Field(description="One of its own that is over; now if left out.")
    ] = None
    args: dict[str, JsonValue] | None = Field(
        None, description="In place of its own; `***` keeps a secret as it is."
    )


class RevertIn(Body):
    """To which version."""

    version: int = Field(ge=1, le=MOST_LIMIT, description="As `versions` tells it.", examples=[3])
    why: Why | None = Field(None, description="For those who ask later.")


class PreviewIn(RuleIn):
    """A rule to look at."""

    begin: Moment | None = Field(None, alias="from", description="From then on, included.")
    count: int = Field(10, ge=1, le=1_000)


class RunOut(Answer):
    """A moment that is to come."""

    utc: datetime
    local: str


class PreviewOut(Answer):
    """When it would be due."""

    description: str
    warnings: list[str]
    runs: list[RunOut]


class KeepOut(Answer):
    """What is kept of its jobs that have ended."""

    completed: str | None
    failed: str | None


class TotalsOut(Answer):
    """How many of its moments ended how."""

    ran: int
    late: int
    coalesced: int
    skipped: int
    missed: int


class ScheduleOut(Answer):
    """A schedule and how it stands."""

    name: str
    task: str
    args: JsonValue = Field(description="Secrets are `***`; null without jobs:arguments.")
    recurrence: dict[str, Any]
    description: str
    warnings: list[str]
    queue: str
    priority: int
    max_attempts: int
    catch_up: str | None
    overlap: str | None
    start_at: datetime | None
    end_at: datetime | None
    limit: int | None
    jitter_s: float
    pause_after: int | None
    made: int
    totals: TotalsOut
    failures: int
    skips: int
    skips_by: str | None
    held_due_at: datetime | None
    clock: str | None
    tags: list[str]
    owner: str | None = Field(description="Whose it is, and its jobs are.")
    source: str
    version: int
    created_at: datetime | None
    next_due_at: datetime | None
    last_due_at: datetime | None
    last_job: str | None
    paused_at: datetime | None
    paused_by: str | None
    paused_why: str | None
    paused_until: datetime | None
    retired_at: datetime | None
    changed_by: str | None
    broken: str | None


class CameOut(Answer):
    """What came of a moment it was due, or of an unbroken range of them."""

    due_at: datetime
    through_at: datetime | None = Field(description="The last moment of a range.")
    came: str = Field(
        description="The state of its job; without one `missed`, `skipped` or `coalesced`; `ran` or"
        " `late` where its job is no longer on record."
    )
    job: str | None


class RecentOut(Answer):
    """What came of a schedule's jobs in seven days, and of its last one."""

    completed: int = Field(description="Jobs that completed.")
    failed: int = Field(description="Jobs that failed for good.")
    cancelled: int = Field(description="Jobs that were called off.")
    last_state: str | None = Field(description="Of its last job; null where there is none.")
    moments: list[CameOut] = Field(
        description=f"Its last {LAST_MOMENTS}, the newest first: moments and ranges of them."
    )


class ScheduleListed(ScheduleOut):
    """One schedule of a list."""

    recent: RecentOut | None = Field(
        description="With `details`, for who has jobs:read; null otherwise."
    )


class ScheduleCounts(Answer):
    """How many schedules stand how; those that are late are on, too."""

    on: int = Field(description="They make jobs.")
    paused: int = Field(description="They make none until they are resumed.")
    broken: int = Field(description="They were set aside until somebody changes them.")
    late: int = Field(description="They were due a minute ago, and nobody has planned them.")


class Schedules(Listed[ScheduleListed]):
    """A page of schedules."""

    counts: ScheduleCounts | None = Field(
        description="Of all there are, whatever the list is narrowed to; with `details`."
    )


class ScheduleFound(ScheduleOut):
    """One schedule, with what is looked for beside it."""

    keep: KeepOut | None = Field(description="null: as long as ONBEAT_RETENTION says.")


class VersionOut(Answer):
    """What it said from a moment on."""

    version: int
    at: datetime
    by: str
    why: str | None
    said: dict[str, Any]


class Versions(Answer):
    """The newest first."""

    data: list[VersionOut]


class OccurrenceOut(Answer):
    """A moment it was due, or a range of them, and what came of it."""

    due_at: datetime
    through_at: datetime | None
    outcome: str
    reason: str | None
    job: str | None
    reruns: int


class Occurrences(Answer):
    """The newest first."""

    data: list[OccurrenceOut]


class WhyOut(Answer):
    """What holds it; empty where nothing does."""

    data: list[ReasonOut]
    warnings: list[str]
