"""Virtual clocks: made, seen, moved."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Request, Response

from onbeat.api.answers import found, location_of, page_of, told
from onbeat.api.auth import allowed, gate_of
from onbeat.api.bodies import routes
from onbeat.api.openapi import CLOSED, FINDS, READS, WRITES
from onbeat.api.paging import After, Limit, Listed, place
from onbeat.api.schemas.around_time import AdvancedOut, AdvanceIn, ClockIn, ClockOut
from onbeat.app.facts.clocks import advanced_data, clock_data
from onbeat.domain.access import Permission, Principal
from onbeat.domain.naming import named

router = routes("/clocks", "clocks")
EXTRA = {"security": CLOSED}
Reader = Annotated[Principal, allowed(Permission.SCHEDULES_READ)]
Writer = Annotated[Principal, allowed(Permission.SCHEDULES_WRITE)]
Name = Annotated[str, Path(max_length=200, examples=["world"])]


@router.get("", operation_id="clocks_list", response_model=Listed[ClockOut], responses=READS,
            openapi_extra=EXTRA)  # fmt: skip
async def list_clocks(
    request: Request, asker: Reader, limit: Limit = 50, after: After = None
) -> Response:
    """Virtual clocks by name, and where they stand."""
    key = place(after)
    rows = await gate_of(request).ob.clocks.list(after=key or "", limit=limit + 1)
    return page_of(rows, limit, clock_data, lambda each: each.name)


@router.post("", operation_id="clocks_create", status_code=201, response_model=ClockOut,
             responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def create(request: Request, asker: Writer, body: ClockIn) -> Response:
    """Make a clock that moves only when it is told to."""
    with named(clock="name"):
        made = await gate_of(request).ob.clocks.create(body.name, body.at)
    return told(clock_data(made), 201, location_of(request, made.name))


@router.post("/{name:path}/advance", operation_id="clocks_advance", response_model=AdvancedOut,
             responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def advance(request: Request, asker: Writer, name: Name, body: AdvanceIn) -> Response:
    """Move it forward, and do what becomes due on the way; it never goes back."""
    done = await gate_of(request).ob.clocks.advance(
        name, to=body.to, by=body.by, jump=body.jump, most=body.most
    )
    return told(advanced_data(done))


@router.get("/{name:path}", operation_id="clocks_get", response_model=ClockOut,
            responses=FINDS, openapi_extra=EXTRA)  # fmt: skip
async def find(request: Request, asker: Reader, name: Name) -> Response:
    """What time it is on it."""
    return found(request, clock_data(await gate_of(request).ob.clocks.find(name)))


@router.delete("/{name:path}", operation_id="clocks_remove", status_code=204, responses=WRITES,
               openapi_extra=EXTRA)  # fmt: skip
async def remove(request: Request, asker: Writer, name: Name) -> Response:
    """Take away one that nothing lives by."""
    await gate_of(request).ob.clocks.remove(name)
    return Response(status_code=204)
