"""The application that answers: all routes, under any path, alone or mounted in another."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp

from onbeat import __version__
from onbeat.api import first_page, lite, problems, reference, site
from onbeat.api.answering import Answering
from onbeat.api.auth import Gate, HostPrincipal
from onbeat.api.bodies import PREFIX
from onbeat.api.issuers import Issuers
from onbeat.api.keeping import Answers
from onbeat.api.live.hub import Hub
from onbeat.api.openapi import describe
from onbeat.api.requests import Envelope
from onbeat.api.routes import (
    agenda,
    audit,
    backfills,
    by_hand,
    calendars,
    callbacks,
    channels,
    clocks,
    cron,
    crontabs,
    database,
    fares,
    health,
    history,
    incident_rules,
    incidents,
    jobs,
    live,
    many,
    me,
    metrics,
    notices,
    operations,
    queues,
    reports,
    rules,
    schedules,
    services,
    sources,
    stats,
    tokens,
    user_schedules,
    users,
    webhooks,
    workers,
    workflows,
)
from onbeat.app.onbeat import Onbeat
from onbeat.domain.meters import Counting

TIME = (by_hand, schedules, backfills, calendars, clocks, crontabs, agenda)
"""What is done by hand comes first: the name of a schedule may have slashes."""

NOUNS = (
    jobs,
    stats,
    fares,
    reports,
    operations,
    queues,
    workers,
    services,
    sources,
    *TIME,
    rules,
    workflows,
    webhooks,
    callbacks,
    incidents,
    incident_rules,
    channels,
    notices,
    cron,
    me,
    users,
    tokens,
    audit,
    database,
    live,
)

# As the product was first asked for: https://vercel.com/docs/cron-jobs calls a path of /api.
ALIASES = (cron.alias, services.alias, history.router, user_schedules.router)

ROUTERS = (
    health.router,
    metrics.router,
    *(noun.router for noun in NOUNS),
    many.jobs,
    many.schedules,
    reference.router,
    first_page.router,
    lite.router,
    live.sockets,
    *ALIASES,
    site.router,
)
"""The routes, in the order in which a path is looked for."""


def make_app(
    ob: Onbeat,
    *,
    issuers: Issuers | None = None,
    host: HostPrincipal | None = None,
    trusted: Iterable[str] = (),
    built: Path = site.BUILT,
) -> FastAPI:
    """The API of `ob` and the web UI that was `built`; `issuers` are those of its settings, if none
    are given.

    It connects when it is asked first, and disconnects when its lifespan ends; mounted in another
    application it has none of its own: there api/mounting.py's is for that one to have.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await ob.store()
        yield
        await app.state.live.close()
        await app.state.answers.close()
        await ob.close()

    app = FastAPI(
        title="Onbeat",
        version=__version__,
        lifespan=lifespan,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        root_path_in_servers=False,  # which api/openapi.py says, for any path
        separate_input_output_schemas=False,
    )
    gate = Gate(ob, issuers or Issuers.from_settings(ob.settings), host)
    app.state.gate = replace(gate, trusted=frozenset(trusted))
    app.state.live = Hub(ob, ob.settings.live_clients)
    app.state.answers = Answers.of(ob)
    app.state.answered = Counting()
    app.state.site = built
    problems.install(app)
    for router in ROUTERS:
        # They know their whole paths. Included, each would be made again, twice, which takes 0.2 s,
        # and be looked for again at each level of each request.
        app.router.routes += router.routes
    describe(app)
    return app


def make_asgi(ob: Onbeat, **options: Any) -> ASGIApp:
    """The same, with what every request and answer passes; mount it under any path.

    `host` tells who asks, of the application that it is mounted in; `trusted` are origins besides
    its own from which browsers may change things. Raises InvalidSetting for issuers of the settings
    that cannot be read.
    """
    return enveloped(make_app(ob, **options))


def enveloped(app: FastAPI) -> ASGIApp:
    """The application, behind what every request and answer passes."""
    return Envelope(Answering(app, app.state.answered))
