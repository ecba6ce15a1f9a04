"""Incidents: what is wrong or was; acknowledged, snoozed and resolved by hand.

They are everybody's who runs the system, and no owner's: a queue without workers is nobody's alone.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import Path, Query, Request, Response

from onbeat.api.answers import found, page_of, told
from onbeat.api.auth import allowed, gate_of
from onbeat.api.bodies import routes
from onbeat.api.openapi import CLOSED, FINDS, READS, WRITES
from onbeat.api.paging import After, Limit, Listed, place
from onbeat.api.schemas.incidents import (
    IncidentOut,
    IncidentWithChanges,
    NoteAlone,
    NoteIn,
    OpenCounts,
    SnoozeIn,
)
from onbeat.app.facts.incidents import change_data, incident_data
from onbeat.domain.access import Permission, Principal
from onbeat.domain.incidents import UNRESOLVED, Incident, Kind, Severity, State, Wanted

router = routes("/incidents", "incidents")
EXTRA = {"security": CLOSED}
Reader = Annotated[Principal, allowed(Permission.INCIDENTS_READ)]
Manager = Annotated[Principal, allowed(Permission.INCIDENTS_MANAGE)]
Id = Annotated[
    str, Path(max_length=100, description="32 hexadecimal digits, with or without dashes.")
]
NOTHING = NoteIn.model_validate({})


def incident_told(request: Request, asker: Principal, incident: Incident) -> dict[str, Any]:
    """The incident, as far as who asks may know it: an error's text often holds arguments."""
    may_see = asker.may(Permission.JOBS_ARGUMENTS)
    public_url = gate_of(request).ob.settings.public_url
    return incident_data(incident, with_errors=may_see, public_url=public_url)


@router.get("", operation_id="incidents_list", response_model=Listed[IncidentOut],
            responses=READS, openapi_extra=EXTRA)  # fmt: skip
async def list_incidents(
    request: Request,
    asker: Reader,
    *,
    state: Annotated[
        list[State] | None, Query(max_length=4, description="All but resolved, if unsaid.")
    ] = None,
    severity: Annotated[Severity | None, Query(description="How bad.")] = None,
    rule: Annotated[str | None, Query(max_length=200, description="Of which rule.")] = None,
    kind: Annotated[Kind | None, Query(description="Of what.")] = None,
    subject: Annotated[
        str | None, Query(max_length=300, description="Its id, or what people call it.")
    ] = None,
    limit: Limit = 50,
    after: After = None,
) -> Response:
    """Incidents, the newest first."""
    wanted = Wanted(
        states=tuple(state or UNRESOLVED), severity=severity, rule=rule, kind=kind, subject=subject
    )
    asked = [*sorted(wanted.states), severity, rule, kind, subject]
    rows = await gate_of(request).ob.incidents.list(
        wanted, before=place(after, asked), limit=limit + 1
    )
    return page_of(rows, limit, partial(incident_told, request, asker), lambda each: each.id, asked)


@router.get("/counts", operation_id="incidents_count", response_model=OpenCounts,
            responses=READS, openapi_extra=EXTRA)  # fmt: skip
async def count(request: Request, asker: Reader) -> Response:
    """How many are not resolved, of each severity."""
    counts = await gate_of(request).ob.incidents.count_open()
    return told({"counts": {each: counts.get(each, 0) for each in Severity}})


@router.get("/{incident}", operation_id="incidents_get", response_model=IncidentWithChanges,
            responses=FINDS, openapi_extra=EXTRA)  # fmt: skip
async def find(request: Request, asker: Reader, incident: Id) -> Response:
    """One of them, and what happened to it."""
    incidents = gate_of(request).ob.incidents
    wanted = await incidents.find(incident)
    happened = [change_data(each) for each in await incidents.changes(incident)]
    return found(request, {**incident_told(request, asker, wanted), "changes": happened})


@router.post("/{incident}/acknowledge", operation_id="incidents_acknowledge",
             response_model=IncidentOut, responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def acknowledge(
    request: Request, asker: Manager, incident: Id, body: NoteIn = NOTHING
) -> Response:
    """Say that somebody sees to it: nobody is reminded of it any more."""
    moved = await gate_of(request).ob.incidents.acknowledge(incident, str(asker), note=body.note)
    return told(incident_told(request, asker, moved))


@router.post("/{incident}/snooze", operation_id="incidents_snooze",
             response_model=IncidentOut, responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def snooze(request: Request, asker: Manager, incident: Id, body: SnoozeIn) -> Response:
    """Remind nobody of it until then."""
    moved = await gate_of(request).ob.incidents.snooze(
        incident, str(asker), until=body.until, lasts=body.lasts, note=body.note
    )
    return told(incident_told(request, asker, moved))


@router.post("/{incident}/resolve", operation_id="incidents_resolve",
             response_model=IncidentOut, responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def resolve(
    request: Request, asker: Manager, incident: Id, body: NoteIn = NOTHING
) -> Response:
    """Say that it is over: it opens again when it happens again, not while it goes on."""
    moved = await gate_of(request).ob.incidents.resolve(incident, str(asker), note=body.note)
    return told(incident_told(request, asker, moved))


@router.post("/{incident}/notes", operation_id="incidents_note",
             response_model=IncidentOut, responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def note(request: Request, asker: Manager, incident: Id, body: NoteAlone) -> Response:
    """Put a note beside it."""
    noted = await gate_of(request).ob.incidents.note(incident, str(asker), body.note)
    return told(incident_told(request, asker, noted))
