"""The application that answers: all routes, under any path, alone or mounted in another."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp

from onbeat import __version__
from onbeat.api import problems
from onbeat.api.auth import Gate, HostPrincipal
from onbeat.api.issuers import Issuers
from onbeat.api.openapi import describe
from onbeat.api.requests import Envelope
from onbeat.api.routes import (
    audit,
    backfills,
    by_hand,
    calendars,
    clocks,
    cron,
    health,
    jobs,
    me,
    queues,
    rules,
    schedules,
    tokens,
    users,
    workers,
    workflows,
)
from onbeat.app.onbeat import Onbeat

PREFIX = "/api/v1"

TIME = (by_hand, schedules, backfills, calendars, clocks)
"""What is done by hand comes first: the name of a schedule may have slashes."""

NOUNS = (jobs, queues, workers, *TIME, rules, workflows, cron, me, users, tokens, audit)


def make_app(
    ob: Onbeat,
    *,
    issuers: Issuers | None = None,
    host: HostPrincipal | None = None,
    trusted: Iterable[str] = (),
) -> FastAPI:
    """The API of `ob`.

    It connects when it is asked first, and disconnects when its lifespan ends; mounted in another
    application it has none of its own, and `ob.close()` is for that one to call.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await ob.store()
        yield
        await ob.close()

    app = FastAPI(
        title="Onbeat",
        version=__version__,
        lifespan=lifespan,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        separate_input_output_schemas=False,
    )
    gate = Gate(ob, issuers or Issuers(), host)
    app.state.gate = replace(gate, trusted=frozenset(trusted))
    problems.install(app)
    app.include_router(health.router)
    whole = APIRouter(prefix=PREFIX)
    for noun in NOUNS:
        whole.include_router(noun.router)
    app.include_router(whole)
    # As the product was first asked for: https://vercel.com/docs/cron-jobs calls a path of /api.
    app.include_router(cron.alias, prefix="/api")
    describe(app)
    return app


def make_asgi(ob: Onbeat, **options: Any) -> ASGIApp:
    """The same, with what every request and answer passes."""
    return Envelope(make_app(ob, **options))
