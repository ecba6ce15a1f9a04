"""Schedules: make them, find them, change them, take them away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request, Response

from onbeat.api.answers import edition, found, location_of, page_of, refuse_edited, told
from onbeat.api.auth import allowed, gate_of
from onbeat.api.bodies import routes
from onbeat.api.openapi import CLOSED, EDITS, FINDS, READS, WRITES
from onbeat.api.paging import After, Limit, place
from onbeat.api.problems import Problem
from onbeat.api.scheduling import (
    bounds,
    call_of,
    changed,
    keep_changed,
    keep_of,
    policies_of,
    recurrence_of,
    refuse_built_in,
    refuse_reserved,
    there,
)
from onbeat.api.schemas.time import (
    ScheduleChange,
    ScheduleFound,
    ScheduleIn,
    SchedulePut,
    Schedules,
    ScheduleSaid,
)
from onbeat.app.facts.retention import kept_data
from onbeat.app.facts.schedules import schedule_data
from onbeat.app.new_schedules import NewSchedule
from onbeat.app.onbeat import Onbeat
from onbeat.app.reading.patches import args_given
from onbeat.domain.access import Permission, Principal
from onbeat.domain.errors import InvalidInput, NotFound
from onbeat.domain.jobs import check_name
from onbeat.domain.schedule_filters import ScheduleFilter, ScheduleStanding
from onbeat.domain.schedules import Schedule
from onbeat.domain.user_schedules import own_name

router = routes("/schedules", "schedules")
EXTRA = {"security": CLOSED}
Reader = Annotated[Principal, allowed(Permission.SCHEDULES_READ, own=True)]
Writer = Annotated[Principal, allowed(Permission.SCHEDULES_WRITE, own=True)]
Trigger = Annotated[Principal, allowed(Permission.SCHEDULES_TRIGGER, own=True)]
Only = Annotated[str | None, Query(max_length=200, description="Only those of this one.")]
Name = Annotated[str, Path(max_length=200, examples=["acme-report"])]


async def schedule_of(ob: Onbeat, asker: Principal, name: str) -> Schedule:
    """The schedule, if who asks may see it. Raises NotFound, which says the same of another's."""
    return await ob.schedules.find(name, owner=asker.owner)


def schedule_told(asker: Principal, data: Mapping[str, Any]) -> dict[str, Any]:
    """The schedule, as far as who asks may know it."""
    may_see = asker.may(Permission.JOBS_ARGUMENTS)
    return {**data, "args": data["args"] if may_see else None}


async def whole(ob: Onbeat, asker: Principal, schedule: Schedule) -> dict[str, Any]:
    """The schedule with what is looked for beside it."""
    warnings = dict.fromkeys(await ob.schedules.warnings(schedule.name))
    rule = await ob.retention.find(f"schedule/{schedule.name}")
    data = schedule_told(asker, schedule_data(schedule, list(warnings)))
    return {**data, "keep": None if rule is None else kept_data(rule.rule)}


def edition_of(schedule: Schedule) -> str:
    """What tells what it says now from what it said before it was changed."""
    return f"{schedule.id}.{schedule.version}"


async def answered(
    request: Request, asker: Principal, schedule: Schedule, status: int = 200
) -> Response:
    """The schedule with its tag, of which the part before the last dot is what it says."""
    data = await whole(gate_of(request).ob, asker, schedule)
    tag = edition(edition_of(schedule), data)
    if request.method in ("GET", "HEAD"):
        return found(request, data, tag)
    return told(data, status, {"ETag": tag})


def _asked(
    *,
    search: Annotated[
        str | None, Query(min_length=1, max_length=200, description="Within names and tasks.")
    ] = None,
    standing: Annotated[
        ScheduleStanding | None, Query(description="Only those that stand so.")
    ] = None,
    source: Annotated[
        str | None, Query(max_length=200, description="`code`, `api`, or as it is told.")
    ] = None,
    task: Only = None,
    queue: Only = None,
    tag: Annotated[str | None, Query(max_length=64, description="Only those with it.")] = None,
    clock: Only = None,
) -> ScheduleFilter:  # fmt: skip
    return ScheduleFilter(
        search=search, standing=standing, source=source, task=task, queue=queue, tag=tag,
        clock=clock,
    )  # fmt: skip


@router.get("", operation_id="schedules_list", response_model=Schedules,
            responses=READS, openapi_extra=EXTRA)  # fmt: skip
async def list_schedules(
    request: Request,
    asker: Reader,
    wanted: Annotated[ScheduleFilter, Depends(_asked)],
    *,
    details: Annotated[
        bool, Query(description="How their jobs fared of late, and how many schedules stand how.")
    ] = False,
    soonest: Annotated[
        bool,
        Query(description="Those that are on and due by the wall clock, the soonest first, and what"
                          " is late before all: one page of them."),
    ] = False,
    limit: Limit = 50,
    after: After = None,
) -> Response:  # fmt: skip
    """Schedules by name, those that are all that is asked."""
    ob, asked = gate_of(request).ob, asdict(wanted)
    if soonest:
        if after is not None:
            raise InvalidInput("after", "the soonest are one page; give a larger limit")
        rows = await ob.agendas.soonest(limit=limit, owner=asker.owner, wanted=wanted)
    else:
        rows = await ob.schedules.list(
            after=place(after, asked) or "", limit=limit + 1, owner=asker.owner, wanted=wanted
        )
    is_told = details and asker.may(Permission.JOBS_READ)
    recent = await ob.agendas.recent(rows[:limit]) if is_told else {}
    counts = await ob.agendas.standings(owner=asker.owner) if details else None

    def tell(each: Schedule) -> dict[str, Any]:
        fared = recent.get(each.id)
        said = schedule_told(asker, schedule_data(each))
        return {**said, "recent": None if fared is None else asdict(fared)}

    return page_of(rows, limit, tell, lambda each: each.name, asked, beside={"counts": counts})


@router.post("", operation_id="schedules_create", status_code=201, response_model=ScheduleFound,
             responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def create(request: Request, asker: Writer, body: ScheduleIn) -> Response:
    """Make a schedule; a task that is not known here is left to a worker that knows it."""
    ob = gate_of(request).ob
    wanted = await new_schedule(ob, asker, body.name, body)
    with bounds(body):
        made = await _made(ob, asker, wanted)
    answer = await answered(request, asker, made, 201)
    answer.headers.update(location_of(request, made.name))
    return answer


async def new_schedule(ob: Onbeat, asker: Principal, name: str, body: ScheduleSaid) -> NewSchedule:
    """The schedule that a body asks for. Raises InvalidInput, and Forbidden where it runs what is
    not for who asks.
    """
    if asker.owner is not None:
        name = own_name(asker.owner, name)
    check_name("name", name)
    refuse_reserved(asker, body)
    await _look_for_clock(ob, body)
    with bounds(body):
        call = call_of(ob, asker, body, args_given(body.args, None, body.task))
        when = await recurrence_of(ob, body)
        return NewSchedule(name, call, when, keep_of(body.keep), policies_of(body))


async def _made(ob: Onbeat, asker: Principal, wanted: NewSchedule) -> Schedule:
    return await ob.schedules.create(
        wanted.name, wanted.call, wanted.when, by=str(asker), keep=wanted.keep,
        owner=asker.owner, is_by_owner=asker.owner is not None, **wanted.policies,
    )  # fmt: skip


async def _look_for_clock(ob: Onbeat, body: ScheduleSaid) -> None:
    if body.clock is not None:
        with there("clock"):
            await ob.clocks.find(body.clock)


@router.get("/{name:path}", operation_id="schedules_get", response_model=ScheduleFound,
            responses=FINDS, openapi_extra=EXTRA)  # fmt: skip
async def find(request: Request, asker: Reader, name: Name) -> Response:
    """The schedule and how it stands; 304 with `If-None-Match` where nothing is new."""
    return await answered(request, asker, await schedule_of(gate_of(request).ob, asker, name))


@router.put("/{name:path}", operation_id="schedules_put", response_model=ScheduleFound,
            responses={**EDITS, 201: {"model": ScheduleFound, "description": "It is new."}},
            openapi_extra=EXTRA)  # fmt: skip
async def put(request: Request, asker: Writer, name: Name, body: SchedulePut) -> Response:
    """Make it, or let it say all this in place of what it said; `***` keeps a secret as it is."""
    ob = gate_of(request).ob
    try:
        before = await schedule_of(ob, asker, name)
    except NotFound:
        before = None
    if before is not None and before.retired_at is not None:
        before = None
    refuse_edited(request, None if before is None else edition_of(before), "schedule")
    if before is None:
        wanted = await new_schedule(ob, asker, name, body)
        with bounds(body):
            return await answered(request, asker, await _made(ob, asker, wanted), 201)
    if request.headers.get("if-none-match") == "*":
        raise Problem(412, "there is a schedule of that name already")
    with bounds(body):
        refuse_built_in(before.task)
        refuse_reserved(asker, body)
        call = call_of(ob, asker, body, args_given(body.args, before, body.task))
        call = call.opts(tags=before.tags, owner=before.owner)
        after = await ob.schedules.exchange(
            before, call, await recurrence_of(ob, body), by=str(asker), why=body.why,
            keep=False if body.keep is None else keep_of(body.keep), **policies_of(body),
        )  # fmt: skip
    return await answered(request, asker, after)


@router.patch("/{name:path}", operation_id="schedules_change", response_model=ScheduleFound,
              responses=EDITS, openapi_extra=EXTRA)  # fmt: skip
async def change(request: Request, asker: Writer, name: Name, body: ScheduleChange) -> Response:
    """Change what is given; null takes it away. `***` keeps a secret as it is."""
    ob = gate_of(request).ob
    before = await schedule_of(ob, asker, name)
    refuse_edited(request, edition_of(before), "schedule")
    with bounds(body):
        after = await ob.schedules.change(
            await changed(ob, asker, before, body), by=str(asker), why=body.why,
            keep=keep_changed(body), must_be_as_seen=True,
        )  # fmt: skip
    return await answered(request, asker, after)


@router.delete("/{name:path}", operation_id="schedules_remove", status_code=204,
               responses=EDITS, openapi_extra=EXTRA)  # fmt: skip
async def remove(request: Request, asker: Writer, name: Name) -> Response:
    """Take it away; its jobs and its record stay."""
    ob = gate_of(request).ob
    wanted = await schedule_of(ob, asker, name)
    refuse_edited(request, edition_of(wanted), "schedule")
    await ob.schedules.remove(wanted.name)
    return Response(status_code=204)
