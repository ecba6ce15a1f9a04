"""`onbeat jobs ls` and `counts`: which jobs there are, and how many."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from onbeat.app.facts.jobs import counts_data, page_data
from onbeat.app.reading.places import places
from onbeat.cli import inputs
from onbeat.cli.command import command
from onbeat.cli.commands.jobs import jobs
from onbeat.cli.invocation import Invocation
from onbeat.cli.output.tables import Column
from onbeat.cli.views import jobs as view
from onbeat.domain.job_cursors import Sort
from onbeat.domain.job_filters import JobFilter, JobPage
from onbeat.domain.states import State


@command(
    jobs,
    "ls",
    "onbeat jobs ls --state failed --task charge",
    "onbeat jobs ls --tag vip --owner u-17 --arg customer.id=42",
    "onbeat jobs ls --limit 20 --json",
)
async def ls(
    asked: Invocation,
    *,
    state: Annotated[
        list[State] | None, typer.Option(metavar="STATE", help=f"Only those: {', '.join(State)}.")
    ] = None,
    task: Annotated[
        list[str] | None, typer.Option(metavar="TASK", help="Only jobs of this task.")
    ] = None,
    queue: Annotated[
        list[str] | None, typer.Option(metavar="QUEUE", help="Only jobs in this queue.")
    ] = None,
    schedule: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only jobs this schedule made.")
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option(metavar="TAG", help="Only jobs with this tag.")
    ] = None,
    owner: Annotated[
        list[str] | None, typer.Option(metavar="OWNER", help="Only jobs of this owner.")
    ] = None,
    region: Annotated[
        list[str] | None, typer.Option(metavar="REGION", help="Only jobs sent to this region.")
    ] = None,
    identity: Annotated[
        str | None, typer.Option("--id", metavar="DIGITS", help="Only ids that begin so.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="MOMENT", help="Only what was asked for then or later.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="MOMENT", help="Only what was asked for then or before.")
    ] = None,
    ended_since: Annotated[
        str | None, typer.Option(metavar="MOMENT", help="Only what ended then or later.")
    ] = None,
    ended_until: Annotated[
        str | None, typer.Option(metavar="MOMENT", help="Only what ended then or before.")
    ] = None,
    error: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Only those whose reason holds this.")
    ] = None,
    arg: Annotated[
        list[str] | None,
        typer.Option(metavar="PATH=JSON", help="Only with this at a place of their arguments."),
    ] = None,
    sort: Annotated[
        Sort, typer.Option(metavar="ORDER", help=f"One of {', '.join(Sort)}.")
    ] = Sort.NEWEST,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=1000, help="How many.")] = 20,
    after: Annotated[
        str | None, typer.Option(metavar="CURSOR", help="The page after: what a page said.")
    ] = None,
    before: Annotated[str | None, typer.Option(metavar="CURSOR", help="The page before.")] = None,
) -> None:
    """List jobs, the newest first.

    Options that say which may be given again: one value of each is enough."""
    async with asked.without_app().connected() as ob:
        made_by = [(await ob.schedules.find(name)).id for name in schedule or ()]
        wanted = JobFilter(
            state=state, task=task, queue=queue, schedule=made_by, tag=tag, owner=owner,
            region=region, id=identity, created_since=inputs.moment("since", since),
            created_until=inputs.moment("until", until),
            finished_since=inputs.moment("ended_since", ended_since),
            finished_until=inputs.moment("ended_until", ended_until), error=error,
            args=places(arg or ()), sort=sort, limit=limit, after=after, before=before,
        )  # fmt: skip
        page = await ob.jobs.page(wanted)
    rows = view.job_rows(page.jobs, datetime.now(UTC))
    asked.out.show(page_data(page), lambda: asked.out.table(view.COLUMNS, rows))
    if not asked.json:
        _remark(asked, page)


def _remark(asked: Invocation, page: JobPage) -> None:
    if page.is_cut:
        asked.out.note("very many jobs that do not fit were looked at; to go on behind them: "
                       f"--{'before' if page.after is None else 'after'} "
                       f"{page.before if page.after is None else page.after}")  # fmt: skip
    elif not page.jobs:
        asked.out.note("no such jobs")
    elif page.after is not None:
        asked.out.note(f"there are more: add --after {page.after}")


COUNT_COLUMNS = (Column("STATE"), Column("JOBS", right=True))


@command(jobs, "counts", "onbeat jobs counts")
async def counts(asked: Invocation) -> None:
    """Say how many jobs are in each state; above 10,000, that there are at least so many."""
    async with asked.without_app().connected() as ob:
        found = await ob.jobs.counts()
    rows = [[state, str(count)] for state, count in found.items()]
    asked.out.show({"counts": counts_data(found)}, lambda: asked.out.table(COUNT_COLUMNS, rows))
