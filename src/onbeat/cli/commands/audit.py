"""`onbeat audit`: who changed what."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from onbeat.app.facts.access import entry_data
from onbeat.cli import inputs
from onbeat.cli.command import command, noun
from onbeat.cli.invocation import Invocation
from onbeat.cli.views import access as view
from onbeat.store.audit import AuditFilter

audit = noun("See who changed what.")


@command(audit, "ls", "onbeat audit ls", "onbeat audit ls --actor ann --since 2026-11-01")
async def ls(
    asked: Invocation,
    *,
    actor: Annotated[str | None, typer.Option(metavar="NAME", help="Who.")] = None,
    action: Annotated[
        str | None, typer.Option(metavar="ACTION", help="What, as schedule.pause.")
    ] = None,
    subject: Annotated[
        str | None, typer.Option(metavar="NAME", help="On which, by its name or id.")
    ] = None,
    since: Annotated[str | None, typer.Option(metavar="MOMENT", help="Since then.")] = None,
    until: Annotated[str | None, typer.Option(metavar="MOMENT", help="Before then.")] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=10_000, help="How many.")] = 50,
) -> None:
    """List changes that people and programs asked for through the API, the newest first."""
    wanted = AuditFilter(
        actor=actor, action=action, subject=subject, since=inputs.moment("since", since),
        until=inputs.moment("until", until), limit=limit,
    )  # fmt: skip
    async with asked.without_app().connected() as ob:
        found = await ob.audit.list(wanted)
    answer = {"audit": [entry_data(each) for each in found]}
    rows = view.entry_rows(found, datetime.now(UTC))
    asked.out.show(answer, lambda: asked.out.table(view.AUDIT, rows))
    if not found and not asked.json:
        asked.out.note("nothing on record")
