"""`onbeat webhooks`: where owners of jobs hear of their ends."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from onbeat.app.facts.webhooks import delivery_data, webhook_data
from onbeat.app.webhooks import WithSecret
from onbeat.cli import inputs
from onbeat.cli.command import command, noun
from onbeat.cli.invocation import Invocation
from onbeat.cli.views import webhooks as view
from onbeat.domain.webhooks import EventType, Webhook

webhooks = noun("Make webhooks, change them, and see what came of each message.")

A_WEBHOOK = "01a224dee48270009786037438a3877c"
Id = Annotated[str, typer.Argument(metavar="ID", help="The webhook's id.")]
Owner = Annotated[
    str | None, typer.Option(metavar="OWNER", help="Only what is this one's; else everybody's.")
]
Events = Annotated[
    str | None, typer.Option(metavar="A,B", help=f"Of which ends: {', '.join(EventType)}.")
]
Limit = Annotated[int, typer.Option(metavar="N", min=1, max=10_000, help="How many.")]


@command(webhooks, "ls", "onbeat webhooks ls", "onbeat webhooks ls --owner acme")
async def ls(asked: Invocation, *, owner: Owner = None, limit: Limit = 100) -> None:
    """List webhooks in the order in which they were made."""
    async with asked.without_app().connected() as ob:
        found = await ob.webhooks.list(owner, limit=limit)
    answer = {"webhooks": [webhook_data(each) for each in found]}
    asked.out.show(answer, lambda: asked.out.table(view.WEBHOOKS, view.webhook_rows(found)))
    if not found and not asked.json:
        asked.out.note("no webhooks; `onbeat webhooks create` makes one")


@command(webhooks, "show", f"onbeat webhooks show {A_WEBHOOK}")
async def show(asked: Invocation, webhook: Id) -> None:
    """Show one webhook; its secret is not shown again."""
    async with asked.without_app().connected() as ob:
        _tell(asked, await ob.webhooks.find(webhook))


@command(
    webhooks, "create", "onbeat webhooks create https://hooks.example/ --owner acme",
    "onbeat webhooks create https://a.example/ --owner ann --events job.failed",
)  # fmt: skip
async def create(
    asked: Invocation,
    url: Annotated[str, typer.Argument(metavar="URL", help="Where the messages are sent.")],
    *,
    owner: Annotated[str, typer.Option(metavar="OWNER", help="Of whose jobs it hears.")],
    events: Events = None,
) -> None:
    """Make a webhook. Its secret is shown once, here."""
    async with asked.without_app().connected() as ob:
        made = await ob.webhooks.create(owner, url, inputs.names("events", events) or ())
    _tell_secret(asked, made)


@command(
    webhooks, "edit", f"onbeat webhooks edit {A_WEBHOOK} --disable",
    f"onbeat webhooks edit {A_WEBHOOK} --events job.failed",
)  # fmt: skip
async def edit(
    asked: Invocation,
    webhook: Id,
    *,
    url: Annotated[str | None, typer.Option(metavar="URL", help="Where to send.")] = None,
    events: Events = None,
    enabled: Annotated[
        bool | None, typer.Option("--enable/--disable", help="Disabled, it hears nothing.")
    ] = None,
) -> None:
    """Change what is given; what was to be sent while it was disabled is called off."""
    wanted = inputs.names("events", events)
    async with asked.without_app().connected() as ob:
        changed = await ob.webhooks.change(webhook, url=url, events=wanted, enabled=enabled)
    _tell(asked, changed)


@command(webhooks, "rm", f"onbeat webhooks rm {A_WEBHOOK}")
async def remove(asked: Invocation, webhook: Id) -> None:
    """Take a webhook away, with the record of its deliveries."""
    async with asked.without_app().connected() as ob:
        found = await ob.webhooks.find(webhook)
        await ob.webhooks.remove(found.id)
    asked.out.show({"webhook": webhook_data(found)}, lambda: [f"webhook {found.id} is removed"])


@command(webhooks, "rotate-secret", f"onbeat webhooks rotate-secret {A_WEBHOOK} --keep-for 2d")
async def rotate_secret(
    asked: Invocation,
    webhook: Id,
    *,
    keep_for: Annotated[
        str, typer.Option(metavar="TIME", help="How long the one before is good too; 0s to 7d.")
    ] = "24h",
) -> None:
    """Give a webhook another secret. It is shown once, here."""
    async with asked.without_app().connected() as ob:
        made = await ob.webhooks.rotate_secret(webhook, keep_for=keep_for)
    _tell_secret(asked, made)


@command(webhooks, "deliveries", f"onbeat webhooks deliveries {A_WEBHOOK}")
async def deliveries(asked: Invocation, webhook: Id, *, limit: Limit = 50) -> None:
    """List the attempts to deliver to a webhook, the newest first."""
    async with asked.without_app().connected() as ob:
        found = await ob.webhooks.deliveries(webhook, limit=limit)
    answer = {"deliveries": [delivery_data(each) for each in found]}
    rows = view.delivery_rows(found, datetime.now(UTC))
    asked.out.show(answer, lambda: asked.out.table(view.DELIVERIES, rows))
    if not found and not asked.json:
        asked.out.note("none yet; `onbeat webhooks ping` sends one")


@command(webhooks, "resend", "onbeat webhooks resend 01a224dee48270009786037438a3877d")
async def resend(
    asked: Invocation,
    delivery: Annotated[str, typer.Argument(metavar="ID", help="The delivery's id.")],
) -> None:
    """Send the message of a delivery once more, under the same id."""
    async with asked.without_app().connected() as ob:
        job = await ob.webhooks.resend(delivery)
    asked.out.show({"job": job}, lambda: [f"job {job} sends it"])


@command(webhooks, "ping", f"onbeat webhooks ping {A_WEBHOOK}")
async def ping(asked: Invocation, webhook: Id) -> None:
    """Send a message that tells of nothing, to see whether it arrives."""
    async with asked.without_app().connected() as ob:
        job = await ob.webhooks.ping(webhook)
    asked.out.show({"job": job}, lambda: [f"job {job} sends it"])


def _tell(asked: Invocation, webhook: Webhook) -> None:
    now = datetime.now(UTC)
    asked.out.show({"webhook": webhook_data(webhook)}, lambda: view.webhook_lines(webhook, now))


def _tell_secret(asked: Invocation, made: WithSecret) -> None:
    now = datetime.now(UTC)
    answer = {"webhook": webhook_data(made.webhook), "secret": made.secret}
    lines = [*view.webhook_lines(made.webhook, now), f"secret   {made.secret}"]
    asked.out.show(answer, lambda: lines)
    if not asked.json:
        asked.out.note("the secret is shown now and never again; receivers verify with it")
