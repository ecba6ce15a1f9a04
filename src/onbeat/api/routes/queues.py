"""Queues: what stands in each; pause and resume."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Request, Response

from onbeat.api.answers import told
from onbeat.api.auth import allowed, gate_of
from onbeat.api.bodies import routes
from onbeat.api.openapi import CLOSED, READS, WRITES
from onbeat.api.schemas.fleet import QueueOut, Queues
from onbeat.app.facts.queues import queue_data
from onbeat.app.onbeat import Onbeat
from onbeat.domain.access import Permission, Principal

router = routes("/queues", "queues")
EXTRA = {"security": CLOSED}
Reader = Annotated[Principal, allowed(Permission.QUEUES_READ)]
Manager = Annotated[Principal, allowed(Permission.QUEUES_MANAGE)]
Name = Annotated[str, Path(max_length=200)]


@router.get("", operation_id="queues_list", response_model=Queues, responses=READS,
            openapi_extra=EXTRA)  # fmt: skip
async def list_queues(request: Request, asker: Reader) -> Response:
    """Every queue that is known or has jobs."""
    return told({"data": [queue_data(each) for each in await gate_of(request).ob.queues.list()]})


@router.post("/{name}/pause", operation_id="queues_pause", response_model=QueueOut,
             responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def pause(request: Request, asker: Manager, name: Name) -> Response:
    """Let no more jobs of it begin; those that run go on."""
    ob = gate_of(request).ob
    await ob.queues.pause(name, str(asker))
    return await _one(ob, name)


@router.post("/{name}/resume", operation_id="queues_resume", response_model=QueueOut,
             responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def resume(request: Request, asker: Manager, name: Name) -> Response:
    """Let its jobs begin again."""
    ob = gate_of(request).ob
    await ob.queues.resume(name)
    return await _one(ob, name)


async def _one(ob: Onbeat, name: str) -> Response:
    """The queue of that name; one that nobody has used yet is told of too."""
    known = {each.name: each for each in await ob.queues.list()}
    queue = known.get(name)
    empty = {"name": name, "pending": 0, "running": 0, "delayed": 0, "count_limit": 0,
             "oldest_at": None, "paused_at": None, "paused_by": None}  # fmt: skip
    return told(empty if queue is None else queue_data(queue))
