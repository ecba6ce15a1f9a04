"""Webhooks: where owners of jobs hear of their ends, and what came of each attempt to tell them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import Path, Query, Request, Response

from onbeat.api.answers import (
    digest,
    edition,
    found,
    location_of,
    page_of,
    refuse_edited,
    told,
)
from onbeat.api.auth import allowed, gate_of
from onbeat.api.bodies import routes
from onbeat.api.openapi import CLOSED, EDITS, FINDS, READS, WRITES
from onbeat.api.paging import After, Limit, Listed, place
from onbeat.api.problems import Problem
from onbeat.api.schemas.webhooks import (
    DeliveryOut,
    RotateIn,
    Sending,
    WebhookChange,
    WebhookIn,
    WebhookMade,
    WebhookOut,
)
from onbeat.app.facts.webhooks import delivery_data, webhook_data
from onbeat.app.webhooks import WithSecret
from onbeat.domain.access import LONGEST_OWNER, Permission, Principal
from onbeat.domain.errors import InvalidInput, InvalidSetting
from onbeat.domain.webhooks import Webhook

router = routes("/webhooks", "webhooks")
EXTRA = {"security": CLOSED}
Asker = Annotated[Principal, allowed(Permission.WEBHOOKS_WRITE, own=True)]
Id = Annotated[
    str, Path(max_length=100, description="32 hexadecimal digits, with or without dashes.")
]


@contextmanager
def _set_up() -> Iterator[None]:
    """Without the server's key nothing can be signed, which is nobody's mistake who asks."""
    try:
        yield
    except InvalidSetting as error:
        raise Problem(503, f"webhooks are not set up: {error}", code="not-set-up") from None


def _made(made: WithSecret) -> dict[str, object]:
    return {**webhook_data(made.webhook), "secret": made.secret}


@router.get("", operation_id="webhooks_list", response_model=Listed[WebhookOut],
            responses=READS, openapi_extra=EXTRA)  # fmt: skip
async def list_webhooks(
    request: Request,
    asker: Asker,
    *,
    owner: Annotated[
        str | None, Query(max_length=LONGEST_OWNER, description="Only this one's.")
    ] = None,
    limit: Limit = 50,
    after: After = None,
) -> Response:
    """Webhooks in the order in which they were made."""
    whose = owner if asker.owner is None else asker.owner
    key = place(after, whose)
    rows = await gate_of(request).ob.webhooks.list(whose, after=key, limit=limit + 1)
    return page_of(rows, limit, webhook_data, lambda each: each.id, whose)


@router.post("", operation_id="webhooks_create", status_code=201, response_model=WebhookMade,
             responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def create(request: Request, asker: Asker, body: WebhookIn) -> Response:
    """Make a webhook; the answer is the only place where its secret is shown."""
    owner = body.owner if asker.owner is None else asker.owner
    if owner is None:
        raise InvalidInput("owner", "it is missing; say of whose jobs the webhook hears")
    if body.owner not in (None, owner):
        raise InvalidInput("owner", f"it is another's, and you are {owner}; leave it out")
    with _set_up():
        made = await gate_of(request).ob.webhooks.create(owner, body.url, body.events)
    return told(_made(made), 201, location_of(request, made.webhook.id))


@router.get("/{webhook}", operation_id="webhooks_get", response_model=WebhookOut,
            responses=FINDS, openapi_extra=EXTRA)  # fmt: skip
async def find(request: Request, asker: Asker, webhook: Id) -> Response:
    """One of them, without its secret."""
    wanted = await gate_of(request).ob.webhooks.find(webhook, owner=asker.owner)
    return found(request, webhook_data(wanted), edition(_edition(wanted), webhook_data(wanted)))


@router.patch("/{webhook}", operation_id="webhooks_change", response_model=WebhookOut,
              responses=EDITS, openapi_extra=EXTRA)  # fmt: skip
async def change(request: Request, asker: Asker, webhook: Id, body: WebhookChange) -> Response:
    """Change what is given; what was to be sent while it was disabled is called off."""
    hooks = gate_of(request).ob.webhooks
    refuse_edited(request, _edition(await hooks.find(webhook, owner=asker.owner)), "webhook")
    changed = await hooks.change(
        webhook, owner=asker.owner, url=body.url, events=body.events, enabled=body.enabled
    )
    tag = edition(_edition(changed), webhook_data(changed))
    return told(webhook_data(changed), headers={"ETag": tag})


def _edition(webhook: Webhook) -> str:
    """What tells what it says now from what it said before it was changed."""
    return digest(webhook.id, webhook.changed_at)


@router.delete("/{webhook}", operation_id="webhooks_remove", status_code=204, responses=EDITS,
               openapi_extra=EXTRA)  # fmt: skip
async def remove(request: Request, asker: Asker, webhook: Id) -> Response:
    """Take it away with its record; what was still to be sent to it is called off."""
    hooks = gate_of(request).ob.webhooks
    refuse_edited(request, _edition(await hooks.find(webhook, owner=asker.owner)), "webhook")
    await hooks.remove(webhook, owner=asker.owner)
    return Response(status_code=204)


@router.post("/{webhook}/rotate-secret", operation_id="webhooks_rotate_secret",
             response_model=WebhookMade, responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def rotate_secret(
    request: Request, asker: Asker, webhook: Id, body: RotateIn | None = None
) -> Response:
    """Give it another secret, which is shown here alone; the one before signs too for a while."""
    with _set_up():
        made = await gate_of(request).ob.webhooks.rotate_secret(
            webhook, owner=asker.owner, keep_for=(body or RotateIn.model_validate({})).keep_for
        )
    return told(_made(made))


@router.post("/{webhook}/ping", operation_id="webhooks_ping", status_code=202,
             response_model=Sending, responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def ping(request: Request, asker: Asker, webhook: Id) -> Response:
    """Send a message that tells of nothing, to see whether it arrives."""
    with _set_up():
        job = await gate_of(request).ob.webhooks.ping(webhook, owner=asker.owner)
    return told({"job": job}, 202)


@router.get("/{webhook}/deliveries", operation_id="webhooks_deliveries",
            response_model=Listed[DeliveryOut], responses=FINDS, openapi_extra=EXTRA)  # fmt: skip
async def deliveries(
    request: Request, asker: Asker, webhook: Id, limit: Limit = 50, after: After = None
) -> Response:
    """The attempts to deliver to it, the newest first."""
    key = place(after, webhook)
    rows = await gate_of(request).ob.webhooks.deliveries(
        webhook, owner=asker.owner, before=key, limit=limit + 1
    )
    return page_of(rows, limit, delivery_data, lambda each: each.id, webhook)


@router.post("/{webhook}/deliveries/{delivery}/resend", operation_id="webhooks_resend",
             status_code=202, response_model=Sending, responses=WRITES,
             openapi_extra=EXTRA)  # fmt: skip
async def resend(request: Request, asker: Asker, webhook: Id, delivery: Id) -> Response:
    """Send the message of an attempt once more, under the same id."""
    with _set_up():
        job = await gate_of(request).ob.webhooks.resend(
            delivery, owner=asker.owner, webhook=webhook
        )
    return told({"job": job}, 202)
