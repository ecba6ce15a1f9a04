"""Many jobs and many schedules asked for at once: all in one transaction, or none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import msgspec
from fastapi import Request, Response

from onbeat.api.answers import told
from onbeat.api.auth import allowed, gate_of
from onbeat.api.bodies import routes
from onbeat.api.enqueueing import options_of, refuse_forbidden
from onbeat.api.openapi import CLOSED, WRITES
from onbeat.api.routes.jobs import Enqueuer
from onbeat.api.routes.schedules import new_schedule
from onbeat.api.scheduling import bounds
from onbeat.api.schemas.jobs import EnqueuedMany, JobIn, JobsIn
from onbeat.api.schemas.time import Created, ScheduleIn, SchedulesIn
from onbeat.app.calls import Call
from onbeat.app.onbeat import Onbeat
from onbeat.domain.access import Permission, Principal
from onbeat.domain.errors import InvalidInput
from onbeat.domain.naming import arguments_at, detail_of, named

jobs = routes("/jobs", "jobs")
schedules = routes("/schedules", "schedules")
EXTRA = {"security": CLOSED}
Writer = Annotated[Principal, allowed(Permission.SCHEDULES_WRITE, own=True)]


@jobs.post("/many", operation_id="jobs_enqueue_many", status_code=201,
           response_model=EnqueuedMany, responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def enqueue_many(request: Request, asker: Enqueuer, body: JobsIn) -> Response:
    """Ask for many jobs, of one clock: all are stored in one transaction, or none."""
    ob = gate_of(request).ob
    calls = []
    for number, each in enumerate(body.jobs):
        with named(f"jobs.{number}."):
            calls.append(_call_of(ob, asker, each))
    may_see = asker.may(Permission.WORKERS_READ)
    warnings = {
        task: list(await ob.jobs.warnings(task, with_names=may_see))
        for task in dict.fromkeys(each.task for each in body.jobs)
    }
    with named("jobs."):
        made = await ob.jobs.enqueue_many(calls)
    answers = [
        {"id": handle.id, "is_new": handle.is_new, "warnings": warnings[each.task]}
        for handle, each in zip(made, body.jobs, strict=True)
    ]
    return told({"data": answers}, 201)


def _call_of(ob: Onbeat, asker: Principal, body: JobIn) -> Call[object]:
    refuse_forbidden(asker, body)
    args = msgspec.json.encode(body.args).decode()
    with arguments_at("args"):
        return ob.jobs.bind(body.task, args, options_of(body), must_be_known=False)


@schedules.post("/many", operation_id="schedules_create_many", status_code=201,
                response_model=Created, responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def create_many(request: Request, asker: Writer, body: SchedulesIn) -> Response:
    """Make many schedules: all in one transaction, or none."""
    ob = gate_of(request).ob
    wanted = []
    for number, each in enumerate(body.schedules):
        with named(f"schedules.{number}."):
            wanted.append(await new_schedule(ob, asker, each.name, each))
    with _numbered(body.schedules):
        count = await ob.schedules.create_many(
            wanted, by=str(asker), owner=asker.owner, is_by_owner=asker.owner is not None
        )
    return told({"count": count, "names": [each.name for each in wanted]}, 201)


@contextmanager
def _numbered(bodies: Sequence[ScheduleIn]) -> Iterator[None]:
    """Name what is refused of one of them as its body does."""
    try:
        yield
    except InvalidInput as error:
        number, _, field = error.field.partition(".")
        with named(f"schedules.{number}."), bounds(bodies[int(number)]):
            raise type(error)(field, detail_of(error)) from None
