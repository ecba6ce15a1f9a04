"""`onbeat limits`: see what is limited, and change it while everything runs."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

import typer

from onbeat.app.facts.limits import limit_data, slot_data
from onbeat.cli.command import command, noun
from onbeat.cli.invocation import Invocation
from onbeat.cli.output.words import many
from onbeat.cli.views import limits as view
from onbeat.domain.errors import NotFound
from onbeat.domain.limits import UNBOUND

limits = noun("See what is limited, and change it while everything runs.")

Name = Annotated[
    str, typer.Argument(metavar="LIMIT", help="The limit's name; queue/NAME for a whole queue.")
]


@command(limits, "ls", "onbeat limits ls")
async def ls(asked: Invocation) -> None:
    """List limits, with how many jobs hold them and wait for them."""
    async with asked.without_app().connected() as ob:
        found = await ob.limits.list()
    answer = {"limits": [limit_data(each) for each in found]}
    asked.out.show(answer, lambda: asked.out.table(view.COLUMNS, view.rows(found)))
    if not found and not asked.json:
        asked.out.note("no limits; code declares them, `onbeat limits set queue/NAME` makes one")


@command(limits, "show", "onbeat limits show calls")
async def show(asked: Invocation, limit: Name) -> None:
    """Show one limit, and its slots that jobs hold or wait for."""
    async with asked.without_app().connected() as ob:
        found = await ob.limits.find(limit)
        slots = await ob.limits.slots(limit)
    answer = {
        "limit": limit_data(found), "slots": [slot_data(each) for each in slots]
    }  # fmt: skip
    asked.out.show(answer, lambda: view.page(asked.out, found, slots))


@command(
    limits,
    "set",
    "onbeat limits set calls --concurrency 5",
    "onbeat limits set queue/billing --rate 100/min --burst 20",
)
async def set_limit(
    asked: Invocation,
    limit: Name,
    *,
    concurrency: Annotated[
        int | None, typer.Option(metavar="N", help="So many of its jobs run at once.")
    ] = None,
    rate: Annotated[
        str | None, typer.Option(metavar="N/TIME", help="So many begin in a time, as 100/min.")
    ] = None,
    burst: Annotated[
        int | None,
        typer.Option(metavar="N", help="So many begin at once after a rest; as the rate's N."),
    ] = None,
) -> None:
    """Let a limit allow this from now on, and nothing else.

    A deploy does not undo it; `onbeat limits reset` does. What it had and is not given again is
    told."""
    before = UNBOUND
    async with asked.without_app().connected() as ob:
        with suppress(NotFound):
            before = (await ob.limits.find(limit)).bounds
        found = await ob.limits.set(
            limit, asked.who, concurrency=concurrency, rate=rate, burst=burst
        )
    answer = {"limit": limit_data(found)}
    asked.out.show(answer, lambda: [f"{limit} allows {view.bounds_text(found.bounds)}"])
    if gone := view.gone(before, found.bounds):
        asked.out.note(f"{limit} had {' '.join(gone)} before; give it too to keep it")


@command(limits, "reset", "onbeat limits reset calls")
async def reset(asked: Invocation, limit: Name) -> None:
    """Let a limit be as the code says again; one that no code has is removed."""
    async with asked.without_app().connected() as ob:
        before = await ob.limits.find(limit)
        found = await ob.limits.reset(limit, asked.who)
    if found is None:
        waited = many(before.waiting, "job") if before.waiting else "no job"
        told = f"{limit} is removed: no code declares it; {waited} waited for it"
        asked.out.show({"removed": limit}, lambda: [told])
        return
    answer = {"limit": limit_data(found)}
    asked.out.show(answer, lambda: [f"{limit} allows {view.bounds_text(found.bounds)} again"])
