"""`onbeat objectives`: how well tasks, schedules and queues are to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from onbeat.app.facts.objectives import budget_data
from onbeat.cli import inputs
from onbeat.cli.command import command, noun
from onbeat.cli.invocation import Invocation
from onbeat.cli.views import reports as view
from onbeat.domain.objectives import Budget

objectives = noun("See and set how well tasks, schedules and queues are to do.")

Whose = Annotated[
    str,
    typer.Argument(metavar="SUBJECT", help="Whose: task/NAME, schedule/NAME or queue/NAME."),
]


@command(objectives, "ls", "onbeat objectives ls")
async def ls(asked: Invocation) -> None:
    """List objectives, and what is left of their budgets; 99% over 30 days holds for all others."""
    async with asked.without_app().connected() as ob:
        found = await ob.objectives.list()
    rows = view.budget_rows(found)
    answer = {"objectives": [budget_data(each) for each in found]}
    asked.out.show(answer, lambda: asked.out.table(view.BUDGETS, rows))
    if not found and not asked.json:
        asked.out.note("no objective of its own for any task, schedule or queue; "
                       "`onbeat objectives set` gives it one")  # fmt: skip


@command(objectives, "show", "onbeat objectives show task/send")
async def show(asked: Invocation, subject: Whose) -> None:
    """Show what holds for one, and what is left: the default where nobody set anything."""
    async with asked.without_app().connected() as ob:
        _show(asked, await ob.objectives.find(subject))


@command(objectives, "set", "onbeat objectives set task/charge 99.9%",
         "onbeat objectives set queue/mail 95% --window 7d")  # fmt: skip
async def set_objective(
    asked: Invocation,
    subject: Whose,
    target: Annotated[
        str, typer.Argument(metavar="TARGET", help="Which part is to complete: 99.9% or 0.999.")
    ],
    *,
    window: Annotated[str | None, typer.Option(metavar="TIME", help="Over how long (30d).")] = None,
) -> None:
    """Let such a part of a subject's jobs complete; what may fail then is its budget."""
    async with asked.without_app().connected() as ob:
        length = inputs.duration("window", window)
        found = await ob.objectives.set(subject, target, asked.who, window=length)
        _show(asked, found, await ob.objectives.warnings(subject))


@command(objectives, "rm", "onbeat objectives rm task/charge")
async def rm(asked: Invocation, subject: Whose) -> None:
    """Take a subject's objective away; the default holds, or what code says from its next start."""
    async with asked.without_app().connected() as ob:
        await ob.objectives.remove(subject)
    asked.out.show({"removed": subject}, lambda: [f"{subject} has no objective of its own"])


def _show(asked: Invocation, found: Budget, warnings: Sequence[str] = ()) -> None:
    rows = view.budget_rows([found])
    answer = {"objective": budget_data(found, warnings)}
    asked.out.show(answer, lambda: asked.out.table(view.BUDGETS, rows))
    for warning in warnings:
        asked.out.note(warning)
