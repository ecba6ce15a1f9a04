"""Operations: what is done to many jobs, by the servers, with progress and a stop."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import Path, Request, Response

from onbeat.api.answers import found, location_of, page_of, told
from onbeat.api.auth import allowed, gate_of
from onbeat.api.bodies import routes
from onbeat.api.openapi import CLOSED, FINDS, READS, WRITES
from onbeat.api.paging import After, Limit, Listed, place
from onbeat.api.schemas.operations import (
    MatchedOut,
    OperationIn,
    OperationOut,
    SchedulesMatchedOut,
    SchedulesOperationIn,
    SchedulesWhereIn,
    WhereIn,
)
from onbeat.app.facts.operations import matched_data, matched_schedules_data, operation_data
from onbeat.app.onbeat import Onbeat
from onbeat.domain.access import Permission, Principal
from onbeat.domain.jobs import JobId, parse_job_id
from onbeat.domain.naming import named
from onbeat.domain.operations import Action, Meant, Operation, Where
from onbeat.domain.schedule_operations import ScheduleAction, SchedulesMeant, ScheduleWhere

router = routes("/operations", "operations")
EXTRA = {"security": CLOSED}
Reader = Annotated[Principal, allowed(Permission.JOBS_READ, own=True)]
SchedulesReader = Annotated[Principal, allowed(Permission.SCHEDULES_READ, own=True)]
Manager = Annotated[Principal, allowed(Permission.JOBS_READ, Permission.JOBS_MANAGE, own=True)]
Id = Annotated[
    str, Path(max_length=100, description="32 hexadecimal digits, with or without dashes.")
]

NEEDED = {
    ScheduleAction.PAUSE: Permission.SCHEDULES_TRIGGER,
    ScheduleAction.RESUME: Permission.SCHEDULES_TRIGGER,
    ScheduleAction.REMOVE: Permission.SCHEDULES_WRITE,
}
"""What doing it to one schedule needs, too."""

PLACES = {name: f"where.{name}" for name in WhereIn.model_fields}
"""Where a body says which jobs."""


@router.get("", operation_id="operations_list", response_model=Listed[OperationOut],
            responses=READS, openapi_extra=EXTRA)  # fmt: skip
async def list_operations(
    request: Request, asker: Reader, limit: Limit = 50, after: After = None
) -> Response:
    """Operations, the newest first; an owner's own alone."""
    key = place(after)
    rows = await gate_of(request).ob.operations.list(owner=asker.owner, before=key, limit=limit + 1)
    return page_of(rows, limit, partial(_told, asker), lambda each: each.id)


@router.post("", operation_id="operations_begin", status_code=202, response_model=OperationOut,
             responses={**WRITES, 200: {"model": MatchedOut, "description": "Of a dry run."}},
             openapi_extra=EXTRA)  # fmt: skip
async def begin(request: Request, asker: Manager, body: OperationIn) -> Response:
    """Cancel many jobs, or run many again: those that fit now, and none made later.

    It is carried on batch after batch by a process of ours, also when another dies.
    """
    ob = gate_of(request).ob
    meant = Meant(
        action=body.action,
        where=await _where(ob, asker, body.where),
        ids=[_id(number, each) for number, each in enumerate(body.ids or ())],
        reason=f"{body.reason} (by {asker})" if body.action is Action.CANCEL else "",
        owner=asker.owner,
    )
    with named(**PLACES):
        if body.dry_run:
            return told(matched_data(await ob.operations.count(meant)))
        made = await ob.operations.begin(meant, by=str(asker))
    return told(_told(asker, made), 202, location_of(request, made.id))


@router.post("/schedules", operation_id="operations_begin_on_schedules", status_code=202,
             response_model=OperationOut, openapi_extra=EXTRA,
             responses={**WRITES, 200: {"model": SchedulesMatchedOut,
                                        "description": "Of a dry run."}})  # fmt: skip
async def begin_on_schedules(
    request: Request, asker: SchedulesReader, body: SchedulesOperationIn
) -> Response:
    """Pause, resume or remove many schedules: those that fit now, and none made later.

    To remove them needs schedules:write, the others schedules:trigger.
    """
    ob = gate_of(request).ob
    asker.need(NEEDED[body.action])
    said = body.where.model_dump(exclude_defaults=True)
    lists = {name: tuple(value) for name, value in said.items() if isinstance(value, list)}
    meant = SchedulesMeant(
        action=body.action, where=ScheduleWhere(**{**said, **lists}), reason=body.reason,
        until=body.until, owner=asker.owner,
    )  # fmt: skip
    with named(**{name: f"where.{name}" for name in SchedulesWhereIn.model_fields}):
        if body.dry_run:
            return told(matched_schedules_data(await ob.operations.count_schedules(meant)))
        made = await ob.operations.begin_on_schedules(meant, by=str(asker))
    return told(_told(asker, made), 202, {"Location": made.id})


def _id(number: int, text: str) -> JobId:
    with named(job=f"ids.{number}"):
        return parse_job_id(text)


def _told(asker: Principal, operation: Operation) -> dict[str, Any]:
    """The operation, as far as who asks may know it."""
    return operation_data(operation, with_args=asker.may(Permission.JOBS_ARGUMENTS))


async def _where(ob: Onbeat, asker: Principal, given: WhereIn | None) -> Where:
    """Which jobs are meant. Raises Forbidden, NotFound."""
    if given is None:
        return Where()
    if given.args or given.error:
        asker.need(Permission.JOBS_ARGUMENTS)
    said = given.model_dump(exclude_defaults=True)
    mine = asker.owner
    made_by = [(await ob.schedules.find(name, owner=mine)).id for name in given.schedule]
    lists = {name: tuple(value) for name, value in said.items() if isinstance(value, list)}
    return Where(**{**said, **lists, "schedule": tuple(made_by)})


@router.get("/{operation}", operation_id="operations_get", response_model=OperationOut,
            responses=FINDS, openapi_extra=EXTRA)  # fmt: skip
async def find(request: Request, asker: Reader, operation: Id) -> Response:
    """How far it has come."""
    wanted = await gate_of(request).ob.operations.find(operation, owner=asker.owner)
    return found(request, _told(asker, wanted))


@router.post("/{operation}/stop", operation_id="operations_stop", response_model=OperationOut,
             responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def stop(request: Request, asker: Manager, operation: Id) -> Response:
    """Change no more jobs; what was changed stays so."""
    ended = await gate_of(request).ob.operations.stop(operation, owner=asker.owner)
    return told(_told(asker, ended))
