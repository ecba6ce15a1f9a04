"""How tasks, schedules and queues fare: a command of each of these nouns."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from onbeat.app.facts.health import health_data, window_data
from onbeat.cli import inputs
from onbeat.cli.command import command
from onbeat.cli.commands.queues import queues
from onbeat.cli.commands.schedules import schedules
from onbeat.cli.commands.tasks import tasks
from onbeat.cli.invocation import Invocation
from onbeat.cli.views import health as view
from onbeat.domain.health import Kind

Name = Annotated[str | None, typer.Argument(metavar="NAME", help="One alone.")]
Window = Annotated[str | None, typer.Option(metavar="TIME", help="How far back figures go (24h).")]


@command(tasks, "health", "onbeat tasks health", "onbeat tasks health send_report --window 7d")
async def of_tasks(asked: Invocation, name: Name = None, *, window: Window = None) -> None:
    """Say how each task fares: its last success, failures in a row, figures of a window.

    All ends are counted, those of the last 20 seconds not yet; percentiles are within 2 %.
    """
    await _show(asked, Kind.TASK, name, window)


@command(schedules, "health", "onbeat schedules health", "onbeat schedules health nightly")
async def of_schedules(asked: Invocation, name: Name = None, *, window: Window = None) -> None:
    """Say how the jobs of each schedule fare, as `tasks health` does."""
    await _show(asked, Kind.SCHEDULE, name, window)


@command(queues, "health", "onbeat queues health", "onbeat queues health billing --window 1h")
async def of_queues(asked: Invocation, name: Name = None, *, window: Window = None) -> None:
    """Say how the jobs of each queue fare, as `tasks health` does."""
    await _show(asked, Kind.QUEUE, name, window)


async def _show(asked: Invocation, kind: Kind, name: str | None, window: str | None) -> None:
    async with asked.without_app().connected() as ob:
        found = await ob.history.health(
            kind, window=inputs.duration("window", window), only=name, limit=view.MOST
        )
        budgets = await ob.objectives.of(kind, [each.name or "" for each in found.rows])
    listed = [(each, budgets[each.name or ""]) for each in found.rows]
    answer = window_data(found) | {"health": [health_data(*each) for each in listed]}
    rows = view.rows(listed, datetime.now(UTC))
    asked.out.show(answer, lambda: asked.out.table(view.COLUMNS, rows))
    if asked.json:
        return
    if not found.rows:
        asked.out.note("nothing has ended yet, or within the last 20 seconds; a scheduler, a "
                       "worker or an API must run to count it")  # fmt: skip
    elif len(found.rows) == view.MOST:
        asked.out.note(f"only the first {view.MOST:,} are shown; give a NAME")
