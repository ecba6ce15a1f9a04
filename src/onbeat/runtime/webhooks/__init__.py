"""The built-in task `onbeat.webhook`: delivers one message to one webhook.

Its jobs are made where ends are followed (store/announcing.py). It is there where the setting
ONBEAT_SECRET_KEY is, without which no webhook can be made.
"""

from onbeat.runtime.webhooks.task import (
    DeliveryFailed,
    DeliveryRefused,
    Sender,
    Sent,
    sealed_for,
    webhook_definition,
)

__all__ = [
    "DeliveryFailed",
    "DeliveryRefused",
    "Sender",
    "Sent",
    "sealed_for",
    "webhook_definition",
]
