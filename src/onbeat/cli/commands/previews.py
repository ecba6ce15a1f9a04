"""`onbeat schedules preview`: when a rule, or a schedule that is stored, would be due."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from typing import Annotated

import typer

from onbeat.app.facts.schedules import preview_data
from onbeat.app.reading.previews import preview_of_rule, preview_of_schedule
from onbeat.app.reading.when import kept_to_workdays
from onbeat.cli import inputs
from onbeat.cli.command import command
from onbeat.cli.commands.schedules import Otherwise, Workdays, schedules
from onbeat.cli.invocation import Invocation
from onbeat.cli.views import schedules as view
from onbeat.cli.when import When
from onbeat.domain.errors import InvalidInput
from onbeat.domain.recurrence import Recurrence
from onbeat.domain.recurrence.zones import known_zone, zone_info


@command(
    schedules,
    "preview",
    "onbeat schedules preview acme-report --count 3",
    'onbeat schedules preview --cron "30 2 * * *" --tz Europe/Paris --count 3',
    "onbeat schedules preview --every 15m --from 2027-03-27T00:00:00Z --json",
    "onbeat schedules preview --cron '0 9 * * *' --cron '0 12 * * sat'",
)
async def preview(
    asked: Invocation,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="A schedule; or else say when.")
    ] = None,
    *,
    when: When,
    start: Annotated[
        str, typer.Option("--from", metavar="MOMENT", help="Moments from this one on, included.")
    ] = "now",
    count: Annotated[
        int, typer.Option(metavar="N", min=1, max=10_000, help="How many moments.")
    ] = 10,
    on_workdays: Workdays = None,
    otherwise: Otherwise = None,
) -> None:
    """Show when a schedule, or a rule, would be due.

    A schedule is taken with its start, end, limit and clock. A rule needs no database, but for
    --workdays."""
    if name is None:
        recurrence = await _rule(asked, when, on_workdays, otherwise)
        now = datetime.now(UTC)
        seen = preview_of_rule(
            recurrence, when, begin=inputs.moment("from", start, now) or now, now=now, count=count
        )
    else:
        _refuse_rule(when, on_workdays, otherwise)
        begin = None if start == "now" else inputs.moment("from", start)
        async with asked.without_app().connected() as ob:
            seen = await preview_of_schedule(ob, name, begin=begin, count=count)
    zone = zone_info(known_zone(seen.recurrence.zone if when.tz is None else when.tz))
    asked.out.show(preview_data(seen, zone), lambda: view.preview_page(seen, zone, asked.out.width))


def _refuse_rule(when: When, on_workdays: str | None, otherwise: str | None) -> None:
    """Refuse what says when beside a name: it is the schedule's own rule that is previewed."""
    given = {each.name: getattr(when, each.name) for each in fields(when)}
    given |= {"workdays": on_workdays, "otherwise": otherwise}
    for option, value in given.items():
        if value is not None and option != "tz":
            raise InvalidInput(option, "a schedule has its own rule; give its name, or a rule")


async def _rule(
    asked: Invocation, when: When, on_workdays: str | None, otherwise: str | None
) -> Recurrence:
    recurrence = when.recurrence()
    if on_workdays is None and otherwise is None:
        return recurrence
    async with asked.without_app().connected() as ob:
        return await kept_to_workdays(ob, recurrence, on_workdays, otherwise)
