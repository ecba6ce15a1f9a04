"""`onbeat regions`: how each region is, and where its jobs go."""

from __future__ import annotations

from datetime import UTC, datetime

from onbeat.app.facts.regions import region_data
from onbeat.cli.command import command, noun
from onbeat.cli.invocation import Invocation
from onbeat.cli.views import regions as view

regions = noun("See how each region is, and where its jobs go.")


@command(regions, "ls", "onbeat regions ls")
async def ls(asked: Invocation) -> None:
    """List regions: who works there, what waits, and where a job that is wanted there goes now."""
    async with asked.without_app().connected() as ob:
        found = await ob.regions.list()
    answer = {"regions": [region_data(each) for each in found]}
    now = datetime.now(UTC)
    asked.out.show(answer, lambda: asked.out.table(view.COLUMNS, view.rows(found, now)))
    if not found and not asked.json:
        asked.out.note("no regions; Onbeat(regions=…) or ONBEAT_REGIONS names them, and a worker "
                       "or scheduler that starts brings them here")  # fmt: skip
