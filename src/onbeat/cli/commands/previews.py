"""`onbeat schedules preview`: when a rule, or a schedule that is stored, would be due."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated

import typer

from onbeat.app.facts.schedules import Preview, preview_data
from onbeat.cli import inputs
from onbeat.cli.command import command
from onbeat.cli.commands.schedules import Otherwise, Workdays, kept_to_workdays, schedules
from onbeat.cli.invocation import Invocation
from onbeat.cli.output.words import many
from onbeat.cli.views import schedules as view
from onbeat.cli.when import When
from onbeat.domain.errors import InvalidInput, InvalidRecurrence
from onbeat.domain.recurrence import Recurrence
from onbeat.domain.recurrence.recurrence import due_from, stamp
from onbeat.domain.recurrence.zones import known_zone, zone_info
from onbeat.domain.schedules import Schedule


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
        seen = _of_rule(recurrence, when, start, count)
    else:
        _refuse_rule(when, on_workdays, otherwise)
        seen = await _of_schedule(asked, name, start, count)
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


def _of_rule(recurrence: Recurrence, when: When, start: str, count: int) -> Preview:
    now = datetime.now(UTC)
    begin = inputs.moment("from", start, now) or now
    found = list(islice(due_from(recurrence, begin), count))
    if not found:
        raise _never(when.field or "from", "it", begin, recurrence.describe())
    warnings = (*when.unheeded(recurrence), *recurrence.warnings(found[0]))
    return Preview(recurrence, found, tuple(dict.fromkeys(warnings)), now)


async def _of_schedule(asked: Invocation, name: str, start: str, count: int) -> Preview:
    async with asked.without_app().connected() as ob:
        schedule = await ob.schedules.find(name)
        now = await ob.schedules.now(schedule)
        begin = inputs.moment("from", start, now) or now
        found = await ob.schedules.preview(schedule, begin=begin, count=count)
        warnings = (*await ob.schedules.warnings(name), *_held(schedule))
    if not found:
        raise _never("from", repr(name), begin, _bounded(schedule))
    return Preview(schedule.recurrence, found, warnings, now)


def _held(schedule: Schedule) -> Iterator[str]:
    """What keeps moments from making jobs, which a preview does not ask."""
    if schedule.paused_at is not None:
        until = f" until {stamp(schedule.paused_until)}" if schedule.paused_until else ""
        yield f"it is paused{until}; `onbeat schedules resume {schedule.name}` lets it go on"
    if schedule.skips:
        left = "moment is" if schedule.skips == 1 else f"{many(schedule.skips, 'moment')} are"
        yield f"its next {left} left out, by {schedule.skips_by}"
    if schedule.recurrence.after_finish is not None:
        yield "it rests after each job's end, so that only its next moment is known"


def _bounded(schedule: Schedule) -> str:
    """When it is due, and what ends that."""
    until = f", until {stamp(schedule.end_at)}" if schedule.end_at else ""
    limit = schedule.limit
    used = "" if limit is None else f", {schedule.made:,} of {many(limit, 'job')} made"
    return schedule.recurrence.describe() + until + used


def _never(field: str, what: str, begin: datetime, described: str) -> InvalidRecurrence:
    return InvalidRecurrence(
        field,
        f"{what} is never due at or after {stamp(begin)}: {described}; give an earlier --from",
    )
