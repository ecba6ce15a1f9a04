"""`onbeat schedules backfill`: the jobs of moments that are over, after all or again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from onbeat.app.facts.backfills import backfill_data, gaps_data
from onbeat.app.facts.moments import absolute
from onbeat.cli import inputs
from onbeat.cli.command import command
from onbeat.cli.commands.schedules import Name, Priority, Why, schedules
from onbeat.cli.invocation import Invocation
from onbeat.cli.output.words import many
from onbeat.cli.views import backfills as view
from onbeat.domain.backfills import MOST_AT_ONCE, Gaps
from onbeat.domain.errors import InvalidInput


@command(
    schedules,
    "backfill",
    "onbeat schedules backfill acme --from 2027-01-04T08:00Z --to now --dry-run",
    "onbeat schedules backfill acme --from 2027-01-04T08:00Z --to now --at-once 5",
)
async def backfill(
    asked: Invocation,
    name: Name,
    *,
    begin: Annotated[str, typer.Option("--from", metavar="MOMENT", help="From then on, included.")],
    to: Annotated[str, typer.Option(metavar="MOMENT", help="Until then, included.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would do.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Also moments that had a job.")] = False,
    at_once: Annotated[
        int, typer.Option(metavar="N", min=1, max=MOST_AT_ONCE, help="So many open at one time.")
    ] = 1,
    priority: Priority = None,
    why: Why = None,
) -> None:
    """Make the jobs of moments that are over and have had none.

    A scheduler makes them, the oldest first, beside the schedule's own jobs."""
    async with asked.without_app().connected() as ob:
        now = await ob.schedules.now(await ob.schedules.find(name))
        first, last = _moment("from", begin, now), _moment("to", to, now)
        if dry_run:
            gaps = await ob.backfills.plan(name, first, last, again=again)
            asked.out.show(gaps_data(gaps), lambda: _told(name, gaps))
            return
        made = await ob.backfills.begin(
            name, first, last, again=again, at_once=at_once, priority=priority, by=asked.who,
            why=why,
        )  # fmt: skip
    told = f"backfill {made.id}: {many(made.total, 'job')} of {name}, {made.at_once} at one time"
    asked.out.show({"backfill": backfill_data(made)}, lambda: [told])
    if not asked.json:
        asked.out.note("schedulers make them: onbeat schedules backfills shows how far it has come")


def _moment(field: str, text: str, now: datetime) -> datetime:
    moment = inputs.moment(field, text, now)
    if moment is None:
        raise InvalidInput(field, "give a moment, as 2027-01-04T08:00Z")
    return moment


def _told(name: str, gaps: Gaps) -> list[str]:
    have = "has" if gaps.passed == 1 else "have"
    left = f"; {many(gaps.passed, 'moment')} {have} had a job: --again runs them too"
    said = f"{name}: {many(len(gaps.moments), 'job')} would be made"
    if gaps.moments:
        said += f", for {absolute(gaps.moments[0])} to {absolute(gaps.moments[-1])}"
    return [said + (left if gaps.passed else "")]


@command(schedules, "backfills", "onbeat schedules backfills", "onbeat schedules backfills acme")
async def backfills(
    asked: Invocation,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Only those of this schedule.")
    ] = None,
    *,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=1_000, help="How many.")] = 20,
) -> None:
    """List backfills and how far they have come.

    The newest are first."""
    async with asked.without_app().connected() as ob:
        found = await ob.backfills.list(name, limit=limit)
    answer = {"backfills": [backfill_data(each) for each in found]}
    asked.out.show(answer, lambda: asked.out.table(view.COLUMNS, view.backfill_rows(found)))
    if not found and not asked.json:
        asked.out.note("no backfills")


@command(
    schedules, "stop-backfill", "onbeat schedules stop-backfill 019dbe6a1f2c70008000000000000001"
)
async def stop_backfill(
    asked: Invocation,
    backfill: Annotated[str, typer.Argument(metavar="ID", help="The backfill's id.")],
) -> None:
    """Make no more jobs of a backfill.

    Those that were made go on."""
    async with asked.without_app().connected() as ob:
        stopped = await ob.backfills.stop(backfill, by=asked.who)
    told = f"{stopped.id} has ended: {stopped.made:,} of {many(stopped.total, 'job')} were made"
    asked.out.show({"backfill": backfill_data(stopped)}, lambda: [told])
