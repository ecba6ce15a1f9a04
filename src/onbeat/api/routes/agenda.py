"""The calendar: what schedules had ended, and what they will be due."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import Query, Request, Response

from onbeat.api.answers import told
from onbeat.api.auth import gate_of
from onbeat.api.bodies import routes
from onbeat.api.keeping import AGE, kept
from onbeat.api.openapi import CLOSED, FINDS
from onbeat.api.routes.schedules import Reader, schedule_of
from onbeat.api.schemas.agenda import AgendaOut
from onbeat.api.schemas.time import Word
from onbeat.app.facts.agenda import agenda_data
from onbeat.domain.agenda import By
from onbeat.domain.keeping import AGENDA
from onbeat.domain.naming import named

router = routes("/calendar", "schedules")


@router.get("", operation_id="calendar_get", response_model=AgendaOut, responses=FINDS | AGE,
            openapi_extra={"security": CLOSED})  # fmt: skip
async def read(
    request: Request,
    asker: Reader,
    *,
    first: Annotated[date, Query(alias="from", description="The first day, in the zone.")],
    last: Annotated[date, Query(alias="to", description="The last day, included.")],
    tz: Annotated[Word, Query(description="By whose clock days and hours are.")] = "UTC",
    by: Annotated[
        By, Query(description="62 days at most, or the hours of 3, each schedule by itself.")
    ] = By.DAY,
    schedule: Annotated[
        str | None, Query(max_length=200, description="Only of this one.")
    ] = None,
) -> Response:  # fmt: skip
    """What ended and what is to come, 60 days ahead, by the clock of a zone."""
    ob = gate_of(request).ob
    only = None if schedule is None else (await schedule_of(ob, asker, schedule)).name

    async def make() -> Response:
        with named(zone="tz"):
            found = await ob.agendas.read(
                first, last, zone=tz, by=by, schedule=only, owner=asker.owner
            )
        return told(agenda_data(found))

    return await kept(request, asker, AGENDA, make)
