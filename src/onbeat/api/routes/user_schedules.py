"""`/jobs/schedule`: users schedule what is marked for them, and see and touch their own alone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from fastapi import Path, Request, Response

from onbeat.api.answers import told
from onbeat.api.auth import allowed, gate_of
from onbeat.api.bodies import routes
from onbeat.api.openapi import CLOSED, FINDS, READS, WRITES
from onbeat.api.paging import MOST, After, Limit, place
from onbeat.api.schemas.user_schedules import (
    Said,
    Scheduled,
    UserScheduleIn,
    UserScheduleOptionsIn,
    UserScheduleOut,
    UserSchedulesOut,
    WhenIn,
)
from onbeat.app.facts.user_schedules import user_schedule_data
from onbeat.app.onbeat import Onbeat
from onbeat.app.user_schedules import UserSchedule
from onbeat.domain.access import Permission, Principal
from onbeat.domain.cursors import cursor
from onbeat.domain.errors import Forbidden, InvalidInput
from onbeat.domain.naming import arguments_at, named
from onbeat.domain.recurrence import Recurrence, cron, every
from onbeat.domain.recurrence.local_time import instant_of
from onbeat.domain.recurrence.zones import known_zone
from onbeat.domain.retention import Keep

router = routes("/jobs/schedule", "users", under="")
EXTRA = {"security": CLOSED}
Reader = Annotated[Principal, allowed(Permission.SCHEDULES_READ, own=True)]
Writer = Annotated[Principal, allowed(Permission.SCHEDULES_WRITE, own=True)]
Id = Annotated[str, Path(max_length=200, description="As it was answered.")]

DAY, INSTANT = timedelta(days=1), timedelta(microseconds=1)

PLACES = {
    "start": "schedule.startDate",
    "end": "schedule.endDate",
    "when": "schedule.cron",
    "completed": "options.removeOnComplete",
    "failed": "options.removeOnFail",
}
"""Where a body says what commands call so."""


@router.post("", operation_id="user_schedules_create", response_model=Scheduled, responses=WRITES,
             openapi_extra=EXTRA)  # fmt: skip
async def create(request: Request, asker: Writer, body: UserScheduleIn) -> Response:
    """Schedule a task for oneself: each request makes another schedule."""
    if asker.owner is None:
        raise Forbidden(f"{asker.name} has no rows of its own; send the token of a user, or make a "
                        "schedule by POST /api/v1/schedules")  # fmt: skip
    ob, said = gate_of(request).ob, body.schedule
    with named("schedule.", anchor="startDate", every="repeat.every"):
        zone = known_zone(said.tz or "UTC")
        start = _moment("startDate", said.startDate, zone)
        end = _moment("endDate", said.endDate, zone, is_end=True)
        when = await _rule(ob, said, zone, start)
    with named(**PLACES), arguments_at("data"):
        made = await ob.user_schedules.create(
            asker.owner, body.name, body.data, when, by=str(asker), keep=_keep(body.options),
            field="name", start=start, end=end,
            limit=None if said.repeat is None else said.repeat.limit,
        )  # fmt: skip
    return told({"schedulerId": made.name})


@router.get("", operation_id="user_schedules_list", response_model=UserSchedulesOut,
            responses=READS, openapi_extra=EXTRA)  # fmt: skip
async def list_schedules(
    request: Request, asker: Reader, limit: Limit = MOST, after: After = None
) -> Response:
    """One's schedules that were made here, by name and then by age."""
    key = place(after)
    found = await gate_of(request).ob.user_schedules.list(
        asker.owner, after=key or "", limit=limit + 1
    )
    shown = found[:limit]
    following = cursor(shown[-1].schedule.name) if len(found) > limit else None
    return told({"scheduledJobs": [_told(asker, each) for each in shown], "next": following})


@router.get("/{schedulerId:path}", operation_id="user_schedules_get",
            response_model=UserScheduleOut, responses=FINDS, openapi_extra=EXTRA)  # fmt: skip
async def find(request: Request, asker: Reader, schedulerId: Id) -> Response:
    """One of them, and how it stands."""
    found = await gate_of(request).ob.user_schedules.find(schedulerId, owner=asker.owner)
    return told(_told(asker, found))


@router.delete("/{schedulerId:path}", operation_id="user_schedules_remove", response_model=Said,
               responses=FINDS, openapi_extra=EXTRA)  # fmt: skip
async def remove(request: Request, asker: Writer, schedulerId: Id) -> Response:
    """Take it away; the jobs it has made stay."""
    await gate_of(request).ob.user_schedules.remove(schedulerId, owner=asker.owner)
    return told({"message": f"{schedulerId} is removed; the jobs it has made stay"})


def _told(asker: Principal, made: UserSchedule) -> dict[str, Any]:
    """The schedule, as far as who asks may know it: owners know what they gave themselves."""
    data = user_schedule_data(made)
    may_see = asker.owner is not None or asker.may(Permission.JOBS_ARGUMENTS)
    return {**data, "data": data["data"] if may_see else None}


async def _rule(ob: Onbeat, said: WhenIn, zone: str, start: datetime | None) -> Recurrence:
    """The rule; what is repeated is counted from its start, or from now. Raises InvalidInput."""
    if said.cron is not None and said.repeat is None:
        return cron(said.cron, tz=zone)
    if said.repeat is None or said.cron is not None:
        raise InvalidInput("cron", "give either cron or repeat, and one of them")
    now = await (await ob.store()).read(lambda _, now: now)
    return every(timedelta(milliseconds=said.repeat.every), tz=zone, anchor=start or now)


def _moment(field: str, text: str | None, zone: str, *, is_end: bool = False) -> datetime | None:
    """A moment as it is said: with an offset, or by the clock of the zone; of a day that is the
    first, or where it `is_end` the last. Raises InvalidInput.
    """
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return _of_clock(field, text, zone)
    try:
        begin = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - by the zone's clock
        return instant_of(zone, begin + DAY) - INSTANT if is_end else instant_of(zone, begin)
    except OverflowError:
        raise InvalidInput(field, f"{text} is out of range; give a day before 9999") from None


def _of_clock(field: str, text: str, zone: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return instant_of(zone, moment) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput(
            field, f"{text!r} is no moment; give 2027-01-31T18:00:00Z, or a day as 2027-01-31"
        ) from None


def _keep(options: UserScheduleOptionsIn) -> Keep | None:
    done, failed = options.removeOnComplete, options.removeOnFail
    if done is None and failed is None:
        return None
    return Keep(
        completed=None if done is None else done.count,
        failed=None if failed is None else failed.count,
    )
