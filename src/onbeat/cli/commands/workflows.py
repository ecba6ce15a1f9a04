"""`onbeat workflows`: see how far they have come, what waits for what, and call them off."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer
from rich.text import Text

from onbeat.app.facts.workflows import job_data, workflow_data
from onbeat.cli.command import command, noun
from onbeat.cli.invocation import Invocation
from onbeat.cli.output.words import many
from onbeat.cli.views import graphs
from onbeat.cli.views import workflows as view
from onbeat.domain.workflows import Workflow, WorkflowJob

workflows = noun("See which jobs wait for which, how far they have come, and call them off.")

AnId = Annotated[str, typer.Argument(metavar="WORKFLOW", help="Its id, as `ls` shows it.")]


class Format(StrEnum):
    """How a graph is written."""

    TREE = "tree"
    MERMAID = "mermaid"
    DOT = "dot"


@command(workflows, "ls", "onbeat workflows ls --name nightly")
async def ls(
    asked: Invocation,
    *,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Only those named so.")] = None,
    limit: Annotated[
        int, typer.Option(metavar="N", min=1, max=1_000, help="So many, the newest first.")
    ] = 50,
) -> None:
    """List workflows, with how far they have come."""
    async with asked.without_app().connected() as ob:
        found = await ob.workflows.list(name, limit=limit)
    answer = {"workflows": [workflow_data(each) for each in found]}
    asked.out.show(answer, lambda: asked.out.table(view.COLUMNS, view.rows(found, _now())))
    if not found and not asked.json:
        asked.out.note("no workflows; code starts them: async with ob.workflow(…) as flow")


@command(
    workflows,
    "show",
    "onbeat workflows show 0198c5a0b7d27c3e8f1d2a3b4c5d6e7f",
    "onbeat workflows show 0198c5a0b7d27c3e8f1d2a3b4c5d6e7f --format mermaid",
)
async def show(
    asked: Invocation,
    workflow: AnId,
    *,
    form: Annotated[
        Format, typer.Option("--format", help="A tree for people, or a graph for other programs.")
    ] = Format.TREE,
    limit: Annotated[
        int, typer.Option(metavar="N", min=1, help="So many jobs of a tree at most.")
    ] = 200,
) -> None:
    """Show a workflow: every job under the one it waits for, with its state.

    A job that waits for several stands under the first, with the others named. An arrow leads from
    a job to the only one under it."""
    async with asked.without_app().connected() as ob:
        found = await ob.workflows.find(workflow)
        jobs = await ob.workflows.graph(workflow)
    answer = {"workflow": workflow_data(found), "jobs": [job_data(each) for each in jobs]}
    asked.out.show(answer, lambda: _drawn(found, jobs, form, limit))


def _drawn(
    found: Workflow, jobs: Sequence[WorkflowJob], form: Format, limit: int
) -> Sequence[str | Text]:
    match form:
        case Format.MERMAID:
            return graphs.mermaid(jobs)
        case Format.DOT:
            return graphs.dot(found.name, jobs)
        case _:
            return view.page(found, jobs, _now(), limit)


@command(
    workflows, "cancel", 'onbeat workflows cancel 0198c5a0b7d27c3e8f1d2a3b4c5d6e7f --reason "wrong"'
)
async def cancel(
    asked: Invocation,
    workflow: AnId,
    *,
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="Why, for the record.")] = None,
) -> None:
    """Call off all of its jobs that wait; ask those that run to stop."""
    async with asked.without_app().connected() as ob:
        gone, stopped = await ob.workflows.cancel(workflow, reason or f"cancelled by {asked.who}")
    told = f"{many(gone, 'job')} cancelled"
    told += f"; {many(stopped, 'job')} asked to stop" if stopped else ""
    asked.out.show({"cancelled": gone, "asked_to_stop": stopped}, lambda: [told])


def _now() -> datetime:
    return datetime.now(UTC)
