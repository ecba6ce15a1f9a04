"""How tasks, schedules and queues fare."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from onbeat.api.answers import told
from onbeat.api.auth import allowed, gate_of
from onbeat.api.bodies import routes
from onbeat.api.openapi import CLOSED, FINDS
from onbeat.api.paging import After, Limit, place
from onbeat.api.schemas.anomalies import AnomaliesOut
from onbeat.api.schemas.fares import FaresOut
from onbeat.app.facts.anomalies import judged_data
from onbeat.app.facts.health import health_data, window_data
from onbeat.app.facts.moments import absolute
from onbeat.domain import cursors
from onbeat.domain.access import Permission, Principal
from onbeat.domain.durations import parse_duration
from onbeat.domain.health import Kind

router = routes("/health", "jobs")
Looker = Annotated[Principal, allowed(Permission.JOBS_READ)]
Window = Annotated[
    str | None, Query(max_length=100, description="How long it is, as 24h, which it is unsaid.")
]
Only = Annotated[str | None, Query(min_length=1, max_length=200, description="One alone.")]


@router.get("", operation_id="health_list", response_model=FaresOut, responses=FINDS,
            openapi_extra={"security": CLOSED})  # fmt: skip
async def list_health(
    request: Request,
    asker: Looker,
    *,
    kind: Annotated[Kind, Query(description="Whose health.")] = Kind.TASK,
    name: Only = None,
    window: Window = None,
    limit: Limit = 50,
    after: After = None,
) -> Response:
    """How tasks, schedules or queues fare, by their names: ever, and in a window."""
    key = place(after, kind)
    found = await gate_of(request).ob.history.health(
        kind, window=None if window is None else parse_duration(window, "window"), only=name,
        after=key, limit=limit + 1,
    )  # fmt: skip
    here = found.rows[:limit]
    budgets = await gate_of(request).ob.objectives.of(kind, [each.name or "" for each in here])
    more = cursors.cursor(here[-1].name, kind) if len(found.rows) > limit else None
    page = {"next": more, "size": len(here)}
    return told(
        window_data(found)
        | {"data": [health_data(each, budgets[each.name or ""]) for each in here], "page": page}
    )


Longest = Annotated[
    str | None,
    Query(max_length=100, description="What runs must not take, as 30s: when they will is told."),
]


@router.get("/anomalies", operation_id="health_anomalies", response_model=AnomaliesOut,
            responses=FINDS, openapi_extra={"security": CLOSED})  # fmt: skip
async def list_anomalies(
    request: Request,
    asker: Looker,
    *,
    kind: Annotated[Kind, Query(description="Of what.")] = Kind.TASK,
    name: Only = None,
    longest: Longest = None,
    limit: Limit = 50,
    after: After = None,
) -> Response:
    """What of tasks, schedules or queues is not as usual, by their names, and what will reach a
    limit: each of a page, those with nothing of either too.
    """
    found = await gate_of(request).ob.history.anomalies(
        kind, only=name, after=place(after, kind), limit=limit + 1,
        limit_of_duration=None if longest is None else parse_duration(longest, "longest"),
    )  # fmt: skip
    here = found.rows[:limit]
    more = cursors.cursor(here[-1].name, kind) if len(found.rows) > limit else None
    page = {"next": more, "size": len(here)}
    told_of = [judged_data(each) for each in here]
    return told({"judged_to": absolute(found.until), "data": told_of, "page": page})
