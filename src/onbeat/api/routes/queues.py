"""Queues: what stands in each; pause and resume."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import Path, Query, Request, Response

from onbeat.api.answers import told
from onbeat.api.auth import allowed, gate_of
from onbeat.api.bodies import routes
from onbeat.api.keeping import kept
from onbeat.api.openapi import CLOSED, FINDS, READS, WRITES
from onbeat.api.schemas.fleet import LoadOut, QueueFound, Queues
from onbeat.app.facts.queues import load_data, queue_data
from onbeat.app.onbeat import Onbeat
from onbeat.domain.access import Permission, Principal
from onbeat.domain.keeping import QUEUES

router = routes("/queues", "queues")
EXTRA = {"security": CLOSED}
Reader = Annotated[Principal, allowed(Permission.QUEUES_READ)]
Manager = Annotated[Principal, allowed(Permission.QUEUES_MANAGE)]
Name = Annotated[str, Path(max_length=200)]


@router.get("", operation_id="queues_list", response_model=Queues, responses=READS,
            openapi_extra=EXTRA)  # fmt: skip
async def list_queues(request: Request, asker: Reader) -> Response:
    """Every queue that is known or has jobs."""

    async def make() -> Response:
        found = await gate_of(request).ob.queues.list()
        return told({"data": [queue_data(each) for each in found]})

    return await kept(request, asker, QUEUES, make)


@router.get("/{name}/load", operation_id="queues_load", response_model=LoadOut, responses=FINDS,
            openapi_extra=EXTRA)  # fmt: skip
async def load(
    request: Request,
    asker: Reader,
    name: Name,
    within: Annotated[
        str, Query(max_length=100, description="By when all that waits is to have begun, as 30s.")
    ] = "1m",
) -> Response:
    """How many workers it needs: one number for an autoscaler, `needed_workers`."""
    ob = gate_of(request).ob
    [found] = await ob.queues.loads(name, within=within)
    return told(load_data(found, await ob.queues.doubts(name)))


@router.post("/{name}/pause", operation_id="queues_pause", response_model=QueueFound,
             responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def pause(request: Request, asker: Manager, name: Name) -> Response:
    """Let no more jobs of it begin; those that run go on. It may be one that is yet to be used."""
    ob = gate_of(request).ob
    warnings = await ob.queues.warnings(name)
    await ob.queues.pause(name, str(asker))
    return await _one(ob, name, warnings)


@router.post("/{name}/resume", operation_id="queues_resume", response_model=QueueFound,
             responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def resume(request: Request, asker: Manager, name: Name) -> Response:
    """Let its jobs begin again."""
    ob = gate_of(request).ob
    await ob.queues.resume(name)
    return await _one(ob, name)


async def _one(ob: Onbeat, name: str, warnings: Sequence[str] = ()) -> Response:
    return told({**queue_data(await ob.queues.find(name)), "warnings": list(warnings)})
