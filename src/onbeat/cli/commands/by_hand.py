"""`onbeat schedules`: pause, resume, skip, trigger, remove."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import typer

from onbeat.app.facts.jobs import job_data
from onbeat.app.facts.schedules import schedule_data
from onbeat.app.onbeat import Onbeat
from onbeat.cli import inputs
from onbeat.cli.command import command
from onbeat.cli.commands.schedules import Name, Why, note_code, schedules
from onbeat.cli.invocation import Invocation
from onbeat.cli.output.words import many
from onbeat.cli.unchecked import note_nobody
from onbeat.domain.recurrence.recurrence import stamp


async def _act(
    asked: Invocation, name: str, act: Callable[[Onbeat], Coroutine[Any, Any, None]], told: str
) -> None:
    async with asked.without_app().connected() as ob:
        await act(ob)
        schedule = await ob.schedules.find(name)
    asked.out.show({"schedule": schedule_data(schedule)}, lambda: [told])


@command(
    schedules,
    "pause",
    "onbeat schedules pause acme-report",
    "onbeat schedules pause acme --why 'API down' --until 2027-01-04T08:00Z",
)
async def pause(
    asked: Invocation,
    name: Name,
    *,
    until: Annotated[
        str | None, typer.Option(metavar="MOMENT", help="Go on by itself then.")
    ] = None,
    why: Why = None,
) -> None:
    """Make no more jobs of it until it is resumed.

    A deploy does not undo that."""
    by, moment = asked.who, inputs.moment("until", until)
    told = f"{name} is paused" + (f" until {stamp(moment)}" if moment else "")
    await _act(asked, name, lambda ob: ob.schedules.pause(name, by, why=why, until=moment), told)


@command(schedules, "skip-next", "onbeat schedules skip-next acme-report --count 2")
async def skip_next(
    asked: Invocation,
    name: Name,
    *,
    count: Annotated[
        int, typer.Option(metavar="N", min=0, max=1_000, help="How many; 0 for none after all.")
    ] = 1,
) -> None:
    """Leave out its next moment, or the next few.

    They are on record as skipped, with who wanted it."""
    by = asked.who
    told = f"{name} leaves out its next {many(count, 'moment')}"
    await _act(asked, name, lambda ob: ob.schedules.skip_next(name, by, count=count), told)


@command(schedules, "resume", "onbeat schedules resume acme-report")
async def resume(asked: Invocation, name: Name) -> None:
    """Go on from now on.

    What was due meanwhile is on record as skipped."""
    await _act(asked, name, lambda ob: ob.schedules.resume(name), f"{name} goes on")


@command(
    schedules,
    "trigger",
    "onbeat schedules trigger acme-report",
    "onbeat schedules trigger acme-report --at 2027-01-04T08:00Z",
)
async def trigger(
    asked: Invocation,
    name: Name,
    *,
    at: Annotated[
        str | None, typer.Option(metavar="MOMENT", help="For this moment of its, which is over.")
    ] = None,
) -> None:
    """Make one job of it now, beside its moments."""
    async with asked.without_app().connected() as ob:
        now = await ob.schedules.now(await ob.schedules.find(name))
        moment = inputs.moment("at", at, now)
        job = await (await ob.schedules.trigger(name, at=moment, by=asked.who)).show()
        told = f"{job.id} {job.state} in queue {job.queue}"
        asked.out.show({"job": job_data(job)}, lambda: [told])
        await note_nobody(asked, ob, job.id)


@command(schedules, "rm", "onbeat schedules rm acme-report")
async def rm(asked: Invocation, name: Name) -> None:
    """Remove a schedule; its jobs stay."""
    async with asked.without_app().connected() as ob:
        schedule = await ob.schedules.find(name)
        await ob.schedules.remove(name)
    note_code(asked, schedule, "adds it again")
    asked.out.show({"removed": name}, lambda: [f"{name} is removed"])
