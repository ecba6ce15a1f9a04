"""Calendars of working days, kept by name."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

from fastapi import Path, Request, Response

from onbeat.api.answers import digest, edition, found, page_of, refuse_edited, told
from onbeat.api.auth import allowed, gate_of
from onbeat.api.bodies import routes
from onbeat.api.openapi import CLOSED, EDITS, FINDS, READS
from onbeat.api.paging import After, Limit, Listed, place
from onbeat.api.schemas.around_time import CalendarIn, CalendarOut, CalendarPut
from onbeat.app.onbeat import Onbeat
from onbeat.domain.access import Permission, Principal
from onbeat.domain.errors import NotFound
from onbeat.domain.recurrence import WorkCalendar, work_calendar

router = routes("/calendars", "schedules")
EXTRA = {"security": CLOSED}
Reader = Annotated[Principal, allowed(Permission.SCHEDULES_READ)]
Writer = Annotated[Principal, allowed(Permission.SCHEDULES_WRITE)]
Name = Annotated[str, Path(max_length=200, examples=["fr"])]


@router.get("", operation_id="calendars_list", response_model=Listed[CalendarOut],
            responses=READS, openapi_extra=EXTRA)  # fmt: skip
async def list_calendars(
    request: Request, asker: Reader, limit: Limit = 50, after: After = None
) -> Response:
    """Calendars by name."""
    key = place(after)
    rows = await gate_of(request).ob.calendars.list(after=key or "", limit=limit + 1)
    return page_of(rows, limit, WorkCalendar.spec, lambda each: each.name)


@router.get("/{name:path}", operation_id="calendars_get", response_model=CalendarOut,
            responses=FINDS, openapi_extra=EXTRA)  # fmt: skip
async def find(request: Request, asker: Reader, name: Name) -> Response:
    """Its weekend, holidays and closed times; 304 with `If-None-Match` where nothing is new."""
    said = (await gate_of(request).ob.calendars.find(name)).spec()
    return found(request, said, edition(digest(said), said))


@router.put("/{name:path}", operation_id="calendars_put", response_model=CalendarPut,
            responses={**EDITS, 201: {"model": CalendarPut, "description": "It is new."}},
            openapi_extra=EXTRA)  # fmt: skip
async def put(request: Request, asker: Writer, name: Name, body: CalendarIn) -> Response:
    """Keep a calendar, in place of one of that name; schedules that keep to it change with it."""
    ob = gate_of(request).ob
    made = work_calendar(
        name, weekend=body.weekend, holidays=body.holidays, closed=body.closed, ics=body.ics
    )
    refuse_edited(request, await _seen(ob, name), "calendar")
    before, changed = await ob.calendars.exchange(made, str(asker))
    told_of = made.spec()
    status = 201 if before is None else 200
    return told(
        {**told_of, "changed": list(changed)}, status, {"ETag": edition(digest(told_of), told_of)}
    )


@router.delete("/{name:path}", operation_id="calendars_remove", status_code=204,
               responses=EDITS, openapi_extra=EXTRA)  # fmt: skip
async def remove(request: Request, asker: Writer, name: Name) -> Response:
    """Take away one that no schedule keeps to."""
    ob = gate_of(request).ob
    refuse_edited(request, await _seen(ob, name), "calendar")
    await ob.calendars.remove(name)
    return Response(status_code=204)


async def _seen(ob: Onbeat, name: str) -> str | None:
    """What it says now, as a word; None where there is none."""
    with suppress(NotFound):
        return digest((await ob.calendars.find(name)).spec())
    return None
