"""`onbeat jobs ls`, `export` and `counts`: which jobs there are, and how many."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

import typer

from onbeat.app.exports import Format, export_jobs
from onbeat.app.facts.jobs import counts_data, page_data
from onbeat.cli.command import command
from onbeat.cli.commands.jobs import jobs
from onbeat.cli.inputs import Wished
from onbeat.cli.invocation import Invocation
from onbeat.cli.output.tables import Column
from onbeat.cli.views import jobs as view
from onbeat.cli.which import Which
from onbeat.domain.job_filters import JobPage


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
    which: Which,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=1000, help="How many.")] = 20,
    after: Annotated[
        str | None, typer.Option(metavar="CURSOR", help="The page after: what a page said.")
    ] = None,
    before: Annotated[str | None, typer.Option(metavar="CURSOR", help="The page before.")] = None,
) -> None:
    """List jobs, the newest first.

    Options that say which may be given again: one value of each is enough."""
    async with asked.without_app().connected() as ob:
        wanted = replace(await which.filter(ob), limit=limit, after=after, before=before)
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


@command(
    jobs,
    "export",
    "onbeat jobs export --state failed --since 2026-11-01 > failed.csv",
    "onbeat jobs export --format ndjson | jq .task",
)
async def export(asked: Invocation, *, which: Which, form: Wished = Format.CSV) -> None:
    """Write all jobs that fit, as CSV or as JSON, one a line.

    In CSV a text that begins like a formula has a ' before it; NDJSON is exact."""
    async with asked.without_app().connected() as ob:
        wanted = await which.filter(ob)
        async for piece in export_jobs(
            ob, wanted, Format.NDJSON if asked.json else form, with_args=True
        ):
            asked.out.piece(piece)


COUNT_COLUMNS = (Column("STATE"), Column("JOBS", right=True))


@command(jobs, "counts", "onbeat jobs counts")
async def counts(asked: Invocation) -> None:
    """Say how many jobs are in each state; above 10,000, that there are at least so many."""
    async with asked.without_app().connected() as ob:
        found = await ob.jobs.counts()
    rows = [[state, str(count)] for state, count in found.items()]
    asked.out.show({"counts": counts_data(found)}, lambda: asked.out.table(COUNT_COLUMNS, rows))
