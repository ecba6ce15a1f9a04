"""The figures of the fleet, for Prometheus."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from onbeat import __version__
from onbeat.api import dependencies
from onbeat.api.auth import gate_of, who_asks
from onbeat.api.keeping import answers_of
from onbeat.api.openapi import FINDS
from onbeat.domain.access import Permission
from onbeat.domain.errors import NotFound
from onbeat.domain.pools import Pool

router = APIRouter(tags=["health"])

MISSING = "prometheus-client is not installed here; run `pip install 'onbeat[prometheus]'`"


TEXT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "In Prometheus' text format, or OpenMetrics'.",
        "content": {
            kind: {"schema": {"type": "string"}}
            for kind in ("text/plain", "application/openmetrics-text")
        },
    }
}


@router.get("/metrics", operation_id="metrics", summary="Figures for Prometheus",
            response_class=Response, responses={**FINDS, **TEXT})  # fmt: skip
async def metrics(request: Request) -> Response:
    """Figures of the whole fleet, whichever process is asked; read at most once in 5 s.

    Open, unless ONBEAT_METRICS says `closed`: then it takes a token that has `jobs:read`.
    """
    gate, answers = gate_of(request), answers_of(request)
    ob = gate.ob
    if ob.settings.metrics == "closed":
        (await who_asks(request)).need(Permission.JOBS_READ)
    try:
        from onbeat.telemetry.own import Own  # noqa: PLC0415 - an extra
        from onbeat.telemetry.prometheus import exposition  # noqa: PLC0415 - an extra
    except ModuleNotFoundError:
        raise NotFound(MISSING) from None
    accept = request.headers.get("accept", "")
    live = request.app.state.live
    needs = await dependencies.all_of(ob, live, gate.issuers.jwks, answers.shared)
    up = {name: each.status == "up" for name, each in needs.dependencies.items()}
    reading = await ob.meters.read() if up["database"] else None
    pool = Pool() if reading is None else (await ob.store()).pool
    own = Own(
        kept=answers.figures(), up=up, pool=pool, listeners=live.listeners,
        answered=request.app.state.answered.sums(),
    )  # fmt: skip
    content_type, text = exposition(reading, __version__, accept, own=own)
    return Response(text, headers={"Content-Type": content_type})
