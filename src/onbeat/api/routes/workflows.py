"""Workflows: list them, see their graph, call them off."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Request, Response

from onbeat.api.answers import told
from onbeat.api.auth import allowed, gate_of
from onbeat.api.bodies import routes
from onbeat.api.openapi import CLOSED, FINDS, READS, WRITES
from onbeat.api.paging import Limit
from onbeat.api.schemas.jobs import CancelIn
from onbeat.api.schemas.workflows import CalledOff, Graph, WorkflowOut, Workflows
from onbeat.app.facts.workflows import job_data, workflow_data
from onbeat.domain.access import Permission, Principal

router = routes("/workflows", "workflows")
EXTRA = {"security": CLOSED}
Reader = Annotated[Principal, allowed(Permission.JOBS_READ)]
Manager = Annotated[Principal, allowed(Permission.JOBS_MANAGE)]
Id = Annotated[str, Path(max_length=100)]


@router.get("", operation_id="workflows_list", response_model=Workflows, responses=READS,
            openapi_extra=EXTRA)  # fmt: skip
async def list_workflows(
    request: Request,
    asker: Reader,
    name: Annotated[str | None, Query(max_length=200)] = None,
    limit: Limit = 50,
) -> Response:
    """The newest first, of one name or of all."""
    found = await gate_of(request).ob.workflows.list(name, limit=limit)
    return told({"data": [workflow_data(each) for each in found]})


@router.get("/{workflow}", operation_id="workflows_get", response_model=WorkflowOut,
            responses=FINDS, openapi_extra=EXTRA)  # fmt: skip
async def find(request: Request, asker: Reader, workflow: Id) -> Response:
    """One workflow and how far it has come."""
    return told(workflow_data(await gate_of(request).ob.workflows.find(workflow)))


@router.get("/{workflow}/jobs", operation_id="workflows_graph", response_model=Graph,
            responses=FINDS, openapi_extra=EXTRA)  # fmt: skip
async def graph(request: Request, asker: Reader, workflow: Id) -> Response:
    """All its jobs, each with its parents."""
    found = await gate_of(request).ob.workflows.graph(workflow)
    return told({"data": [job_data(each) for each in found]})


@router.post("/{workflow}/cancel", operation_id="workflows_cancel", response_model=CalledOff,
             responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def cancel(
    request: Request, asker: Manager, workflow: Id, body: CancelIn | None = None
) -> Response:
    """Call off what waits, ask what runs to stop; nothing of it goes on."""
    reason = f"{(body or CancelIn()).reason} (by {asker})"
    cancelled, asked = await gate_of(request).ob.workflows.cancel(workflow, reason)
    return told({"cancelled": cancelled, "asked": asked})
