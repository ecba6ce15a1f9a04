"""Schedules: what was, what will be, and what is done by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from fastapi import Query, Request, Response

from onbeat.api.answers import refuse_edited, told
from onbeat.api.auth import gate_of
from onbeat.api.bodies import routes
from onbeat.api.openapi import CLOSED, EDITS, FINDS, READS, WRITES
from onbeat.api.routes.jobs import job_told
from onbeat.api.routes.schedules import (
    Name,
    Reader,
    Trigger,
    Writer,
    answered,
    edition_of,
    schedule_of,
)
from onbeat.api.scheduling import args_bound, bounds, may_revert, recurrence_of, when_of
from onbeat.api.schemas.jobs import JobOut
from onbeat.api.schemas.time import (
    AskedMoment,
    Occurrences,
    PauseIn,
    PreviewIn,
    PreviewOut,
    RevertIn,
    ScheduleFound,
    SkipIn,
    TriggerIn,
    Versions,
    WhyOut,
    Word,
)
from onbeat.app.facts.reasons import reasons_data
from onbeat.app.facts.schedules import Preview, occurrence_data, preview_data, version_data
from onbeat.app.reading.previews import preview_of_rule, preview_of_schedule
from onbeat.app.reading.versions import said_again
from onbeat.domain.access import Permission, Principal
from onbeat.domain.errors import InvalidInput
from onbeat.domain.naming import arguments_at
from onbeat.domain.recurrence.zones import known_zone, zone_info
from onbeat.domain.schedules import Version

router = routes("/schedules", "schedules")
EXTRA = {"security": CLOSED}


@router.post("/preview", operation_id="schedules_preview", response_model=PreviewOut,
             responses=READS, openapi_extra=EXTRA)  # fmt: skip
async def preview(request: Request, asker: Reader, body: PreviewIn) -> Response:
    """When a rule would be due; nothing is stored."""
    now = datetime.now(UTC)
    with bounds(body):
        recurrence = await recurrence_of(gate_of(request).ob, body)
        seen = preview_of_rule(
            recurrence, when_of(body), begin=body.begin or now, now=now, count=body.count
        )
    return told(_previewed(seen, body.tz))


def _previewed(seen: Preview, tz: str | None) -> dict[str, Any]:
    zone = zone_info(known_zone(seen.recurrence.zone if tz is None else tz))
    return preview_data(seen, zone)


@router.get("/{name:path}/next", operation_id="schedules_next", response_model=PreviewOut,
            responses=FINDS, openapi_extra=EXTRA)  # fmt: skip
async def coming(
    request: Request,
    asker: Reader,
    name: Name,
    *,
    count: Annotated[int, Query(ge=1, le=1_000)] = 10,
    begin: Annotated[AskedMoment | None, Query(alias="from", description="From then on.")] = None,
    tz: Annotated[Word | None, Query(description="Whose wall clock `local` shows.")] = None,
) -> Response:
    """Its next moments within its start, end and limit; none where it is never due again."""
    ob = gate_of(request).ob
    name = (await schedule_of(ob, asker, name)).name
    seen = await preview_of_schedule(ob, name, begin=begin, count=count, must_be_due=False)
    return told(_previewed(seen, tz))


@router.get("/{name:path}/occurrences", operation_id="schedules_occurrences",
            response_model=Occurrences, responses=FINDS, openapi_extra=EXTRA)  # fmt: skip
async def occurrences(
    request: Request,
    asker: Reader,
    name: Name,
    *,
    limit: Annotated[int, Query(ge=1, le=1_000, description="The newest, or from `begin`.")] = 20,
    begin: Annotated[AskedMoment | None, Query(description="From then on, included.")] = None,
    end: Annotated[AskedMoment | None, Query(description="Until then, included.")] = None,
) -> Response:
    """What came of each of its moments, the newest first."""
    ob = gate_of(request).ob
    name = (await schedule_of(ob, asker, name)).name
    rows = await ob.schedules.occurrences(name, limit=limit, begin=begin, end=end)
    return told({"data": [occurrence_data(*each) for each in rows]})


@router.get("/{name:path}/versions", operation_id="schedules_versions", response_model=Versions,
            responses=FINDS, openapi_extra=EXTRA)  # fmt: skip
async def versions(request: Request, asker: Reader, name: Name) -> Response:
    """What it has said, who changed it and why, the newest first."""
    ob = gate_of(request).ob
    name = (await schedule_of(ob, asker, name)).name
    return told({"data": [_said(asker, each) for each in await ob.schedules.versions(name)]})


def _said(asker: Principal, version: Version) -> dict[str, Any]:
    data = version_data(version)
    if not asker.may(Permission.JOBS_ARGUMENTS):
        data["said"] = {**msgspec.json.decode(version.said), "args": None}
    return data


@router.get("/{name:path}/why", operation_id="schedules_why", response_model=WhyOut,
            responses=FINDS, openapi_extra=EXTRA)  # fmt: skip
async def why(request: Request, asker: Reader, name: Name) -> Response:
    """Why it makes no job now, and what would change that."""
    ob = gate_of(request).ob
    name = (await schedule_of(ob, asker, name)).name
    warnings = dict.fromkeys(await ob.schedules.warnings(name))
    reasons = await ob.schedules.why(name, with_errors=asker.may(Permission.JOBS_ARGUMENTS))
    return told({"data": reasons_data(reasons), "warnings": list(warnings)})


@router.post("/{name:path}/pause", operation_id="schedules_pause", response_model=ScheduleFound,
             responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def pause(
    request: Request, asker: Trigger, name: Name, body: PauseIn | None = None
) -> Response:
    """Make no more jobs of it until it is resumed; a deploy does not undo that."""
    ob, given = gate_of(request).ob, body or PauseIn()
    name = (await schedule_of(ob, asker, name)).name
    await ob.schedules.pause(name, str(asker), why=given.why, until=given.until)
    return await answered(request, asker, await ob.schedules.find(name))


@router.post("/{name:path}/resume", operation_id="schedules_resume",
             response_model=ScheduleFound, responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def resume(request: Request, asker: Trigger, name: Name) -> Response:
    """Go on from now on; what was due meanwhile is on record as skipped."""
    ob = gate_of(request).ob
    name = (await schedule_of(ob, asker, name)).name
    await ob.schedules.resume(name)
    return await answered(request, asker, await ob.schedules.find(name))


@router.post("/{name:path}/skip", operation_id="schedules_skip", response_model=ScheduleFound,
             responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def skip(
    request: Request, asker: Trigger, name: Name, body: SkipIn | None = None
) -> Response:
    """Leave out its next moment, or the next few."""
    ob, given = gate_of(request).ob, body or SkipIn()
    name = (await schedule_of(ob, asker, name)).name
    await ob.schedules.skip_next(name, str(asker), count=given.count)
    return await answered(request, asker, await ob.schedules.find(name))


@router.post("/{name:path}/revert", operation_id="schedules_revert",
             response_model=ScheduleFound, responses=EDITS, openapi_extra=EXTRA)  # fmt: skip
async def revert(request: Request, asker: Writer, name: Name, body: RevertIn) -> Response:
    """Let it say again what it said in a version; a pause and what it has done stay."""
    ob = gate_of(request).ob
    before = await schedule_of(ob, asker, name)
    refuse_edited(request, edition_of(before), "schedule")
    wanted = next(
        (each for each in await ob.schedules.versions(before.name) if each.version == body.version),
        None,
    )
    if wanted is None:
        raise InvalidInput("version", f"{before.name!r} has no version {body.version}")
    after = said_again(before, wanted)
    may_revert(asker, before, after)
    after = await ob.schedules.change(
        after, by=str(asker), why=body.why or f"back to version {body.version}",
        must_be_as_seen=True,
    )  # fmt: skip
    return await answered(request, asker, after)


@router.post("/{name:path}/trigger", operation_id="schedules_trigger", status_code=201,
             response_model=JobOut, responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def trigger(
    request: Request, asker: Trigger, name: Name, body: TriggerIn | None = None
) -> Response:
    """Make one job of it now, beside its moments."""
    ob, given = gate_of(request).ob, body or TriggerIn.model_validate({})
    schedule = await schedule_of(ob, asker, name)
    args = None
    if given.args is not None:
        with arguments_at("args"):
            args = args_bound(ob, asker, schedule, given.args)
    made = await ob.schedules.trigger(schedule.name, at=given.at, by=str(asker), args=args)
    return told(job_told(asker, await made.show()), 201)
