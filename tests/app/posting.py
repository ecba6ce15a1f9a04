"""An application with webhooks, in the words of their laws: what ends, and what is heard of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from onbeat import Onbeat, Permanent, Settings, verify_webhook
from onbeat.app.webhooks import WithSecret
from onbeat.domain.jobs import JobId, NewJob
from onbeat.domain.webhooks import Delivery
from onbeat.testing.kit import Kit
from tests.outbound.receivers import Came

KEY = "a key of a test, which has 32 characters or more"
SETTINGS = Settings(secret_key=(KEY,), outbound_allow=("127.0.0.0/8",), outbound_http=True)


def application(settings: Settings) -> Onbeat:
    ob = Onbeat("postgresql://nobody@production.invalid/shop", settings=settings)

    @ob.task
    def greet() -> None: ...

    @ob.task
    def trip() -> None:
        raise Permanent("password=hunter2")

    return ob


async def enqueue(ob: Onbeat, task: str = "greet", owner: str = "ann") -> JobId:
    """A job of an owner."""
    store = await ob.store()
    job = NewJob(id=store.new_id(), task=task, ties=(f"owner:{owner}", "ends:"))
    await store.enqueue([job])
    return job.id


async def hook(ob: Onbeat, url: str, events: Sequence[str] = ()) -> WithSecret:
    return await ob.webhooks.create("ann", url, events)


def verified(kit: Kit, came: Came, made: WithSecret | str) -> Any:
    secret = made if isinstance(made, str) else made.secret
    return verify_webhook(came.body, came.headers, secret, now=kit.now)


async def attempts(ob: Onbeat, made: WithSecret) -> list[Delivery]:
    """Its attempts, the oldest first."""
    return list(reversed(await ob.webhooks.deliveries(made.webhook.id)))
