"""Reports, and how well things are to do."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Annotated, Any

from fastapi import Path, Query, Request, Response

from onbeat.api.answers import told
from onbeat.api.auth import allowed, gate_of
from onbeat.api.bodies import routes
from onbeat.api.keeping import AGE, kept
from onbeat.api.openapi import CLOSED, FINDS, READS, WRITES
from onbeat.api.schemas.reports import ObjectiveIn, ObjectiveOut, Objectives, ReportOut
from onbeat.app.facts.objectives import budget_data
from onbeat.domain.access import Permission, Principal
from onbeat.domain.durations import parse_duration
from onbeat.domain.health import Kind
from onbeat.domain.keeping import REPORT, WHOLE_REPORT
from onbeat.drawing.page import POLICY
from onbeat.drawing.reports import ReportFormat, written

router = routes("", "jobs")
EXTRA = {"security": CLOSED}
Looker = Annotated[Principal, allowed(Permission.JOBS_READ)]
Manager = Annotated[Principal, allowed(Permission.QUEUES_MANAGE)]
Window = Annotated[
    str | None, Query(max_length=100, description="How long it is, as 24h; 7d, unsaid.")
]
Wished = Annotated[
    ReportFormat | None,
    Query(alias="format", description="json, csv or html; unsaid, what `Accept` prefers."),
]
Subject = Annotated[
    str, Path(max_length=500, description="task/NAME, schedule/NAME or queue/NAME.")
]

FORMS: dict[int | str, dict[str, Any]] = {
    200: AGE[200]
    | {
        "description": "The report. CSV has a line for all jobs and one for each row, and a text "
        "in it that begins like a formula has a ' before it; HTML is one page with plots that "
        "needs nothing else.",
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "text/html": {"schema": {"type": "string"}},
        },
    }
}
HEADERS = {
    ReportFormat.JSON: {},
    ReportFormat.CSV: {"Content-Disposition": 'attachment; filename="report.csv"'},
    ReportFormat.HTML: {"Content-Security-Policy": f"{POLICY}; frame-ancestors 'none'"},
}


@router.get("/reports", operation_id="reports_get", response_model=ReportOut,
            responses=READS | FORMS, openapi_extra=EXTRA)  # fmt: skip
async def report(
    request: Request,
    asker: Looker,
    *,
    kind: Annotated[Kind, Query(description="What the rows are of.")] = Kind.TASK,
    window: Window = None,
    form: Wished = None,
) -> Response:
    """What happened in a window, beside the window before: rates, run times, failures."""
    length = None if window is None else parse_duration(window, "window")
    wanted = form or preferred(request.headers.get("accept", ""))
    sees = asker.may(Permission.JOBS_ARGUMENTS)

    async def make() -> Response:
        found = await gate_of(request).ob.history.report(kind, window=length)
        # Tenths of a second for a report of many rows, in which others want to be answered.
        whole = await asyncio.to_thread(partial(written, found, wanted, with_errors=sees))
        headers = HEADERS[wanted] | {"Content-Type": wanted.media_type, "Vary": "Accept"}
        return Response(whole, headers=headers)

    return await kept(request, asker, WHOLE_REPORT if sees else REPORT, make, wanted)


def preferred(accept: str) -> ReportFormat:
    """What a client wants most of what there is (RFC 9110 §12.5.1); JSON where it does not say."""
    best, found = 0.0, ReportFormat.JSON
    for each in accept.split(","):
        kind, *parameters = (part.strip().lower() for part in each.split(";"))
        weight = _weight(parameters)
        for form in ReportFormat:
            if form.media_type.partition(";")[0] == kind and weight > best:
                best, found = weight, form
    return found


def _weight(parameters: list[str]) -> float:
    for each in parameters:
        name, _, value = each.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


@router.get("/objectives", operation_id="objectives_list", response_model=Objectives,
            responses=READS, openapi_extra=EXTRA)  # fmt: skip
async def list_objectives(request: Request, asker: Looker) -> Response:
    """All that somebody set, with what is left of their budgets."""
    found = await gate_of(request).ob.objectives.list()
    return told({"data": [budget_data(each) for each in found]})


@router.get("/objectives/{subject:path}", operation_id="objectives_get",
            response_model=ObjectiveOut, responses=FINDS, openapi_extra=EXTRA)  # fmt: skip
async def find_objective(request: Request, asker: Looker, subject: Subject) -> Response:
    """What holds for one: the default where nobody set anything."""
    return told(budget_data(await gate_of(request).ob.objectives.find(subject)))


@router.put("/objectives/{subject:path}", operation_id="objectives_set",
            response_model=ObjectiveOut, responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def set_objective(
    request: Request, asker: Manager, subject: Subject, body: ObjectiveIn
) -> Response:
    """Let such a part of its jobs complete from now on; what may fail then is its budget."""
    objectives = gate_of(request).ob.objectives
    found = await objectives.set(subject, body.target, str(asker), window=body.window)
    return told(budget_data(found, await objectives.warnings(subject)))


@router.delete("/objectives/{subject:path}", operation_id="objectives_remove", status_code=204,
               responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def remove_objective(request: Request, asker: Manager, subject: Subject) -> Response:
    """Take it away; the default holds again."""
    await gate_of(request).ob.objectives.remove(subject)
    return Response(status_code=204)
