"""`onbeat notices`: what channels were told, and what came of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from onbeat.app.facts.channels import attempt_data, notice_data
from onbeat.cli.command import command, noun
from onbeat.cli.invocation import Invocation
from onbeat.cli.views import channels as view
from onbeat.domain.notices import NoticeState

notices = noun("See what channels were told; send it again.")

A_NOTICE = "01a224dee48270009786037438a3877c"
Id = Annotated[str, typer.Argument(metavar="ID", help="The notice's id.")]


@command(notices, "ls", "onbeat notices ls", "onbeat notices ls --channel ops --state failed")
async def ls(
    asked: Invocation,
    *,
    channel: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only what this channel was told.")
    ] = None,
    state: Annotated[
        str | None, typer.Option(metavar="STATE", help=f"One of {', '.join(NoticeState)}.")
    ] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=10_000, help="How many.")] = 50,
) -> None:
    """List notices, the newest first."""
    async with asked.without_app().connected() as ob:
        found = await ob.notices.list(channel, state=state, limit=limit)
        names = {each.id: each.name for each in await ob.channels.list()}
    answer = {"notices": [notice_data(each) for each in found]}
    rows = view.notice_rows(found, names, datetime.now(UTC))
    asked.out.show(answer, lambda: asked.out.table(view.NOTICES, rows))


@command(notices, "show", f"onbeat notices show {A_NOTICE}")
async def show(asked: Invocation, notice: Id) -> None:
    """Show one notice, and every attempt to send it."""
    async with asked.without_app().connected() as ob:
        found = await ob.notices.find(notice)
        attempts = await ob.notices.attempts(notice)
        names = {each.id: each.name for each in await ob.channels.list()}
    answer = {
        "notice": notice_data(found), "attempts": [attempt_data(each) for each in attempts]
    }  # fmt: skip
    now = datetime.now(UTC)
    asked.out.show(answer, lambda: view.notice_lines(found, attempts, names, now))


@command(notices, "resend", f"onbeat notices resend {A_NOTICE}")
async def resend(asked: Invocation, notice: Id) -> None:
    """Send a notice once more, under the key that it had; a dispatcher does it."""
    async with asked.without_app().connected() as ob:
        found = await ob.notices.resend(notice)
    asked.out.show({"notice": notice_data(found)}, lambda: [f"notice {found.id} is sent again"])
