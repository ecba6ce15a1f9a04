"""`onbeat stats`: what came of jobs, and how long they took."""

from __future__ import annotations

from typing import Annotated

import typer

from onbeat.app.facts.stats import stats_data
from onbeat.cli import inputs
from onbeat.cli.command import command, standing_alone
from onbeat.cli.invocation import Invocation
from onbeat.cli.views import stats as view
from onbeat.domain.stats import GroupedBy

stats = standing_alone()


@command(stats, "stats", "onbeat stats", "onbeat stats --by queue --window 7d")
async def show(
    asked: Invocation,
    *,
    by: Annotated[
        GroupedBy, typer.Option(metavar="WHAT", help=f"One of {', '.join(GroupedBy)}.")
    ] = GroupedBy.TASK,
    window: Annotated[
        str | None, typer.Option(metavar="TIME", help="What ended in the last so long (24h).")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="MOMENT", help="What ended then or later.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="MOMENT", help="What ended then or before.")
    ] = None,
    task: Annotated[str | None, typer.Option(metavar="TASK", help="Of one task alone.")] = None,
) -> None:
    """Say what came of jobs that ended lately, how long they took, and how many are open now.

    It looks at the newest 2,000 ends, and says where there are more.
    """
    async with asked.without_app().connected() as ob:
        found = await ob.history.stats(
            by=by, window=inputs.duration("window", window), since=inputs.moment("since", since),
            until=inputs.moment("until", until), task=task,
        )  # fmt: skip
    asked.out.show(stats_data(found), lambda: asked.out.table(view.COLUMNS, view.rows(found)))
    if not found.is_exact and not asked.json:
        asked.out.note(f"of what ended only the newest {found.looked_at:,} were looked at; for "
                       "all, give a shorter --window, or a --task")  # fmt: skip
