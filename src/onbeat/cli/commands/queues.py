"""`onbeat queues`: see, pause and resume them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from onbeat.app.facts.queues import load_data, queue_data
from onbeat.cli.command import command, noun
from onbeat.cli.invocation import Invocation
from onbeat.cli.views import queues as view
from onbeat.domain.errors import NotFound
from onbeat.domain.queues import Queue

queues = noun("See what stands in each queue; pause and resume them.")

Name = Annotated[str, typer.Argument(metavar="QUEUE", help="The queue's name.")]


@command(queues, "ls", "onbeat queues ls")
async def ls(asked: Invocation) -> None:
    """List queues with what stands in each, and which are paused."""
    async with asked.without_app().connected() as ob:
        found = await ob.queues.list()
    answer = {"queues": [queue_data(each) for each in found]}
    rows = view.queue_rows(found, datetime.now(UTC))
    asked.out.show(answer, lambda: asked.out.table(view.COLUMNS, rows))
    if not found and not asked.json:
        asked.out.note("no queues: nothing waits, and none was ever paused")


@command(queues, "load", "onbeat queues load", "onbeat queues load billing --within 30s --json")
async def load(
    asked: Invocation,
    queue: Annotated[
        str | None, typer.Argument(metavar="QUEUE", help="The queue's name; all where none is.")
    ] = None,
    *,
    within: Annotated[
        str, typer.Option(metavar="TIME", help="By when all that waits is to have begun.")
    ] = "1m",
) -> None:
    """Tell how many workers each queue needs: what an autoscaler asks.

    Exits 3 where nobody knows the queue that is named: nothing waits there, nor ever did.
    """
    async with asked.without_app().connected() as ob:
        found = await ob.queues.loads(queue, within=within)
        doubts = () if queue is None else await ob.queues.doubts(queue)
    answer = {"loads": [load_data(each, doubts) for each in found]}
    asked.out.show(answer, lambda: asked.out.table(view.LOAD_COLUMNS, view.load_rows(found)))
    if not found and not asked.json:
        asked.out.note("no queues: nothing waits, and none was ever paused")
    for doubt in doubts:
        asked.out.note(doubt)
    if doubts:
        raise typer.Exit(NotFound.exit_code)


@command(queues, "pause", "onbeat queues pause billing")
async def pause(asked: Invocation, queue: Name) -> None:
    """Let no more of its jobs be claimed; running ones go on."""
    async with asked.without_app().connected() as ob:
        for warning in await ob.queues.warnings(queue):
            asked.out.note(warning)
        await ob.queues.pause(queue, asked.who)
        found = await ob.queues.find(queue)
    _show(asked, found, f"{queue} is paused")


@command(queues, "resume", "onbeat queues resume billing")
async def resume(asked: Invocation, queue: Name) -> None:
    """Let its jobs be claimed again."""
    async with asked.without_app().connected() as ob:
        before = await ob.queues.find(queue)
        await ob.queues.resume(queue)
        found = await ob.queues.find(queue)
    was_paused = before.paused_at is not None
    _show(asked, found, f"{queue} goes on" if was_paused else f"{queue} was not paused")


def _show(asked: Invocation, found: Queue, told: str) -> None:
    asked.out.show({"queue": queue_data(found)}, lambda: [told])
