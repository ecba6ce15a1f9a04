"""Whether it lives, whether it can do its work, and what it depends on. Open to all."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from onbeat.api import dependencies
from onbeat.api.auth import cookie_in, gate_of, who_asks
from onbeat.api.keeping import answers_of
from onbeat.api.schemas.health import Alive, Health
from onbeat.domain.access import Permission
from onbeat.domain.errors import OnbeatError

router = APIRouter(tags=["health"])

NOT_READY: dict[int | str, dict[str, Any]] = {
    503: {"model": Health, "description": "The database is down."}
}


@router.get("/livez", operation_id="livez", summary="Whether the process lives")
async def livez() -> Alive:
    """Always ok while the process answers: the database is not asked."""
    return Alive()


@router.get("/readyz", operation_id="readyz", summary="Whether it can work", responses=NOT_READY)
async def readyz(request: Request, response: Response) -> Health:
    """Ok when the database answers and has the tables that are needed; else 503."""
    return _answered(response, await dependencies.database_alone(gate_of(request).ob))


@router.get("/health", operation_id="health", summary="What it needs", responses=NOT_READY)
async def health(request: Request, response: Response) -> Health:
    """Each dependency, how it is, and how long it took to answer; 503 when the database is down.

    What is measured besides is told to who sends credentials with workers:read.
    """
    gate = gate_of(request)
    live, shared = request.app.state.live, answers_of(request).shared
    found = await dependencies.all_of(gate.ob, live, gate.issuers.jwks, shared)
    if not await _may_see_measures(request):
        found = dependencies.without_measures(found)
    return _answered(response, found)


def _answered(response: Response, found: Health) -> Health:
    if found.status == "error":
        response.status_code = 503
    return found


async def _may_see_measures(request: Request) -> bool:
    """Whether whoever asks may; a probe without credentials is looked up nowhere."""
    if "authorization" not in request.headers and cookie_in(request) is None:
        return False
    try:
        asker = await who_asks(request)
    except OnbeatError:
        return False
    return asker.owner is None and asker.may(Permission.WORKERS_READ)
