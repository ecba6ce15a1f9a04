"""How many jobs came to what, and how long they took."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from onbeat.api.answers import told
from onbeat.api.auth import allowed, gate_of
from onbeat.api.bodies import routes
from onbeat.api.keeping import AGE, kept
from onbeat.api.openapi import CLOSED, READS
from onbeat.api.schemas.stats import StatsOut
from onbeat.api.schemas.time import AskedMoment
from onbeat.app.facts.stats import stats_data
from onbeat.domain.access import Permission, Principal
from onbeat.domain.durations import parse_duration
from onbeat.domain.keeping import STATS
from onbeat.domain.stats import GroupedBy

router = routes("/stats", "jobs")
Looker = Annotated[Principal, allowed(Permission.JOBS_READ)]
Window = Annotated[
    str | None, Query(max_length=100, description="How long it is, as 24h, which it is unsaid.")
]
Task = Annotated[str | None, Query(min_length=1, max_length=200)]


@router.get("", operation_id="stats", response_model=StatsOut, responses=READS | AGE,
            openapi_extra={"security": CLOSED})  # fmt: skip
async def stats(
    request: Request,
    asker: Looker,
    *,
    by: Annotated[
        GroupedBy, Query(description="What jobs are counted together by.")
    ] = GroupedBy.TASK,
    window: Window = None,
    since: AskedMoment | None = None,
    until: AskedMoment | None = None,
    task: Task = None,
) -> Response:
    """What came of jobs that ended in a window, how long they took, and how many are open now."""
    length = None if window is None else parse_duration(window, "window")

    async def make() -> Response:
        found = await gate_of(request).ob.history.stats(
            by=by, window=length, since=since, until=until, task=task
        )
        return told(stats_data(found))

    return await kept(request, asker, STATS, make)
