"""Jobs: ask for them, find them, see why they wait, run them again, call them off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

import msgspec
from fastapi import Path, Query, Request, Response
from pydantic import Field

from onbeat.api.answers import found, location_of, told
from onbeat.api.auth import allowed, gate_of
from onbeat.api.bodies import routes
from onbeat.api.enqueueing import options_of, refuse_forbidden
from onbeat.api.files import FILE, FileResponse, Wished, file
from onbeat.api.keeping import kept
from onbeat.api.openapi import CLOSED, FINDS, READS, WRITES
from onbeat.api.paging import After, Limit
from onbeat.api.routes.job_queries import Asked, Reader
from onbeat.api.schemas.jobs import (
    Attempts,
    CancelIn,
    Cancelled,
    Counts,
    Enqueued,
    JobIn,
    JobOut,
    JobsFound,
    JobsOut,
    Lines,
    Reasons,
)
from onbeat.app.exports import Format, export_jobs
from onbeat.app.facts.jobs import attempt_data, counts_data, job_shown, line_data, numbered
from onbeat.app.facts.reasons import reasons_data
from onbeat.app.onbeat import Onbeat
from onbeat.domain.access import Permission, Principal
from onbeat.domain.cursors import cursor, place
from onbeat.domain.jobs import Job, no_job
from onbeat.domain.keeping import COUNTS
from onbeat.domain.naming import arguments_at
from onbeat.store.history import LinePlace

router = routes("/jobs", "jobs")
EXTRA = {"security": CLOSED}
Arguments = Annotated[Principal, allowed(Permission.JOBS_READ, Permission.JOBS_ARGUMENTS, own=True)]
Counter = Annotated[Principal, allowed(Permission.JOBS_READ)]
Enqueuer = Annotated[Principal, allowed(Permission.JOBS_ENQUEUE)]
Manager = Annotated[Principal, allowed(Permission.JOBS_MANAGE, own=True)]
MOST_LINES = 10_000
"""Lines of a page of a log: as many as an attempt may write."""

JobId = Annotated[
    str, Path(max_length=100, description="32 hexadecimal digits, with or without dashes.")
]


async def job_of(ob: Onbeat, asker: Principal, job: str) -> Job:
    """The job, if who asks may see it. Raises NotFound, which says the same of another's."""
    wanted = await ob.jobs.find(job)
    if asker.owner is not None and wanted.owner != asker.owner:
        raise no_job(wanted.id)
    return wanted


def job_told(asker: Principal, job: Job) -> Mapping[str, Any]:
    """The job, as far as who asks may know it."""
    return job_shown(job, with_args=asker.may(Permission.JOBS_ARGUMENTS))


@router.post("", operation_id="jobs_enqueue", status_code=201, response_model=Enqueued,
             responses={**WRITES, 200: {"model": Enqueued, "description": "Another has its key."}},
             openapi_extra=EXTRA)  # fmt: skip
async def enqueue(request: Request, asker: Enqueuer, body: JobIn) -> Response:
    """Ask for a job; a task that is not known here is left to a worker that knows it."""
    refuse_forbidden(asker, body)
    ob = gate_of(request).ob
    args = msgspec.json.encode(body.args).decode()
    options = options_of(body)
    may_see = asker.may(Permission.WORKERS_READ)
    warnings = await ob.jobs.warnings(body.task, with_names=may_see)
    with arguments_at("args"):
        made = await ob.jobs.enqueue(body.task, args, options, must_be_known=False)
    where = location_of(request, made.id)
    answer = {"id": made.id, "is_new": made.is_new, "warnings": list(warnings)}
    return told(answer, 201 if made.is_new else 200, where)


@router.get("", operation_id="jobs_list", response_model=JobsOut, responses=FINDS,
            openapi_extra=EXTRA)  # fmt: skip
async def list_jobs(
    request: Request,
    asker: Reader,
    asked: Asked,
    *,
    limit: Limit = 50,
    after: After = None,
    before: Annotated[
        str | None, Query(max_length=2_000, description="`page.previous` of the page after.")
    ] = None,
) -> Response:
    """Jobs, a page at a time; of a field's values one is enough, and all fields hold.

    A page that was cut short looked at so many jobs without finding enough: go on with its `next`.
    """
    wanted = replace(asked, limit=limit, after=after, before=before)
    page = await gate_of(request).ob.jobs.page(wanted)
    told_of = {"next": page.after, "previous": page.before, "size": len(page.jobs),
               "is_cut": page.is_cut}  # fmt: skip
    return told({"data": [job_told(asker, each) for each in page.jobs], "page": told_of})


@router.get("/export", operation_id="jobs_export", response_class=FileResponse,
            responses={**FINDS, **FILE}, openapi_extra=EXTRA)  # fmt: skip
async def export(
    request: Request, asker: Reader, asked: Asked, wished: Wished = Format.CSV
) -> Response:
    """All jobs that fit, as a file; their arguments too for those who may see them."""
    with_args = asker.may(Permission.JOBS_ARGUMENTS)
    pieces = export_jobs(gate_of(request).ob, asked, wished, with_args=with_args)
    return await file(pieces, "jobs", wished)


@router.get("/by-id", operation_id="jobs_find_many", response_model=JobsFound, responses=FINDS,
            openapi_extra=EXTRA)  # fmt: skip
async def find_many(
    request: Request,
    asker: Reader,
    ids: Annotated[list[Annotated[str, Field(max_length=100)]],
                   Query(alias="id", min_length=1, max_length=100)],
) -> Response:  # fmt: skip
    """Those of these ids that are there, each as in a list: what is not there is left out."""
    jobs = await gate_of(request).ob.jobs.find_many(ids, owner=asker.owner)
    return told({"data": [job_told(asker, each) for each in jobs]})


@router.get("/counts", operation_id="jobs_counts", response_model=Counts, responses=READS,
            openapi_extra=EXTRA)  # fmt: skip
async def counts(request: Request, asker: Counter) -> Response:
    """How many jobs are in each state; where it is not exact, at least so many."""

    async def make() -> Response:
        return told({"data": counts_data(await gate_of(request).ob.jobs.counts())})

    return await kept(request, asker, COUNTS, make)


@router.get("/{job}", operation_id="jobs_get", response_model=JobOut, responses=FINDS,
            openapi_extra=EXTRA)  # fmt: skip
async def find(request: Request, asker: Reader, job: JobId) -> Response:
    """The job and where it stands; 304 with `If-None-Match` where nothing is new."""
    return found(request, job_told(asker, await job_of(gate_of(request).ob, asker, job)))


@router.get("/{job}/why", operation_id="jobs_why", response_model=Reasons, responses=FINDS,
            openapi_extra=EXTRA)  # fmt: skip
async def why(request: Request, asker: Reader, job: JobId) -> Response:
    """Why it does not run, and what would change that."""
    ob = gate_of(request).ob
    wanted = await job_of(ob, asker, job)
    with_errors = asker.may(Permission.JOBS_ARGUMENTS)
    reasons = await ob.jobs.why(wanted.id, with_errors=with_errors)
    return told({"data": reasons_data(reasons)})


@router.get("/{job}/attempts", operation_id="jobs_attempts", response_model=Attempts,
            responses=FINDS, openapi_extra=EXTRA)  # fmt: skip
async def attempts(request: Request, asker: Arguments, job: JobId) -> Response:
    """Its attempts that have ended, the oldest first."""
    ob = gate_of(request).ob
    wanted = await job_of(ob, asker, job)
    return told({"data": [attempt_data(each) for each in await ob.jobs.attempts(wanted.id)]})


@router.get("/{job}/log", operation_id="jobs_log", response_model=Lines, responses=FINDS,
            openapi_extra=EXTRA)  # fmt: skip
async def log(
    request: Request,
    asker: Arguments,
    job: JobId,
    *,
    limit: Annotated[int, Query(ge=1, le=MOST_LINES, description="How many at most.")] = 1_000,
    before: Annotated[
        str | None,
        Query(max_length=2_000, description="`page.previous` of the page after."),
    ] = None,
) -> Response:
    """What it wrote, attempt after attempt: its last lines, or those before others."""
    ob = gate_of(request).ob
    wanted = await job_of(ob, asker, job)
    behind = None if before is None else place(before, LinePlace, wanted.id, field="before")
    found = await ob.jobs.log(wanted.id, limit=limit + 1, before=behind)
    shown, has_more = found[-limit:], len(found) > limit
    lines = numbered(wanted, await ob.jobs.attempts(wanted.id), shown)
    previous = cursor((shown[0].token, shown[0].number), wanted.id) if has_more else None
    return told({"data": [line_data(line, attempt) for attempt, line in lines],
                 "page": {"previous": previous, "size": len(shown)}})  # fmt: skip


@router.post("/{job}/retry", operation_id="jobs_retry", response_model=JobOut, responses=WRITES,
             openapi_extra=EXTRA)  # fmt: skip
async def retry(request: Request, asker: Manager, job: JobId) -> Response:
    """Run one that has ended again, or one that waits at once."""
    ob = gate_of(request).ob
    wanted = await job_of(ob, asker, job)
    await ob.jobs.retry(wanted.id)
    return told(job_told(asker, await ob.jobs.find(wanted.id)))


@router.post("/{job}/cancel", operation_id="jobs_cancel", response_model=Cancelled,
             responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def cancel(
    request: Request, asker: Manager, job: JobId, body: CancelIn | None = None
) -> Response:
    """Call one that waits off, or ask one that runs to stop."""
    ob = gate_of(request).ob
    wanted = await job_of(ob, asker, job)
    reason = (body or CancelIn()).reason
    return told({"state": await ob.jobs.cancel(wanted.id, f"{reason} (by {asker})")})
