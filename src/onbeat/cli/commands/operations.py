"""`onbeat operations`: what is done to many jobs by the servers."""

from __future__ import annotations

from typing import Annotated

import typer

from onbeat.app.facts.operations import operation_data
from onbeat.cli.command import command, noun
from onbeat.cli.invocation import Invocation
from onbeat.cli.views import operations as view

operations = noun("See and stop what is done to many jobs.")

AnId = Annotated[str, typer.Argument(metavar="OPERATION", help="The operation's id.")]


@command(operations, "ls", "onbeat operations ls")
async def ls(
    asked: Invocation,
    *,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=1000, help="How many.")] = 20,
) -> None:
    """List operations, the newest first."""
    async with asked.without_app().connected() as ob:
        found = await ob.operations.list(limit=limit)
    answer = {"operations": [operation_data(each) for each in found]}
    rows = view.operation_rows(found)
    asked.out.show(answer, lambda: asked.out.table(view.COLUMNS, rows))
    if not found and not asked.json:
        asked.out.note("no operations")


@command(operations, "show", "onbeat operations show 0198c5a0b7d27c3e8f1d2a3b4c5d6e7f")
async def show(asked: Invocation, operation: AnId) -> None:
    """Show what it does to which jobs, and how far it has come."""
    async with asked.without_app().connected() as ob:
        found = await ob.operations.find(operation)
    asked.out.show(operation_data(found), lambda: view.page(found))


@command(operations, "stop", "onbeat operations stop 0198c5a0b7d27c3e8f1d2a3b4c5d6e7f")
async def stop(asked: Invocation, operation: AnId) -> None:
    """Change no more jobs; what was changed stays so."""
    async with asked.without_app().connected() as ob:
        ended = await ob.operations.stop(operation)
    if asked.json:
        asked.out.data(operation_data(ended))
    else:
        asked.out.told(f"stopped: {view.progress(ended)}")
