"""`onbeat sources`: see what comes from outside, and what did not fit of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from onbeat.app.facts.sources import set_aside_data, source_data
from onbeat.cli.command import command, noun
from onbeat.cli.invocation import Invocation
from onbeat.cli.views import sources as view

sources = noun("See what comes from outside, and what did not fit of it.")


@command(sources, "ls", "onbeat sources ls")
async def ls(asked: Invocation) -> None:
    """List the sources of all processes, and how each stands."""
    async with asked.without_app().connected() as ob:
        found = await ob.sources.list()
    answer = {"sources": [source_data(each) for each in found]}
    rows = view.source_rows(found, datetime.now(UTC))
    asked.out.show(answer, lambda: asked.out.table(view.COLUMNS, rows))
    if not found and not asked.json:
        asked.out.note("no sources; `ob.source(…)` in an application adds one")


@command(
    sources,
    "set-aside",
    "onbeat sources set-aside",
    "onbeat sources set-aside --source orders --limit 10",
)
async def set_aside(
    asked: Invocation,
    *,
    source: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only what came by this one.")
    ] = None,
    limit: Annotated[int, typer.Option(metavar="COUNT", help="How many, the newest.")] = 50,
) -> None:
    """List messages that did not fit, the newest first, with the reasons."""
    async with asked.without_app().connected() as ob:
        found = await ob.sources.set_aside(source, limit=limit)
    answer = {"messages": [set_aside_data(each) for each in found]}
    rows = view.set_aside_rows(found, datetime.now(UTC))
    asked.out.show(answer, lambda: asked.out.table(view.ASIDE, rows))
    if not found and not asked.json:
        asked.out.note("no message is set aside: all have fitted")


@command(sources, "forget", "onbeat sources forget 01930d3f5a7b7c1e9f3a5d0c2f1a4b6d")
async def forget(
    asked: Invocation,
    message: Annotated[str, typer.Argument(metavar="MESSAGE", help="The id that is listed.")],
) -> None:
    """Take a message that did not fit off the record."""
    async with asked.without_app().connected() as ob:
        await ob.sources.forget(message)
    asked.out.show({"forgotten": message}, lambda: [f"{message} is off the record"])
