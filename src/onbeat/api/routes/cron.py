"""One cycle for each call: where no process of ours stays, somebody's minute cron calls here.

Vercel sends `GET` with `Authorization: Bearer $CRON_SECRET`.
"""

from __future__ import annotations

import hmac
import math
from datetime import timedelta
from functools import partial
from typing import Annotated, Any

from fastapi import Depends, Query, Request
from pydantic import Field

from onbeat.api.auth import gate_of, who_asks
from onbeat.api.bodies import Answer, routes
from onbeat.api.openapi import CLOSED, errors
from onbeat.api.parameters import refuse_unknown
from onbeat.api.problems import Problem
from onbeat.app.cycles import BUDGET, LONGEST_BUDGET, run_cycle
from onbeat.domain.access import Permission
from onbeat.domain.errors import Unauthenticated
from onbeat.store.rates import allow

router = routes("", "cron", keyed=False)

DEFAULT_SECONDS = BUDGET.total_seconds()
MOST_CALLS, WINDOW = 10, timedelta(minutes=1)


class CycleOut(Answer):
    """What a cycle did, and what it left."""

    status: str = Field(description="`complete`, or `partial` where the budget was used up.")
    fired: int = Field(description="Jobs made of schedules.")
    promoted: int = Field(description="Jobs that became pending.")
    ended: int = Field(description="Attempts that ended.")
    pending: int = Field(description="Jobs that wait; at 10,000 that many or more.")
    took_s: float


async def _may_tick(request: Request) -> None:
    """The cron secret, or a token that allows it; ten times a minute."""
    ob = gate_of(request).ob
    secret, given = ob.settings.cron_secret, request.headers.get("authorization", "")
    scheme, _, token = given.partition(" ")
    if secret is not None and scheme.lower() == "bearer":
        if not hmac.compare_digest(token.strip().encode(), secret.encode()):
            await _need_token(request, token)
    elif secret is None and not token.startswith("onb_"):
        raise Problem(
            503, "no cron secret is set: set ONBEAT_CRON_SECRET (or CRON_SECRET), or send a token "
            "with cron:tick", code="no-cron-secret",
        )  # fmt: skip
    else:
        await _need_token(request, token)
    refuse_unknown(request)
    store = await ob.store()
    wait = await store.write(partial(allow, subject="cron:tick", most=MOST_CALLS, window=WINDOW))
    if wait:
        seconds = math.ceil(wait.total_seconds())
        raise Problem(
            429, f"more than {MOST_CALLS} calls in a minute; wait {seconds} s",
            headers={"Retry-After": str(seconds)},
        )  # fmt: skip


async def _need_token(request: Request, token: str) -> None:
    if not token.startswith("onb_"):
        raise Unauthenticated("the cron secret is missing or wrong")
    (await who_asks(request)).need(Permission.CRON_TICK)


Drain = Annotated[bool, Query(description="Run jobs too, until none is pending.")]
MaxSeconds = Annotated[
    float,
    Query(ge=1, le=LONGEST_BUDGET.total_seconds(), description="When it stops at the latest."),
]
RESPONSES: dict[int | str, dict[str, Any]] = errors(400, 401, 403, 413, 415, 429, 503)
OPTIONS: dict[str, Any] = {
    "responses": RESPONSES,
    "openapi_extra": {"security": CLOSED},
    "dependencies": [Depends(_may_tick)],
}


async def tick(
    request: Request, drain: Drain = False, max_seconds: MaxSeconds = DEFAULT_SECONDS
) -> CycleOut:
    """Make due schedules into jobs, once; with `drain` run jobs too. It says what it left."""
    cycle = await run_cycle(gate_of(request).ob, drain=drain, budget=timedelta(seconds=max_seconds))
    return CycleOut(
        status="complete" if cycle.is_complete else "partial", fired=cycle.fired,
        promoted=cycle.promoted, ended=cycle.ended, pending=cycle.pending,
        took_s=round(cycle.took.total_seconds(), 3),
    )  # fmt: skip


alias = routes("", "cron", under="/api", keyed=False)
"""The same where the word `api` is all that stands before it."""

for where, path, word in (
    (router, "/cron/tick", "cron_tick"), (alias, "/cron/scheduler", "cron_scheduler")
):  # fmt: skip
    for method in ("GET", "POST"):
        where.add_api_route(
            path, tick, methods=[method], operation_id=f"{word}_{method.lower()}", **OPTIONS
        )
