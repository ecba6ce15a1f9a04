"""Whether it lives, whether it can do its work, and what it depends on. Open to all."""

from __future__ import annotations

import time
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import Field

from onbeat.api.auth import gate_of
from onbeat.api.bodies import Answer
from onbeat.domain.errors import OnbeatError
from onbeat.store.schema_state import status

router = APIRouter(tags=["health"])


class Alive(Answer):
    """It lives."""

    status: Literal["ok"] = "ok"


class Dependency(Answer):
    """Something that is needed."""

    status: Literal["up", "down"]
    latency_ms: float | None = Field(description="How long it took to answer.")


class Health(Answer):
    """What is needed, and how it is."""

    status: Literal["ok", "error"]
    dependencies: dict[str, Dependency]


NOT_READY: dict[int | str, dict[str, Any]] = {
    503: {"model": Health, "description": "Something that is needed is down."}
}


@router.get("/livez", operation_id="livez", summary="Whether the process lives")
async def livez() -> Alive:
    """Always ok while the process answers: the database is not asked."""
    return Alive()


@router.get("/readyz", operation_id="readyz", summary="Whether it can work", responses=NOT_READY)
async def readyz(request: Request, response: Response) -> Health:
    """Ok when the database answers and has the tables that are needed; else 503."""
    return await _health(request, response)


@router.get("/health", operation_id="health", summary="What it needs", responses=NOT_READY)
async def health(request: Request, response: Response) -> Health:
    """Each dependency, whether it is up, and how long it took to answer; 503 when one is down."""
    return await _health(request, response)


async def _health(request: Request, response: Response) -> Health:
    ob = gate_of(request).ob
    began = time.perf_counter()
    try:
        store = await ob.store()
        is_up = (await store.read(lambda connection, _: status(connection))).is_current
    except OnbeatError:
        is_up = False
    took = round((time.perf_counter() - began) * 1000, 2)
    if not is_up:
        response.status_code = 503
    database = Dependency(status="up" if is_up else "down", latency_ms=took if is_up else None)
    return Health(status="ok" if is_up else "error", dependencies={"database": database})
