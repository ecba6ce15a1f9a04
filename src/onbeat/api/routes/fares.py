"""How tasks, schedules and queues fare."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from fastapi import Query, Request, Response

from onbeat.api.answers import told
from onbeat.api.auth import allowed, gate_of
from onbeat.api.bodies import routes
from onbeat.api.keeping import AGE, kept
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
from onbeat.domain.health import Health, Kind
from onbeat.domain.keeping import ANOMALIES, FARES
from onbeat.domain.outlook import Judged

router = routes("/health", "jobs")
Looker = Annotated[Principal, allowed(Permission.JOBS_READ)]
Window = Annotated[
    str | None, Query(max_length=100, description="How long it is, as 24h, which it is unsaid.")
]
Only = Annotated[str | None, Query(min_length=1, max_length=200, description="One alone.")]


@router.get("", operation_id="health_list", response_model=FaresOut, responses=FINDS | AGE,
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
    ob, length = gate_of(request).ob, _length(window, "window")

    async def make() -> Response:
        found = await ob.history.health(kind, window=length, only=name, after=key, limit=limit + 1)
        here = found.rows[:limit]
        budgets = await ob.objectives.of(kind, [each.name or "" for each in here])
        data = [health_data(each, budgets[each.name or ""]) for each in here]
        page = {"next": _next(here, len(found.rows), kind), "size": len(here)}
        return told(window_data(found) | {"data": data, "page": page})

    return await kept(request, asker, FARES, make)


Longest = Annotated[
    str | None,
    Query(max_length=100, description="What runs must not take, as 30s: when they will is told."),
]


@router.get("/anomalies", operation_id="health_anomalies", response_model=AnomaliesOut,
            responses=FINDS | AGE, openapi_extra={"security": CLOSED})  # fmt: skip
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
    key, bound = place(after, kind), _length(longest, "longest")

    async def make() -> Response:
        found = await gate_of(request).ob.history.anomalies(
            kind, only=name, after=key, limit=limit + 1, limit_of_duration=bound
        )
        here = found.rows[:limit]
        page = {"next": _next(here, len(found.rows), kind), "size": len(here)}
        told_of = [judged_data(each) for each in here]
        return told({"judged_to": absolute(found.until), "data": told_of, "page": page})

    return await kept(request, asker, ANOMALIES, make)


def _length(said: str | None, field: str) -> timedelta | None:
    return None if said is None else parse_duration(said, field)


def _next(here: Sequence[Health | Judged], found: int, kind: Kind) -> str | None:
    """Where the next page begins, if there is one."""
    return cursors.cursor(here[-1].name, kind) if found > len(here) else None
