"""`onbeat channels`: where incidents are told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from onbeat.app.facts.channels import channel_data, stats_data, test_data
from onbeat.cli.command import command, noun
from onbeat.cli.invocation import Invocation
from onbeat.cli.telling import Told, Where
from onbeat.cli.views import channels as view
from onbeat.domain.channels import Channel, ChannelKind

channels = noun("Say where incidents are told, and try it.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The channel's name.")]


@command(channels, "ls", "onbeat channels ls")
async def ls(asked: Invocation) -> None:
    """List channels, with what is wrong with each."""
    async with asked.without_app().connected() as ob:
        found, waiting = await ob.channels.list(), await ob.channels.waiting()
    answer = {"channels": [channel_data(each, waiting.get(each.id, 0)) for each in found]}
    asked.out.show(
        answer, lambda: asked.out.table(view.CHANNELS, view.channel_rows(found, waiting))
    )
    if not found and not asked.json:
        asked.out.note("no channels; `onbeat channels add` makes one")


@command(channels, "show", "onbeat channels show ops")
async def show(asked: Invocation, name: Name) -> None:
    """Show one channel: what it is told, and what is wrong; where it leads is not shown."""
    async with asked.without_app().connected() as ob:
        found = await ob.channels.find(name)
        waiting = (await ob.channels.waiting()).get(found.id, 0)
    now = datetime.now(UTC)
    answer = {"channel": channel_data(found, waiting)}
    asked.out.show(answer, lambda: view.channel_lines(found, waiting, now))


@command(
    channels, "add", "onbeat channels add ops slack --url - --severity error",
    "onbeat channels add mail email --to ann@example.com,ben@example.com",
    "onbeat channels add pager pagerduty --key - --severity critical",
    "onbeat channels add hook webhook --url https://hooks.example/incidents",
)  # fmt: skip
async def add(
    asked: Invocation,
    name: Name,
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"One of {', '.join(ChannelKind)}.")],
    *,
    where: Where,
    told: Told,
) -> None:
    """Add a channel. A webhook's secret, where one is made, is shown once, here."""
    async with asked.without_app().connected() as ob:
        made = await ob.channels.add(name, kind, options=told.given(), **where.given())
    answer = {"channel": channel_data(made.channel), "secret": made.secret}
    lines = view.channel_lines(made.channel, 0, datetime.now(UTC))
    if made.secret is not None:
        lines.append(f"secret     {made.secret}")
    asked.out.show(answer, lambda: lines)
    if not asked.json:
        asked.out.note(f"`onbeat channels test {name}` tries it")


@command(
    channels, "edit", "onbeat channels edit ops --severity warning --repeat 2h",
    "onbeat channels edit ops --title none --quiet none",
)  # fmt: skip
async def edit(asked: Invocation, name: Name, *, where: Where, told: Told) -> None:
    """Change what is given; `none` takes an option back to its default."""
    async with asked.without_app().connected() as ob:
        changed = await ob.channels.edit(name, options=told.given() or None, **where.given())
    _tell(asked, changed)


@command(channels, "enable", "onbeat channels enable ops")
async def enable(asked: Invocation, name: Name) -> None:
    """Tell it what happens from now on."""
    async with asked.without_app().connected() as ob:
        _tell(asked, await ob.channels.enable(name))


@command(channels, "disable", "onbeat channels disable ops")
async def disable(asked: Invocation, name: Name) -> None:
    """Tell it nothing more, also not what waits."""
    async with asked.without_app().connected() as ob:
        _tell(asked, await ob.channels.disable(name))


@command(channels, "rm", "onbeat channels rm ops")
async def remove(asked: Invocation, name: Name) -> None:
    """Take a channel away, with the record of what it was told."""
    async with asked.without_app().connected() as ob:
        found = await ob.channels.find(name)
        await ob.channels.remove(name)
    asked.out.show({"channel": channel_data(found)}, lambda: [f"channel {name} is removed"])


@command(channels, "test", "onbeat channels test ops")
async def test(asked: Invocation, name: Name) -> None:
    """Send a notice that says that it is a test, once, from here; exit code 1: not taken."""
    async with asked.without_app().connected() as ob:
        tested = await ob.channels.test(name)
    answer = {"test": test_data(tested.notice, tested.came)}
    asked.out.show(answer, lambda: view.test_lines(tested))
    if not tested.is_sent:
        raise typer.Exit(1)


@command(channels, "stats", "onbeat channels stats --window 30d")
async def stats(
    asked: Invocation,
    *,
    window: Annotated[str, typer.Option(metavar="TIME", help="Of how long; up to 90d.")] = "7d",
) -> None:
    """See how often each channel was told of each rule, and which of it nobody saw to."""
    async with asked.without_app().connected() as ob:
        found = await ob.channels.stats(window)
    answer = {"stats": [stats_data(each) for each in found]}
    asked.out.show(answer, lambda: asked.out.table(view.STATS, view.stats_rows(found)))


def _tell(asked: Invocation, channel: Channel) -> None:
    now = datetime.now(UTC)
    answer = {"channel": channel_data(channel)}
    asked.out.show(answer, lambda: view.channel_lines(channel, None, now))
