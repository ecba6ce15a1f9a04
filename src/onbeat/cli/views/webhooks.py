"""Webhooks and the attempts to deliver to them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from onbeat.cli.output.tables import Cell, Column
from onbeat.cli.output.words import NONE, both, lasting, one_line, since
from onbeat.domain.webhooks import Delivery, EventType, Webhook

WEBHOOKS = (Column("ID"), Column("OWNER", bends=True), Column("URL", bends=True),
            Column("EVENTS", bends=True), Column("STATE", bends=True))  # fmt: skip
DELIVERIES = (Column("ID"), Column("WHEN"), Column("ATTEMPT", right=True), Column("STATUS"),
              Column("TOOK", right=True), Column("ERROR", bends=True))  # fmt: skip


def webhook_rows(webhooks: Sequence[Webhook]) -> list[list[Cell]]:
    """The rows of a list."""
    return [
        [each.id, each.owner, each.url, _events(each), "" if each.enabled else "disabled"]
        for each in webhooks
    ]


def delivery_rows(deliveries: Sequence[Delivery], now: datetime) -> list[list[Cell]]:
    """The rows of a list of attempts."""
    return [
        [each.id, since(each.at, now), str(each.attempt), str(each.status or NONE),
         lasting(each.latency), one_line(each.error or "")]
        for each in deliveries
    ]  # fmt: skip


def webhook_lines(webhook: Webhook, now: datetime) -> list[str]:
    """A page on one."""
    lines = [
        f"webhook  {webhook.id}",
        f"owner    {webhook.owner}",
        f"url      {webhook.url}",
        f"events   {_events(webhook)}",
        f"made     {both(webhook.created_at, now)}",
    ]
    if not webhook.enabled:
        told = f"disabled {both(webhook.disabled_at, now)}"
        lines.append(f"{told}: {one_line(webhook.disabled_why or '')}")
    return lines


def _events(webhook: Webhook) -> str:
    return "all" if len(webhook.events) == len(EventType) else ", ".join(webhook.events)
