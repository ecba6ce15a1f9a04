"""`onbeat services`: see what runs in which process, and steer it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from onbeat.app.facts.services import service_data, wished_data
from onbeat.cli.command import command, noun
from onbeat.cli.invocation import Invocation
from onbeat.cli.views import services as view
from onbeat.domain.processes import Action, SeenService

services = noun("See which services run in which process; stop, pause and restart them.")

Id = Annotated[
    str,
    typer.Argument(
        metavar="SERVICE", help="One, as scheduler@5d0c2f1a, or all of a kind, as scheduler."
    ),
]


@command(services, "ls", "onbeat services ls")
async def ls(asked: Invocation) -> None:
    """List the services of all processes, and how each stands."""
    async with asked.without_app().connected() as ob:
        found = await ob.services.list()
    _show(asked, found)
    if not found and not asked.json:
        asked.out.note("no services: `onbeat up --app module:name` starts them")


@command(services, "show", "onbeat services show scheduler")
async def show(asked: Invocation, service: Id) -> None:
    """Show one service, or all of a kind."""
    async with asked.without_app().connected() as ob:
        found = await ob.services.find(service)
    _show(asked, found)


def _show(asked: Invocation, found: Sequence[SeenService]) -> None:
    answer = {"services": [service_data(each) for each in found]}
    rows = view.service_rows(found, datetime.now(UTC))
    asked.out.show(answer, lambda: asked.out.table(view.COLUMNS, rows))


async def _act(asked: Invocation, service: str, action: Action) -> None:
    async with asked.without_app().connected() as ob:
        came = await ob.services.act(service, action, asked.who)
    asked.out.show(wished_data(came), lambda: view.wished_lines(came))


@command(services, "start", "onbeat services start scheduler@5d0c2f1a")
async def start(asked: Invocation, service: Id) -> None:
    """Start a service that was stopped, in its process."""
    await _act(asked, service, Action.START)


@command(services, "stop", "onbeat services stop scheduler@5d0c2f1a")
async def stop(asked: Invocation, service: Id) -> None:
    """Stop a service, until it is started again or its process is."""
    await _act(asked, service, Action.STOP)


@command(services, "pause", "onbeat services pause worker")
async def pause(asked: Invocation, service: Id) -> None:
    """Let a service take no more steps; a worker goes on with the jobs it has."""
    await _act(asked, service, Action.PAUSE)


@command(services, "resume", "onbeat services resume worker")
async def resume(asked: Invocation, service: Id) -> None:
    """Let a paused service go on."""
    await _act(asked, service, Action.RESUME)


@command(services, "restart", "onbeat services restart scheduler")
async def restart(asked: Invocation, service: Id) -> None:
    """Stop a service and start it again."""
    await _act(asked, service, Action.RESTART)
