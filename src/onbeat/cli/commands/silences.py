"""`onbeat silences`: let nobody be told of some incidents for a time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from onbeat.app.facts.incidents import silence_data
from onbeat.app.reading.rules import word
from onbeat.cli import inputs
from onbeat.cli.command import command, noun
from onbeat.cli.invocation import Invocation
from onbeat.cli.output.words import second
from onbeat.cli.views import incidents as view
from onbeat.domain.incidents import Kind, Severity
from onbeat.domain.silences import Matcher, read_each

silences = noun("Let nobody be told of some incidents for a time.")

A_SILENCE = "01a224dee48270009786037438a3877c"
Patterns = Annotated[str | None, typer.Option(metavar="A,B", help="Patterns, as mail.*.")]


@command(silences, "ls", "onbeat silences ls", "onbeat silences ls --all")
async def ls(
    asked: Invocation,
    *,
    all_: Annotated[bool, typer.Option("--all", help="Those that are over too.")] = False,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=10_000, help="How many.")] = 100,
) -> None:
    """List silences that hold or are to come, the newest first."""
    async with asked.without_app().connected() as ob:
        found = await ob.silences.list(with_over=all_, limit=limit)
    answer = {"silences": [silence_data(each) for each in found]}
    rows = view.silence_rows(found, datetime.now(UTC))
    asked.out.show(answer, lambda: asked.out.table(view.SILENCES, rows))
    if not found and not asked.json:
        asked.out.note("no silences")


@command(
    silences, "add", "onbeat silences add --for 1h --reason 'a deploy' --tasks 'report.*'",
    "onbeat silences add --everything --for 2h --reason maintenance",
)  # fmt: skip
async def add(
    asked: Invocation,
    *,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why.")],
    lasts: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="For how long; at most 90d.")
    ] = None,
    ends: Annotated[str | None, typer.Option(metavar="MOMENT", help="Until when.")] = None,
    begins: Annotated[
        str | None, typer.Option(metavar="MOMENT", help="From when on; now if unsaid.")
    ] = None,
    rules: Patterns = None,
    tasks: Patterns = None,
    queues: Patterns = None,
    names: Patterns = None,
    tags: Patterns = None,
    kinds: Annotated[
        str | None, typer.Option(metavar="A,B", help=f"Of what: {', '.join(Kind)}.")
    ] = None,
    severities: Annotated[
        str | None, typer.Option(metavar="A,B", help="info, warning, error, critical.")
    ] = None,
    cron: Annotated[
        str | None, typer.Option(metavar="EXPR", help="Each time so, for --for, until --ends.")
    ] = None,
    tz: Annotated[
        str | None, typer.Option(metavar="ZONE", help="Whose wall clock --cron is.")
    ] = None,
    everything: Annotated[bool, typer.Option("--everything", help="Of all incidents.")] = False,
) -> None:
    """Silence such incidents for a time; they are on record all the same."""
    given = {"rules": rules, "tasks": tasks, "queues": queues, "names": names, "tags": tags}
    patterns = {name: inputs.names(name, text) or () for name, text in given.items()}
    matcher = Matcher(
        **patterns,
        kinds=tuple(word(Kind, each, "kinds") for each in inputs.names("kinds", kinds) or ()),
        severities=tuple(
            word(Severity, each, "severities")
            for each in inputs.names("severities", severities) or ()
        ),
    )
    async with asked.without_app().connected() as ob:
        made = await ob.silences.create(
            matcher, reason=reason, by=asked.who, lasts=lasts,
            ends_at=inputs.moment("ends", ends), begins_at=inputs.moment("begins", begins),
            everything=everything, each=read_each(cron, tz),
        )  # fmt: skip
    told = f"silence {made.id} until {second(made.ends_at)}"
    asked.out.show(silence_data(made), lambda: [told])


@command(silences, "end", f"onbeat silences end {A_SILENCE}")
async def end(
    asked: Invocation,
    silence: Annotated[str, typer.Argument(metavar="ID", help="The silence's id.")],
) -> None:
    """Let a silence be over now; what is still open is told then."""
    async with asked.without_app().connected() as ob:
        ended = await ob.silences.end(silence)
    asked.out.show(silence_data(ended), lambda: [f"silence {ended.id} is over"])
