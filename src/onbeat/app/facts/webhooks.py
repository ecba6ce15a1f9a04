"""Webhooks and attempts to deliver to them, as programs are told."""

from __future__ import annotations

from typing import Any

from onbeat.app.facts.moments import absolute
from onbeat.domain.webhooks import Delivery, Webhook


def webhook_data(webhook: Webhook) -> dict[str, Any]:
    """A webhook, without its secret."""
    return {
        "id": webhook.id,
        "owner": webhook.owner,
        "url": webhook.url,
        "events": list(webhook.events),
        "enabled": webhook.enabled,
        "created_at": absolute(webhook.created_at),
        "changed_at": absolute(webhook.changed_at),
        "disabled_at": absolute(webhook.disabled_at),
        "disabled_why": webhook.disabled_why,
    }


def delivery_data(delivery: Delivery) -> dict[str, Any]:
    """One attempt."""
    latency = delivery.latency
    return {
        "id": delivery.id,
        "webhook": delivery.webhook,
        "job": delivery.job,
        "message": delivery.message,
        "attempt": delivery.attempt,
        "at": absolute(delivery.at),
        "latency_seconds": None if latency is None else latency.total_seconds(),
        "status": delivery.status,
        "error": delivery.error,
        "answer": delivery.answer,
    }
