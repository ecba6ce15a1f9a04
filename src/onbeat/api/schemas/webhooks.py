"""Webhooks and the record of their deliveries, as they are sent and answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from onbeat.api.bodies import Answer, Body
from onbeat.domain.access import LONGEST_OWNER
from onbeat.domain.webhooks import EventType

Url = Annotated[
    str,
    Field(
        min_length=1, max_length=2_000, examples=["https://hooks.example/onbeat"],
        description="Where the messages are sent; see docs/webhooks.md for where that may be.",
    ),
]  # fmt: skip
Events = Annotated[list[EventType], Field(max_length=10, description="Which; empty: all.")]


class WebhookIn(Body):
    """A webhook to make."""

    url: Url
    events: Events = Field(default_factory=list)
    owner: str | None = Field(
        None, min_length=1, max_length=LONGEST_OWNER,
        description="Of whose jobs it hears; left out by those who have rows of their own.",
    )  # fmt: skip


class WebhookChange(Body):
    """What is to change; what is left out, or null, stays."""

    url: Url | None = Field(None, description="Where the messages are sent.")
    events: Events | None = Field(None, description="Of which ends it hears; empty: of all.")
    enabled: bool | None = Field(None, description="Disabled, it hears nothing.")


class RotateIn(Body):
    """How long the secret before is good too."""

    keep_for: str = Field("24h", max_length=100, description="0s to 7d.")


class WebhookOut(Answer):
    """A webhook; its secret is not shown again."""

    id: str
    owner: str = Field(description="Of whose jobs it hears.")
    url: str = Field(description="Where the messages are sent.")
    events: list[EventType] = Field(description="Of which ends it hears.")
    enabled: bool
    created_at: datetime
    changed_at: datetime
    disabled_at: datetime | None
    disabled_why: str | None = Field(description="Why it hears nothing.")


class WebhookMade(WebhookOut):
    """A webhook with its secret, which is shown now and never again."""

    secret: str = Field(description="What messages are signed with; whsec_ and base64.")


class DeliveryOut(Answer):
    """One attempt to deliver a message."""

    id: str
    webhook: str = Field(description="The webhook's id.")
    job: str = Field(description="The job that made it.")
    message: str = Field(description="The id of the message, the same in all its attempts.")
    attempt: int
    at: datetime
    latency_seconds: float | None = Field(description="null: nothing was sent.")
    status: int | None = Field(description="What was answered; null: nothing.")
    error: str | None = Field(description="What went wrong; null: it was delivered.")
    answer: str | None = Field(description="How the answer begins.")


class Sending(Answer):
    """What is on its way."""

    job: str = Field(description="The job that delivers.")
