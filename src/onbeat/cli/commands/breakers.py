"""`onbeat breakers`: see which dependencies are left alone, and decide it by hand."""

from __future__ import annotations

from typing import Annotated

import typer

from onbeat.app.facts.breakers import breaker_data
from onbeat.cli.command import command, noun
from onbeat.cli.invocation import Invocation
from onbeat.cli.views import breakers as view

breakers = noun("See which dependencies are left alone, and decide it by hand.")

Name = Annotated[str, typer.Argument(metavar="BREAKER", help="The breaker's name.")]


@command(breakers, "ls", "onbeat breakers ls")
async def ls(asked: Invocation) -> None:
    """List breakers, which are open, and how many jobs wait for each."""
    async with asked.without_app().connected() as ob:
        found = await ob.breakers.list()
    answer = {"breakers": [breaker_data(each) for each in found]}
    asked.out.show(answer, lambda: asked.out.table(view.COLUMNS, view.rows(found)))
    if not found and not asked.json:
        asked.out.note("no breakers; code declares them: @ob.task(breakers=Breaker('stripe'))")


@command(breakers, "show", "onbeat breakers show stripe")
async def show(asked: Invocation, breaker: Name) -> None:
    """Show one breaker: since when it is open, why, and until when."""
    async with asked.without_app().connected() as ob:
        found = await ob.breakers.find(breaker)
    asked.out.show({"breaker": breaker_data(found)}, lambda: view.page(found))


@command(breakers, "open", "onbeat breakers open stripe")
async def trip(asked: Invocation, breaker: Name) -> None:
    """Open it: its jobs wait from now on, for as long as it says."""
    async with asked.without_app().connected() as ob:
        found = await ob.breakers.trip(breaker, asked.who)
    asked.out.show({"breaker": breaker_data(found)}, lambda: view.page(found))


@command(breakers, "close", "onbeat breakers close stripe")
async def close(asked: Invocation, breaker: Name) -> None:
    """Close it: its jobs go on at once."""
    async with asked.without_app().connected() as ob:
        found = await ob.breakers.close(breaker, asked.who)
    asked.out.show({"breaker": breaker_data(found)}, lambda: view.page(found))
