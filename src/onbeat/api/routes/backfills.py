"""Backfills: the jobs of moments that are over, after all or again."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Request, Response

from onbeat.api.answers import found, location_of, page_of, told
from onbeat.api.auth import gate_of
from onbeat.api.bodies import routes
from onbeat.api.openapi import CLOSED, FINDS, WRITES
from onbeat.api.paging import After, Limit, Listed, place
from onbeat.api.routes.schedules import Reader, Trigger, schedule_of
from onbeat.api.scheduling import refuse_reserved
from onbeat.api.schemas.around_time import BackfillIn, BackfillOut, GapsOut
from onbeat.app.facts.backfills import backfill_data, gaps_data
from onbeat.app.onbeat import Onbeat
from onbeat.domain.access import Principal
from onbeat.domain.backfills import Backfill
from onbeat.domain.naming import named

router = routes("/backfills", "schedules")
EXTRA = {"security": CLOSED}
Id = Annotated[
    str, Path(max_length=100, description="32 hexadecimal digits, with or without dashes.")
]


async def backfill_of(ob: Onbeat, asker: Principal, backfill: str) -> Backfill:
    """The backfill, if who asks may see it. Raises NotFound, which says the same of another's."""
    return await ob.backfills.find(backfill, owner=asker.owner)


@router.get("", operation_id="backfills_list", response_model=Listed[BackfillOut],
            responses=FINDS, openapi_extra=EXTRA)  # fmt: skip
async def list_backfills(
    request: Request,
    asker: Reader,
    *,
    schedule: Annotated[
        str | None, Query(max_length=200, description="Only those of this one.")
    ] = None,
    limit: Limit = 50,
    after: After = None,
) -> Response:
    """Backfills, the newest first."""
    ob, key = gate_of(request).ob, place(after, schedule)
    name = None if schedule is None else (await schedule_of(ob, asker, schedule)).name
    rows = await ob.backfills.list(name, limit=limit + 1, before=key, owner=asker.owner)
    return page_of(rows, limit, backfill_data, lambda each: each.id, schedule)


@router.post("", operation_id="backfills_begin", status_code=201, response_model=BackfillOut,
             responses={**WRITES, 200: {"model": GapsOut, "description": "Of a dry run."}},
             openapi_extra=EXTRA)  # fmt: skip
async def begin(request: Request, asker: Trigger, body: BackfillIn) -> Response:
    """Make the jobs of moments that are over and have had none; schedulers make them."""
    ob = gate_of(request).ob
    name = (await schedule_of(ob, asker, body.schedule)).name
    refuse_reserved(asker, body)
    with named(name="schedule"):
        if body.dry_run:
            gaps = await ob.backfills.plan(name, body.begin, body.end, again=body.again)
            return told(gaps_data(gaps))
        made = await ob.backfills.begin(
            name, body.begin, body.end, again=body.again, at_once=body.at_once,
            priority=body.priority, by=str(asker), why=body.why,
        )  # fmt: skip
    return told(backfill_data(made), 201, location_of(request, made.id))


@router.get("/{backfill}", operation_id="backfills_get", response_model=BackfillOut,
            responses=FINDS, openapi_extra=EXTRA)  # fmt: skip
async def find(request: Request, asker: Reader, backfill: Id) -> Response:
    """How far it has come."""
    wanted = await backfill_of(gate_of(request).ob, asker, backfill)
    return found(request, backfill_data(wanted))


@router.post("/{backfill}/stop", operation_id="backfills_stop", response_model=BackfillOut,
             responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def stop(request: Request, asker: Trigger, backfill: Id) -> Response:
    """Make no more of its jobs; those that were made go on."""
    ob = gate_of(request).ob
    wanted = await backfill_of(ob, asker, backfill)
    return told(backfill_data(await ob.backfills.stop(wanted.id, by=str(asker))))
