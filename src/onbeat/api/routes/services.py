"""Services of all processes: how they are, and what they are to do, whichever process has them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Path, Request, Response

from onbeat.api.answers import told
from onbeat.api.auth import allowed, gate_of
from onbeat.api.bodies import routes
from onbeat.api.openapi import CLOSED, FINDS, READS, WRITES
from onbeat.api.schemas.services import ActionIn, ActionOut, SchedulersHealth, ServicesOut
from onbeat.app.facts.services import health_data, service_data, wished_data
from onbeat.domain.access import Permission, Principal
from onbeat.domain.errors import OnbeatError

router = routes("/services", "services")
alias = routes("/api/admin/schedulers", "services", under="")
"""The same as the product was first asked for."""

EXTRA = {"security": CLOSED}
Reader = Annotated[Principal, allowed(Permission.WORKERS_READ)]
Manager = Annotated[Principal, allowed(Permission.SERVICES_MANAGE)]
Id = Annotated[str, Path(min_length=1, max_length=500, examples=["scheduler"])]
NOT_HEALTHY: dict[int | str, dict[str, Any]] = {
    503: {"model": SchedulersHealth, "description": "What is needed does not work."}
}
WISHED: dict[int | str, dict[str, Any]] = {
    **WRITES, 202: {"model": ActionOut, "description": "Some process has not done it yet."}
}  # fmt: skip


@alias.get("/health", operation_id="schedulers_health", response_model=SchedulersHealth,
           responses=NOT_HEALTHY)  # fmt: skip
async def health(request: Request) -> Response:
    """How the services of all processes are: 503 where a critical one has failed, where no
    scheduler is heard of, and where the database does not answer.
    """
    try:
        found = await gate_of(request).ob.services.health()
    except OnbeatError:
        found = None
    is_healthy = found is not None and found.healthy
    return told(health_data(found, datetime.now(UTC)), 200 if is_healthy else 503)


async def list_services(request: Request, asker: Reader) -> Response:
    """The services of all processes that are heard of, and how each stands."""
    return told({"data": [service_data(e) for e in await gate_of(request).ob.services.list()]})


async def act(request: Request, asker: Manager, body: ActionIn) -> Response:
    """Start, stop, pause, resume or restart a service, or all of a kind, wherever they run.

    Their processes are told at once, and waited for a few seconds. What one has not done by then
    stays wished, which 202 says; 409 where none of them can do it.
    """
    came = await gate_of(request).ob.services.act(body.id, body.action, str(asker))
    data = wished_data(came)
    return told(data, 202 if any(each["came"] == "wished" for each in data["services"]) else 200)


@router.get("/{service}", operation_id="services_get", response_model=ServicesOut,
            responses=FINDS, openapi_extra=EXTRA)  # fmt: skip
async def find(request: Request, asker: Reader, service: Id) -> Response:
    """Those of a kind, as `scheduler`, or the one of a process, as `scheduler@5d0c2f1a`."""
    found = await gate_of(request).ob.services.find(service)
    return told({"data": [service_data(each) for each in found]})


for where, word in ((router, "services"), (alias, "schedulers")):
    where.add_api_route(
        "", list_services, methods=["GET"], operation_id=f"{word}_list",
        response_model=ServicesOut, responses=READS, openapi_extra=EXTRA,
    )  # fmt: skip
    where.add_api_route(
        "", act, methods=["POST"], operation_id=f"{word}_act", response_model=ActionOut,
        responses=WISHED, openapi_extra=EXTRA,
    )  # fmt: skip
