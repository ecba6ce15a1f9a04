"""How workflows are shown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.text import Text

from onbeat.cli.output.colours import QUIET, of_state
from onbeat.cli.output.tables import Cell, Column
from onbeat.cli.output.words import many, since
from onbeat.domain.states import State
from onbeat.domain.workflows import MOST_NAMED, On, Workflow, WorkflowJob

COLUMNS = (
    Column("WORKFLOW"),
    Column("NAME", bends=True),
    Column("STATE"),
    Column("ENDED"),
    Column("FAILED", right=True),
    Column("CANCELLED", right=True),
    Column("STARTED", spare=True),
)


def rows(workflows: Sequence[Workflow], now: datetime) -> list[list[Cell]]:
    """A row for each workflow."""
    return [
        [
            each.id, each.name, each.state, f"{each.ended:,} of {each.total:,}",
            f"{each.failed:,}", f"{each.cancelled:,}", since(each.created_at, now),
        ]
        for each in workflows
    ]  # fmt: skip


def page(
    workflow: Workflow, jobs: Sequence[WorkflowJob], now: datetime, limit: int
) -> list[str | Text]:
    """One workflow as a tree."""
    lines: list[str | Text] = [
        f"{workflow.name} {workflow.state}: {_ended(workflow)}, "
        f"started {since(workflow.created_at, now)}",
        "",
    ]
    places = list(_places(jobs))
    shown = places[:limit]
    width = max(len(bar) + len(job.label) for bar, job, _ in shown)
    lines += [_line(bar, job, also, width) for bar, job, also in shown]
    if len(places) > limit:
        lines += _unhappy([job for _, job, _ in places[limit:]])
        lines.append(f"and {many(len(places) - limit, 'job')} more: --limit, or --json for all")
    return lines


def _ended(workflow: Workflow) -> str:
    said = [f"{workflow.ended:,} of {many(workflow.total, 'job')} ended"]
    said += [f"{workflow.failed:,} failed"] if workflow.failed else []
    said += [f"{workflow.cancelled:,} cancelled"] if workflow.cancelled else []
    return ", ".join(said)


def _unhappy(hidden: Sequence[WorkflowJob]) -> Iterator[str]:
    """Which jobs did not succeed that a tree has no room for, those first that failed."""
    found = [
        job for state in (State.FAILED, State.CANCELLED) for job in hidden if job.state is state
    ]
    if found:
        named = ", ".join(f"{job.label} {job.state} ({job.id})" for job in found[:MOST_NAMED])
        more = len(found) - MOST_NAMED
        yield f"not shown: {named}" + (f" and {more:,} more" if more > 0 else "")


def _line(bar: str, job: WorkflowJob, also: str, width: int) -> Text:
    line = Text(f"{bar}{job.label}".ljust(width + 2))
    line.append_text(of_state(job.state))
    if also:
        line.append(f"  {also}", QUIET)
    return line


def _places(jobs: Sequence[WorkflowJob]) -> Iterator[tuple[str, WorkflowJob, str]]:
    """Every job once, under the first of its parents; with what stands before it, and the others.

    A job alone under its parent stands right below it: a chain of a hundred goes straight down.
    """
    children: defaultdict[str | None, list[WorkflowJob]] = defaultdict(list)
    for job in jobs:
        children[next(iter(job.parents), None)].append(job)
    stack = [(job, "", "") for job in reversed(children[None])]
    while stack:
        job, bar, indent = stack.pop()
        yield bar, job, _also(job)
        below = children[job.label]
        for job_below in reversed(below):
            if len(below) == 1:
                stack.append((job_below, f"{indent}↓ ", indent))
            else:
                is_last = job_below is below[-1]
                bar, deeper = ("└─ ", "   ") if is_last else ("├─ ", "│  ")
                stack.append((job_below, indent + bar, indent + deeper))


def _also(job: WorkflowJob) -> str:
    """What a job waits for beside the success of the parent it stands under."""
    first, *others = job.parents or {"": On.SUCCESS}
    said = ["after any end"] if job.parents.get(first) is On.END else []
    if others:
        named = ", ".join(_marked(each, job.parents[each]) for each in others[:MOST_NAMED])
        more = len(others) - MOST_NAMED
        said.append(f"also after {named}" + (f" and {more:,} more" if more > 0 else ""))
    return ", ".join(said)


def _marked(label: str, on: On) -> str:
    return f"{label} (any end)" if on is On.END else label
