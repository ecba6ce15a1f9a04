"""Workers that are there, and the tasks that are known."""

from __future__ import annotations

from typing import Annotated

from fastapi import Request, Response

from onbeat.api.answers import told
from onbeat.api.auth import allowed, gate_of
from onbeat.api.bodies import routes
from onbeat.api.openapi import CLOSED, READS
from onbeat.api.schemas.fleet import HeldJobs, Tasks, Workers
from onbeat.app.facts.tasks import task_data
from onbeat.app.facts.workers import held_data, worker_data
from onbeat.app.onbeat import Onbeat
from onbeat.domain.access import Permission, Principal
from onbeat.runtime.tasks import Definition

router = routes("", "workers")
EXTRA = {"security": CLOSED}
Reader = Annotated[Principal, allowed(Permission.WORKERS_READ)]
Asker = Annotated[Principal, allowed(own=True)]


@router.get("/workers", operation_id="workers_list", response_model=Workers, responses=READS,
            openapi_extra=EXTRA)  # fmt: skip
async def list_workers(request: Request, asker: Reader) -> Response:
    """All live workers, and how many jobs each runs."""
    return told({"data": [worker_data(each) for each in await gate_of(request).ob.workers.list()]})


@router.get("/workers/jobs", operation_id="workers_jobs", response_model=HeldJobs,
            responses=READS, openapi_extra=EXTRA)  # fmt: skip
async def list_held(request: Request, asker: Reader) -> Response:
    """Up to 1,000 jobs that workers run, those that have run longest first."""
    return told({"data": [held_data(each) for each in await gate_of(request).ob.workers.held()]})


@router.get("/tasks", operation_id="tasks_list", response_model=Tasks, responses=READS,
            openapi_extra=EXTRA)  # fmt: skip
async def list_tasks(request: Request, asker: Asker) -> Response:
    """The tasks of the application that the API was given with --app."""
    return told({"data": [task_data(each) for each in _tasks_for(gate_of(request).ob, asker)]})


def _tasks_for(ob: Onbeat, asker: Principal) -> list[Definition]:
    """All tasks; for users those that they may schedule. Raises Forbidden."""
    if asker.owner is None:
        asker.need(Permission.WORKERS_READ)
        return list(ob.definitions)
    asker.need(Permission.SCHEDULES_READ)
    return [each for each in ob.definitions if each.for_users]
