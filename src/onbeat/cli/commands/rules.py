"""`onbeat rules`: what opens incidents."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from onbeat.app.facts.incidents import past_data, rule_data
from onbeat.app.onbeat import Onbeat
from onbeat.app.reading import rules as reading
from onbeat.cli.command import command, noun
from onbeat.cli.invocation import Invocation
from onbeat.cli.output.words import many
from onbeat.cli.ruled import Ruled
from onbeat.cli.views import incidents as view
from onbeat.domain.rules import Condition, Rule

rules = noun("See and change what opens incidents, and try it on the past.")

Name = Annotated[str, typer.Argument(metavar="RULE", help="The rule's name.")]


@command(rules, "ls", "onbeat rules ls")
async def ls(asked: Invocation) -> None:
    """List rules: those that come with Onbeat, and others."""
    async with asked.without_app().connected() as ob:
        found = await ob.rules.list()
        answer = {"rules": [rule_data(each, await ob.rules.doubts(each, found)) for each in found]}
    asked.out.show(answer, lambda: asked.out.table(view.RULES, view.rule_rows(found)))


@command(rules, "show", "onbeat rules show stale")
async def show(asked: Invocation, rule: Name) -> None:
    """Show one rule, and what is odd about it."""
    async with asked.without_app().connected() as ob:
        await _show(asked, ob, await ob.rules.find(rule))


@command(
    rules, "add", "onbeat rules add imports --condition slow --tasks 'import.*'",
    "onbeat rules add night --condition stale --longer-than 2h --tags night",
)  # fmt: skip
async def add(
    asked: Invocation,
    rule: Name,
    said: Ruled,
    *,
    condition: Annotated[
        str, typer.Option(metavar="WORD", help=f"What it looks for: {', '.join(Condition)}.")
    ],
    kind: Annotated[
        str | None, typer.Option(metavar="WORD", help="Of what: task, schedule, queue.")
    ] = None,
) -> None:
    """Make a rule; what is not given is as the default rule of its condition has it."""
    wanted = reading.made(rule, condition, kind, said.asked())
    async with asked.without_app().connected() as ob:
        await _show(asked, ob, await ob.rules.save(wanted, asked.who, must_be_new=True))


@command(
    rules, "edit", "onbeat rules edit stale --longer-than 2h", "onbeat rules edit slow --off"
)  # fmt: skip
async def edit(asked: Invocation, rule: Name, said: Ruled) -> None:
    """Change what is given, from the next round on."""
    async with asked.without_app().connected() as ob:
        wanted = reading.changed(await ob.rules.find(rule), said.asked())
        await _show(asked, ob, await ob.rules.save(wanted, asked.who))


@command(rules, "rm", "onbeat rules rm imports")
async def remove(asked: Invocation, rule: Name) -> None:
    """Take a rule away, which closes its incidents; a default one is as it came."""
    async with asked.without_app().connected() as ob:
        left = await ob.rules.remove(rule)
    if left is not None:
        asked.out.show({"rule": rule_data(left)}, lambda: [f"{rule} is as it came with Onbeat"])
    else:
        asked.out.show({"removed": rule}, lambda: [f"{rule} is removed"])


@command(
    rules, "try", "onbeat rules try in-a-row --since 7d", "onbeat rules try slow --longer-than 1s"
)  # fmt: skip
async def try_rule(
    asked: Invocation,
    rule: Name,
    said: Ruled,
    *,
    since: Annotated[
        str, typer.Option(metavar="TIME", help="How far back is looked; at most 90d.")
    ] = "7d",
) -> None:
    """Say when a rule would have been open, as it is or as it would be; nothing is changed.

    It is held against the roll-ups of 5 minutes, or of an hour where those are no longer kept."""
    async with asked.without_app().connected() as ob:
        wanted = reading.changed(await ob.rules.find(rule), said.asked())
        past = await ob.rules.try_on_past(wanted, since)
        odd = await ob.rules.doubts(wanted)
    rows = view.episode_rows(past)
    asked.out.show(
        past_data(past, odd),
        lambda: asked.out.table(view.EPISODES, rows) if rows else [],
    )
    if past.not_kept is not None:
        asked.out.note(f"{rule}: {past.not_kept}")
    elif not asked.json:
        more = "" if past.is_whole else ", and more that were not looked at"
        asked.out.note(f"{many(len(rows), 'time')} in {since}{more}")


async def _show(asked: Invocation, ob: Onbeat, rule: Rule) -> None:
    odd, now = await ob.rules.doubts(rule), datetime.now(UTC)
    asked.out.show(rule_data(rule, odd), lambda: view.rule_lines(rule, odd, now))
