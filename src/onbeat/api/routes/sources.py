"""Sources: what comes from outside; where signed messages are posted to, and what did not fit."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Request, Response

from onbeat.api.answers import page_of, told
from onbeat.api.auth import allowed, gate_of
from onbeat.api.bodies import routes
from onbeat.api.openapi import CLOSED, FINDS, READS, errors
from onbeat.api.paging import After, Limit, Listed, place
from onbeat.api.parameters import refuse_unknown
from onbeat.api.problems import Problem
from onbeat.api.schemas.sources import Delivered, SetAsideOut, SourcesOut
from onbeat.app.facts.sources import set_aside_data, source_data
from onbeat.domain.access import Permission, Principal
from onbeat.domain.webhooks import InvalidSignature

router = routes("/sources", "services", keyed=False)
EXTRA = {"security": CLOSED}
Reader = Annotated[Principal, allowed(Permission.WORKERS_READ)]
Reads = Annotated[Principal, allowed(Permission.JOBS_ARGUMENTS)]
Manages = Annotated[Principal, allowed(Permission.SERVICES_MANAGE)]
Name = Annotated[str, Path(max_length=200, description="What the code calls it.")]


@router.get("", operation_id="sources_list", response_model=SourcesOut,
            responses=READS, openapi_extra=EXTRA)  # fmt: skip
async def list_sources(request: Request, asker: Reader) -> Response:
    """The sources of all processes that are heard of, and how each stands."""
    return told({"data": [source_data(e) for e in await gate_of(request).ob.sources.list()]})


@router.get("/set-aside", operation_id="sources_set_aside", response_model=Listed[SetAsideOut],
            responses=READS, openapi_extra=EXTRA)  # fmt: skip
async def list_set_aside(
    request: Request,
    asker: Reads,
    *,
    source: Annotated[
        str | None, Query(max_length=200, description="Only what came by this one.")
    ] = None,
    limit: Limit = 50,
    after: After = None,
) -> Response:
    """Messages that did not fit, the newest first."""
    key = place(after, source)
    rows = await gate_of(request).ob.sources.set_aside(source, before=key, limit=limit + 1)
    return page_of(rows, limit, set_aside_data, lambda each: each.id, source)


@router.delete("/set-aside/{message}", operation_id="sources_forget", status_code=204,
               responses=FINDS, openapi_extra=EXTRA)  # fmt: skip
async def forget(
    request: Request,
    asker: Manages,
    message: Annotated[
        str, Path(max_length=100, description="32 hexadecimal digits, with or without dashes.")
    ],
) -> Response:
    """Take a message that did not fit off the record."""
    await gate_of(request).ob.sources.forget(message)
    return Response(status_code=204)


@router.post("/{source}", operation_id="sources_receive", status_code=202, response_model=Delivered,
             responses=errors(400, 401, 404, 413, 415, 503))  # fmt: skip
async def receive(request: Request, source: Name) -> Response:
    """Take a message that is signed as the Standard Webhooks specification has it, by a secret that
    the source knows: once, however often it is sent.
    """
    refuse_unknown(request)
    try:
        id_, came = await gate_of(request).ob.sources.receive(
            source, await request.body(), dict(request.headers)
        )
    except InvalidSignature as error:
        raise Problem(401, str(error), code="unauthenticated") from None
    return told({"id": id_, "came": came}, 202)
