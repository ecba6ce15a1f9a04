"""`onbeat incidents`: what is wrong or was."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from onbeat.app.facts.incidents import change_data, incident_data
from onbeat.app.reading.rules import word
from onbeat.cli import inputs
from onbeat.cli.command import command, noun
from onbeat.cli.invocation import Invocation
from onbeat.cli.output.words import second
from onbeat.cli.views import incidents as view
from onbeat.domain.incidents import UNRESOLVED, Incident, Severity, State, Wanted

incidents = noun("See what is wrong or was; acknowledge, snooze and resolve it.")

AN_INCIDENT = "01a224dee48270009786037438a3877c"
Id = Annotated[str, typer.Argument(metavar="ID", help="The incident's id.")]
Note = Annotated[str | None, typer.Option(metavar="TEXT", help="What is to be said of it.")]


@command(
    incidents, "ls", "onbeat incidents ls", "onbeat incidents ls --all --severity critical"
)  # fmt: skip
async def ls(
    asked: Invocation,
    *,
    all_: Annotated[bool, typer.Option("--all", help="Those that are resolved too.")] = False,
    severity: Annotated[
        str | None, typer.Option(metavar="WORD", help="info, warning, error or critical.")
    ] = None,
    rule: Annotated[str | None, typer.Option(metavar="RULE", help="Of one rule alone.")] = None,
    of: Annotated[
        str | None, typer.Option("--of", metavar="NAME", help="Of one task, schedule, queue, ….")
    ] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=10_000, help="How many.")] = 50,
) -> None:
    """List incidents that are not resolved, the newest first."""
    wanted = Wanted(
        states=() if all_ else UNRESOLVED, rule=rule, subject=of,
        severity=None if severity is None else word(Severity, severity, "severity"),
    )  # fmt: skip
    async with asked.without_app().connected() as ob:
        found = await ob.incidents.list(wanted, limit=limit)
    answer = {"incidents": [_data(asked, each) for each in found]}
    rows = view.incident_rows(found, datetime.now(UTC))
    asked.out.show(answer, lambda: asked.out.table(view.INCIDENTS, rows))
    if not found and not asked.json:
        asked.out.note("no incidents" if all_ else "no incidents that are not resolved")


@command(incidents, "show", f"onbeat incidents show {AN_INCIDENT}")
async def show(asked: Invocation, incident: Id) -> None:
    """Show what is wrong, since when, the last error, and what to try."""
    async with asked.without_app().connected() as ob:
        found = await ob.incidents.find(incident)
        changes = await ob.incidents.changes(incident)
    answer = {**_data(asked, found), "changes": [change_data(each) for each in changes]}
    now = datetime.now(UTC)
    asked.out.show(answer, lambda: view.incident_lines(found, changes, now))


@command(incidents, "acknowledge", f'onbeat incidents acknowledge {AN_INCIDENT} --note "on it"')
async def acknowledge(asked: Invocation, incident: Id, *, note: Note = None) -> None:
    """Say that somebody sees to it: nobody is reminded of it any more."""
    async with asked.without_app().connected() as ob:
        _tell(asked, await ob.incidents.acknowledge(incident, asked.who, note=note))


@command(incidents, "snooze", f"onbeat incidents snooze {AN_INCIDENT} --for 2h")
async def snooze(
    asked: Invocation,
    incident: Id,
    *,
    lasts: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="For how long, as 2h.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="MOMENT", help="Until when.")] = None,
    note: Note = None,
) -> None:
    """Remind nobody of it for a time."""
    end = inputs.moment("until", until)
    async with asked.without_app().connected() as ob:
        moved = await ob.incidents.snooze(incident, asked.who, until=end, lasts=lasts, note=note)
    _tell(asked, moved)


@command(incidents, "resolve", f"onbeat incidents resolve {AN_INCIDENT}")
async def resolve(asked: Invocation, incident: Id, *, note: Note = None) -> None:
    """Say that it is over: it opens again when it happens again, not while it goes on."""
    async with asked.without_app().connected() as ob:
        _tell(asked, await ob.incidents.resolve(incident, asked.who, note=note))


@command(incidents, "note", f"onbeat incidents note {AN_INCIDENT} 'on it'")
async def add_note(
    asked: Invocation,
    incident: Id,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What is said of it.")],
) -> None:
    """Put a note beside it."""
    async with asked.without_app().connected() as ob:
        _tell(asked, await ob.incidents.note(incident, asked.who, text))


def _tell(asked: Invocation, incident: Incident) -> None:
    until = incident.snoozed_until
    ends = f" until {second(until)}" if until is not None else ""
    told = f"{incident.rule} of {incident.name} is {incident.state}{ends}"
    over = incident.state is State.RESOLVED
    after = "; it opens again when it happens again" if over else ""
    asked.out.show(_data(asked, incident), lambda: [told + after])


def _data(asked: Invocation, incident: Incident) -> dict[str, Any]:
    return incident_data(incident, public_url=asked.settings.public_url)
