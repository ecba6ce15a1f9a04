"""`onbeat queues`: see, pause and resume them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from onbeat.app.facts.queues import queue_data
from onbeat.app.onbeat import Onbeat
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


@command(queues, "pause", "onbeat queues pause billing")
async def pause(asked: Invocation, queue: Name) -> None:
    """Let no more of its jobs be claimed; running ones go on."""
    async with asked.without_app().connected() as ob:
        if await _find(ob, queue) is None:
            asked.out.note(f"nothing stands in {queue} yet: check its spelling")
        await ob.queues.pause(queue, asked.who)
        found = await _find(ob, queue)
    _show(asked, found, f"{queue} is paused")


@command(queues, "resume", "onbeat queues resume billing")
async def resume(asked: Invocation, queue: Name) -> None:
    """Let its jobs be claimed again."""
    async with asked.without_app().connected() as ob:
        before = await _find(ob, queue)
        if before is None:
            raise NotFound(f"no queue named {queue!r}; `onbeat queues ls` lists them")
        await ob.queues.resume(queue)
        found = await _find(ob, queue)
    was_paused = before.paused_at is not None
    _show(asked, found, f"{queue} goes on" if was_paused else f"{queue} was not paused")


async def _find(ob: Onbeat, name: str) -> Queue | None:
    return next((each for each in await ob.queues.list() if each.name == name), None)


def _show(asked: Invocation, found: Queue | None, told: str) -> None:
    answer = {"queue": None if found is None else queue_data(found)}
    asked.out.show(answer, lambda: [told])
