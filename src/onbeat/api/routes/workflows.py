"""Workflows: list them, see their graph, call them off."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

import msgspec
from fastapi import Path, Query, Request, Response

from onbeat.api.answers import location_of, page_of, told
from onbeat.api.auth import allowed, gate_of
from onbeat.api.bodies import routes
from onbeat.api.enqueueing import options_of, refuse_forbidden
from onbeat.api.openapi import CLOSED, FINDS, READS, WRITES
from onbeat.api.paging import MOST, After, Limit, place
from onbeat.api.schemas.jobs import CancelIn
from onbeat.api.schemas.workflows import (
    CalledOff,
    Graph,
    MemberIn,
    Started,
    WorkflowIn,
    WorkflowOut,
    Workflows,
)
from onbeat.app.facts.workflows import job_data, workflow_data
from onbeat.app.onbeat import Onbeat
from onbeat.app.results import ResultOf
from onbeat.app.workflows import Flow, Step
from onbeat.domain.access import Permission, Principal
from onbeat.domain.errors import InvalidInput
from onbeat.domain.naming import arguments_at, detail_of, named
from onbeat.domain.workflows import InvalidStep

router = routes("/workflows", "workflows")
EXTRA = {"security": CLOSED}
Reader = Annotated[Principal, allowed(Permission.JOBS_READ)]
Enqueuer = Annotated[Principal, allowed(Permission.JOBS_ENQUEUE)]
Manager = Annotated[Principal, allowed(Permission.JOBS_MANAGE)]
Id = Annotated[str, Path(max_length=100)]


@router.get("", operation_id="workflows_list", response_model=Workflows, responses=READS,
            openapi_extra=EXTRA)  # fmt: skip
async def list_workflows(
    request: Request,
    asker: Reader,
    name: Annotated[str | None, Query(max_length=200)] = None,
    job: Annotated[
        str | None, Query(max_length=100, description="The one that this job belongs to.")
    ] = None,
    limit: Limit = 50,
    after: After = None,
) -> Response:
    """The newest first, of one name or of all; with `job` the one that it belongs to."""
    ob, asked = gate_of(request).ob, name if job is None else [name, job]
    behind = place(after, asked)
    found = await ob.workflows.list(name, job=job, after=behind, limit=limit + 1)
    return page_of(found, limit, workflow_data, lambda each: each.id, asked)


@router.post("", operation_id="workflows_start", status_code=201, response_model=Started,
             responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def start(request: Request, asker: Enqueuer, body: WorkflowIn) -> Response:
    """Start a workflow; what waits for nothing may run at once."""
    for each in body.jobs:
        refuse_forbidden(asker, each)
    ob = gate_of(request).ob
    flow = ob.workflow(body.name, on_failure=body.on_failure)
    steps: dict[str, Step[Any]] = {}
    for number, member in enumerate(body.jobs):
        with named(f"jobs.{number}."):
            step = _added(ob, flow, steps, member)
            steps[step.label] = step
    try:
        await flow.start()
    except InvalidStep as error:
        number = list(steps).index(error.label)
        has_key = error.field == "unique" and body.jobs[number].key is not None
        field = "key" if has_key else error.field
        raise InvalidInput(f"jobs.{number}.{field}", detail_of(error)) from None
    made = {"id": flow.id, "jobs": {label: step.id for label, step in steps.items()}}
    return told(made, 201, location_of(request, flow.id))


def _added(ob: Onbeat, flow: Flow, steps: Mapping[str, Step[Any]], said: MemberIn) -> Step[Any]:
    """The job as a step. Raises InvalidInput."""
    options, args = options_of(said), msgspec.json.encode(said.args).decode()
    results = [(name, _result(steps, name, of)) for name, of in said.results.items()]
    with arguments_at("args", {name: f"results.{name}" for name in said.results}):
        call = ob.jobs.bind(said.task, args, options, must_be_known=False, results=results)
    if not said.after:
        return flow.add(call, label=said.label)
    return flow.add(call, label=said.label, after=said.after, on=said.on)


def _result(
    steps: Mapping[str, Step[Any]], name: str, of: str | list[str]
) -> ResultOf | tuple[ResultOf, ...]:
    """The result of the job of that label, or those of several. Raises InvalidInput."""
    if isinstance(of, list):
        return tuple(_result_of(steps, name, each) for each in of)
    return _result_of(steps, name, of)


def _result_of(steps: Mapping[str, Step[Any]], name: str, label: str) -> ResultOf:
    if (step := steps.get(label)) is None:
        told = f"no job that stands before it is labelled {label!r}; add that, or move it up"
        raise InvalidInput(f"results.{name}", told)
    found: ResultOf = step.result
    return found


@router.get("/{workflow}", operation_id="workflows_get", response_model=WorkflowOut,
            responses=FINDS, openapi_extra=EXTRA)  # fmt: skip
async def find(request: Request, asker: Reader, workflow: Id) -> Response:
    """One workflow and how far it has come."""
    return told(workflow_data(await gate_of(request).ob.workflows.find(workflow)))


@router.get("/{workflow}/jobs", operation_id="workflows_graph", response_model=Graph,
            responses=FINDS, openapi_extra=EXTRA)  # fmt: skip
async def graph(
    request: Request, asker: Reader, workflow: Id, limit: Limit = MOST, after: After = None
) -> Response:
    """Its jobs in the order they were added, each with its parents."""
    ob, behind = gate_of(request).ob, place(after, workflow)
    found = await ob.workflows.graph(workflow, after=behind, limit=limit + 1)
    tell = partial(job_data, with_args=asker.may(Permission.JOBS_ARGUMENTS))
    return page_of(found, limit, tell, lambda each: each.id, workflow)


@router.post("/{workflow}/cancel", operation_id="workflows_cancel", response_model=CalledOff,
             responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def cancel(
    request: Request, asker: Manager, workflow: Id, body: CancelIn | None = None
) -> Response:
    """Call off what waits, ask what runs to stop; nothing of it goes on."""
    reason = f"{(body or CancelIn()).reason} (by {asker})"
    cancelled, asked = await gate_of(request).ob.workflows.cancel(workflow, reason)
    return told({"cancelled": cancelled, "asked": asked})
