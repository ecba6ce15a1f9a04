"""`onbeat audit`: who changed what."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

import typer

from onbeat.app.exports import Format, export_audit
from onbeat.app.facts.access import entry_data
from onbeat.app.onbeat import Onbeat
from onbeat.cli import inputs
from onbeat.cli.command import command, noun
from onbeat.cli.inputs import Wished
from onbeat.cli.invocation import Invocation
from onbeat.cli.views import access as view
from onbeat.domain.audit import Entry
from onbeat.store.audit import AuditFilter

audit = noun("See who changed what.")


Actor = Annotated[str | None, typer.Option(metavar="NAME", help="Who.")]
Action = Annotated[str | None, typer.Option(metavar="ACTION", help="What, as schedule.pause.")]
Subject = Annotated[str | None, typer.Option(metavar="NAME", help="On which, by its name or id.")]
Since = Annotated[str | None, typer.Option(metavar="MOMENT", help="Since then.")]
Until = Annotated[str | None, typer.Option(metavar="MOMENT", help="Before then.")]
Search = Annotated[
    str | None, typer.Option("--search", "-q", metavar="TEXT", help="In who, what, on which.")
]


@command(audit, "ls", "onbeat audit ls", "onbeat audit ls --actor ann --since 2026-11-01")
async def ls(
    asked: Invocation,
    *,
    actor: Actor = None,
    action: Action = None,
    subject: Subject = None,
    since: Since = None,
    until: Until = None,
    search: Search = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=10_000, help="How many.")] = 50,
) -> None:
    """List changes that people and programs asked for through the API, the newest first."""
    wanted = AuditFilter(
        actor=actor, action=action, subject=subject, since=inputs.moment("since", since),
        until=inputs.moment("until", until), search=search, limit=limit,
    )  # fmt: skip
    async with asked.without_app().connected() as ob:
        found = await (ob.audit.list(wanted) if search is None else _search(ob, wanted))
    answer = {"audit": [entry_data(each) for each in found]}
    rows = view.entry_rows(found, datetime.now(UTC))
    asked.out.show(answer, lambda: asked.out.table(view.AUDIT, rows))
    if not found and not asked.json:
        asked.out.note("nothing on record")


async def _search(ob: Onbeat, wanted: AuditFilter) -> list[Entry]:
    """All that is asked for, however far back it lies."""
    found: list[Entry] = []
    onward = wanted.before
    while len(found) < wanted.limit:
        some, onward = await ob.audit.search(
            replace(wanted, before=onward, limit=wanted.limit - len(found))
        )
        found += some
        if onward is None:
            break
    return found


@command(audit, "export", "onbeat audit export --since 2026-11-01 > november.csv")
async def export(
    asked: Invocation,
    *,
    actor: Actor = None,
    action: Action = None,
    subject: Subject = None,
    since: Since = None,
    until: Until = None,
    search: Search = None,
    form: Wished = Format.CSV,
) -> None:
    """Write all changes that fit, the newest first, as CSV or as JSON, one a line."""
    wanted = AuditFilter(
        actor=actor, action=action, subject=subject, since=inputs.moment("since", since),
        until=inputs.moment("until", until), search=search,
    )  # fmt: skip
    async with asked.without_app().connected() as ob:
        async for piece in export_audit(ob, wanted, Format.NDJSON if asked.json else form):
            asked.out.piece(piece)
