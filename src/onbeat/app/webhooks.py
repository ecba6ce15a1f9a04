"""Commands on webhooks."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import msgspec

from onbeat.app.context import Context
from onbeat.app.facts.webhooks import webhook_data
from onbeat.app.looking import compared, has_changed, looking
from onbeat.domain.addresses import read_allowed
from onbeat.domain.disabling import by_hand
from onbeat.domain.durations import read_duration
from onbeat.domain.errors import Conflict, InvalidInput
from onbeat.domain.jobs import JobId, NewJob, check_page, parse_job_id
from onbeat.domain.marks import check_owner, marks
from onbeat.domain.webhooks import (
    KEY_BYTES,
    QUEUE,
    RETRY,
    TASK,
    Delivery,
    Webhook,
    ping_of,
    read_events,
    write_secret,
)
from onbeat.outbound.client import Client
from onbeat.outbound.targets import Rules
from onbeat.runtime.webhooks import Sender, sealed_for, webhook_definition
from onbeat.sealing import Vault
from onbeat.settings import Settings
from onbeat.store import replacing
from onbeat.store import webhooks as stored
from onbeat.store.store import T, Work
from onbeat.store.webhooks import Change

LONGEST_ROTATION = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class WithSecret:
    """A webhook and its secret, which is shown this once."""

    webhook: Webhook
    secret: str

    def __repr__(self) -> str:
        """Show the webhook alone."""
        return f"<WithSecret {self.webhook.id}>"


class Webhooks:
    """`ob.webhooks`: where owners of jobs hear of their ends.

    Where an `owner` is given, the webhooks of others are as if they were not there.
    """

    def __init__(self, context: Context, settings: Settings, client: Client | None = None) -> None:
        """Made by the application; `client` is what sends, by default one by the settings."""
        self._context = context
        self._vault = Vault(settings.secret_key or ())
        self._client = client or Client(rules_of(settings))
        self._sender = Sender(context.store, self._vault, self._client, context.tally)
        if settings.secret_key:
            context.registry.add(webhook_definition(self._sender))

    async def create(self, owner: str, url: str, events: Sequence[str] = ()) -> WithSecret:
        """Send messages on ends of the owner's jobs to `url`: on those `events`, or on all.

        Raises InvalidInput, InvalidSetting without ONBEAT_SECRET_KEY, ExtraMissing, and Conflict
        where the owner has too many.
        """
        self._vault.check()
        check_owner(owner)
        wanted = read_events(events)
        await self._client.check(url)
        store, secret = await self._context.store(), _new_secret()
        identity = store.new_id()
        sealed = self._vault.seal(secret, sealed_for(identity))
        made = await self._change(
            "create", identity,
            partial(stored.create, identity=identity, owner=owner, url=url, events=wanted,
                    secret=sealed),
        )  # fmt: skip
        return WithSecret(made, secret)

    async def list(
        self, owner: str | None = None, *, after: str | None = None, limit: int | None = None
    ) -> Sequence[Webhook]:
        """All webhooks, or the owner's, the oldest first; up to `limit` of those after the id
        `after`. Raises InvalidInput.
        """
        last = None if after is None else _id(after)
        listed = partial(stored.list_webhooks, owner=owner, after=last, limit=limit)
        return await self._context.read(listed)

    async def find(self, webhook: str, *, owner: str | None = None) -> Webhook:
        """The webhook of that id. Raises NotFound."""
        return await self._context.read(partial(stored.find, webhook=_id(webhook), owner=owner))

    async def change(
        self,
        webhook: str,
        *,
        owner: str | None = None,
        url: str | None = None,
        events: Sequence[str] | None = None,
        enabled: bool | None = None,
    ) -> Webhook:
        """Change what is given; what is not stays, and what says the same changes nothing.

        Raises InvalidInput, NotFound.
        """
        if url is not None:
            await self.find(webhook, owner=owner)
            await self._client.check(url)
        wanted = Change(
            url=url,
            events=None if events is None else read_events(events),
            enabled=enabled,
            why=by_hand(),
        )
        identity = _id(webhook)
        work = compared(
            partial(stored.find, webhook=identity, owner=owner),
            partial(stored.change, webhook=identity, owner=owner, wanted=wanted),
        )
        changed, _ = await self._change("change", identity, work, has_changed)
        return changed

    async def remove(self, webhook: str, *, owner: str | None = None) -> None:
        """Take it away, and the record of its deliveries. Raises NotFound."""
        identity = _id(webhook)
        await self._change(
            "remove", identity, partial(stored.remove, webhook=identity, owner=owner)
        )

    async def rotate_secret(
        self, webhook: str, *, owner: str | None = None, keep_for: str | timedelta = "24h"
    ) -> WithSecret:
        """Give it another secret; messages are signed with the one before too for so long.

        Raises NotFound, InvalidInput, InvalidSetting, ExtraMissing.
        """
        kept = read_duration(keep_for, "keep_for")
        if not timedelta() <= kept <= LONGEST_ROTATION:
            raise InvalidInput("keep_for", f"{keep_for!r} is out of range; give 0s to 7d")
        identity, secret = (await self.find(webhook, owner=owner)).id, _new_secret()
        sealed = self._vault.seal(secret, sealed_for(identity))
        changed = await self._change(
            "rotate_secret", identity,
            partial(stored.exchange_secret, webhook=identity, owner=owner, secret=sealed,
                    keep_for=kept),
        )  # fmt: skip
        return WithSecret(changed, secret)

    async def deliveries(
        self, webhook: str, *, owner: str | None = None, before: str | None = None, limit: int = 50
    ) -> Sequence[Delivery]:
        """Its attempts, the newest first, a page at a time: those before `before`, the last of
        another page. Raises NotFound, InvalidInput.
        """
        check_page(limit)
        return await self._context.read(
            partial(stored.list_deliveries, webhook=_id(webhook), owner=owner,
                    before=None if before is None else _delivery_id(before), limit=limit)
        )  # fmt: skip

    async def resend(
        self, delivery: str, *, owner: str | None = None, webhook: str | None = None
    ) -> JobId:
        """Send the message of a delivery once more, under the same id, by a job of its own; one of
        that `webhook` alone, where it is given.

        Raises NotFound, InvalidSetting, and Conflict where the message is no longer kept.
        """
        identity = _delivery_id(delivery)
        of = None if webhook is None else _id(webhook)
        args, whose = await self._context.read(
            partial(stored.said_by, delivery=identity, owner=owner, webhook=of)
        )
        self._vault.check()
        return await self._send("resend", ("delivery", identity), args.encode(), whose)

    async def ping(self, webhook: str, *, owner: str | None = None) -> JobId:
        """Send a message that tells of nothing, to see whether it arrives; the job that does.

        Raises NotFound, InvalidSetting, and Conflict for a webhook that is disabled.
        """
        found = await self.find(webhook, owner=owner)
        self._vault.check()
        if not found.enabled:
            raise Conflict(f"webhook {found.id} is disabled: {found.disabled_why}; enable it first")
        store = await self._context.store()
        message = ping_of(found.id, store.new_id(), await store.read(lambda _, now: now))
        args = {"webhook": found.id, "message": message.id, "body": message.body}
        subject = ("webhook", found.id)
        return await self._send("ping", subject, msgspec.json.encode(args), found.owner)

    async def _send(self, verb: str, subject: tuple[str, str], args: bytes, owner: str) -> JobId:
        """Ask for a job that delivers: the owner's too, of whose end nobody hears."""
        store = await self._context.store()
        job = NewJob(id=store.new_id(), task=TASK, args=args, queue=QUEUE, is_marked=True,
                     max_attempts=RETRY.attempts, ties=marks((), owner))  # fmt: skip
        await self._context.change(
            f"webhook.{verb}", subject, partial(replacing.enqueue, wanted=[job]),
            told={"job": job.id},
        )  # fmt: skip
        store.wakeups.send([QUEUE])
        return job.id

    async def _change(
        self, verb: str, webhook: str, work: Work[T], is_change: Callable[[T], bool] | None = None
    ) -> T:
        """Do what somebody asked for of the webhook of that id."""
        look = looking(partial(stored.find, webhook=webhook), webhook_data)
        return await self._context.change(
            f"webhook.{verb}", ("webhook", webhook), work, look=look, is_change=is_change
        )


def rules_of(settings: Settings) -> Rules:
    """Where requests may go that somebody gave the target of."""
    allowed = read_allowed("ONBEAT_OUTBOUND_ALLOW", settings.outbound_allow or ())
    return Rules(allowed, settings.outbound_http)


def _new_secret() -> str:
    return write_secret(os.urandom(KEY_BYTES))


def _id(webhook: str) -> str:
    return parse_job_id(webhook, "webhook")


def _delivery_id(delivery: str) -> str:
    return parse_job_id(delivery, "delivery")
