"""`onbeat clocks`: virtual clocks, made, seen and moved."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from onbeat.app.facts.clocks import advanced_data, clock_data
from onbeat.cli import inputs
from onbeat.cli.command import command, noun
from onbeat.cli.invocation import Invocation
from onbeat.cli.output.words import many
from onbeat.cli.views import clocks as view
from onbeat.domain.errors import InvalidInput
from onbeat.domain.recurrence.recurrence import stamp
from onbeat.runtime.clocks import MOST_MOMENTS

clocks = noun("Make virtual clocks, look at them, move them.")

Name = Annotated[str, typer.Argument(metavar="CLOCK", help="The clock's name.")]


@command(clocks, "ls", "onbeat clocks ls")
async def ls(asked: Invocation) -> None:
    """List virtual clocks and where they stand."""
    async with asked.without_app().connected() as ob:
        found = await ob.clocks.list()
    answer = {"clocks": [clock_data(each) for each in found]}
    rows = view.clock_rows(found, datetime.now(UTC))
    asked.out.show(answer, lambda: asked.out.table(view.COLUMNS, rows))
    if not found and not asked.json:
        asked.out.note("no virtual clocks: everything lives by the wall clock")


@command(clocks, "create", "onbeat clocks create world --at 1204-01-01T00:00:00Z")
async def create(
    asked: Invocation,
    clock: Name,
    *,
    at: Annotated[str, typer.Option(metavar="MOMENT", help="Where it stands at first.")],
) -> None:
    """Make a clock that moves only when it is told to."""
    moment = inputs.moment("at", at)
    if moment is None:
        raise InvalidInput("at", "give the moment where it stands, as 2027-01-01T00:00:00Z")
    async with asked.without_app().connected(creates=True) as ob:
        made = await ob.clocks.create(clock, moment)
    told = f"{clock} stands at {stamp(made.now_at)}"
    asked.out.show({"clock": clock_data(made)}, lambda: [told])


@command(clocks, "show", "onbeat clocks show world")
async def show(asked: Invocation, clock: Name) -> None:
    """Show what time it is on a clock."""
    async with asked.without_app().connected() as ob:
        found = await ob.clocks.find(clock)
    told = f"{clock} stands at {stamp(found.now_at)}"
    asked.out.show({"clock": clock_data(found)}, lambda: [told])


@command(
    clocks,
    "advance",
    "onbeat clocks advance world --by 6h",
    "onbeat clocks advance world --to 1204-01-02T00:00:00Z --jump",
)
async def advance(
    asked: Invocation,
    clock: Name,
    *,
    by: Annotated[str | None, typer.Option(metavar="TIME", help="So far: 90s, 6h, 1d.")] = None,
    to: Annotated[str | None, typer.Option(metavar="MOMENT", help="To this moment.")] = None,
    jump: Annotated[
        bool, typer.Option("--jump", help="Plan schedules once, at the end, not on the way.")
    ] = False,
    most: Annotated[
        int, typer.Option(metavar="N", min=1, help="Pass at most so many moments.")
    ] = MOST_MOMENTS,
) -> None:
    """Move a clock forward, and do what becomes due on the way.

    It never goes back. Exits 0 also when it stopped on the way; it says then how to go on."""
    moment, duration = inputs.moment("to", to), inputs.duration("by", by)
    async with asked.without_app().connected() as ob:
        done = await ob.clocks.advance(clock, to=moment, by=duration, jump=jump, most=most)
    jobs = f"{many(done.fired, 'job')} made by schedules, {many(done.released, 'waiting job')} due"
    jobs += f", {many(done.expired, 'job')} called off" if done.expired else ""
    told = f"{clock} stands at {stamp(done.now_at)}: {jobs}"
    asked.out.show(advanced_data(done), lambda: [told])
    if not done.is_done and not asked.json:
        rest = f"onbeat clocks advance {clock} --to {stamp(done.goal_at)}"
        rest += " --jump" if jump else ""
        asked.out.note(f"it stopped on the way: as much was done as one call may do; go on: {rest}")


@command(clocks, "rm", "onbeat clocks rm world")
async def rm(asked: Invocation, clock: Name) -> None:
    """Remove a clock that nothing lives by."""
    async with asked.without_app().connected() as ob:
        await ob.clocks.remove(clock)
    asked.out.show({"removed": clock}, lambda: [f"{clock} is removed"])
