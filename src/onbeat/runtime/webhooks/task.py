"""The task itself: find the webhook, sign, send, put it on record, and say what follows.

Every attempt is on record before its outcome is: what is not is an attempt whose worker died. A
message may come twice, never with another id.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus

import msgspec
from sqlalchemy import Connection

from onbeat.domain.error_classes import Permanent, RateLimited, Transient, retry_after
from onbeat.domain.errors import InvalidInput, NotFound
from onbeat.domain.jobs import DEFAULT_PRIORITY, parse_job_id
from onbeat.domain.outcomes import Cancel
from onbeat.domain.requests import RequestKind, RequestOutcome
from onbeat.domain.retries import Randomness
from onbeat.domain.webhooks import (
    DELAYS,
    QUEUE,
    RETRY,
    TASK,
    Delivery,
    Verdict,
    Webhook,
    delay_after,
    headers_of,
    judge,
)
from onbeat.outbound.client import Answer, Client, Unanswered
from onbeat.outbound.tally import Tally
from onbeat.outbound.targets import TargetRefused
from onbeat.runtime.run import Run
from onbeat.runtime.tasks import Definition, define
from onbeat.sealing import SealBroken, Vault
from onbeat.store import webhooks as stored
from onbeat.store.store import Store
from onbeat.store.webhooks import Sealed

TIMEOUT = timedelta(seconds=60)
"""Of an attempt: what a request may take, and the store at both ends of it."""

KEPT = 1_024
"""Characters of an answer that are kept."""

LONGEST_LOCATION = 200

GONE = "it was answered 410 Gone: the receiver wants no more, and the webhook is disabled"


class DeliveryFailed(Transient):
    """An attempt that did not arrive; the next is made when `retry_after` is over."""

    def __init__(self, told: str, retry_after: timedelta) -> None:
        """Tell what happened, and how long to wait."""
        super().__init__(told)
        self.retry_after = retry_after
        self.remote_traceback = f"DeliveryFailed: {told}"
        """What is kept of the error; no traceback of ours says anything about a receiver."""


class DeliveryRefused(Permanent):
    """A message that will not be sent again: the receiver, or we, would refuse it again."""

    def __init__(self, told: str) -> None:
        """Tell who refuses it, and why."""
        super().__init__(told)
        self.remote_traceback = f"DeliveryRefused: {told}"


class Sent(msgspec.Struct):
    """The result of a delivery."""

    status: int
    delivery: str


class Sender:
    """Delivers messages: what a job of the task has at hand."""

    def __init__(
        self,
        store: Callable[[], Awaitable[Store]],
        vault: Vault,
        client: Client,
        tally: Tally,
    ) -> None:
        """Look into `store`, open secrets with `vault`, send with `client`, count with `tally`."""
        self._store = store
        self._vault = vault
        self._client = client
        self._tally = tally

    async def send(self, run: Run, webhook: str, message: str, body: str) -> Sent:
        """Make one attempt. Raises DeliveryFailed, DeliveryRefused, and Cancel where nobody is to
        hear of it any more.
        """
        _check(webhook, message)
        store = await self._store()
        found, sealed = await _find(store, webhook)
        plain = Delivery(id=store.new_id(), webhook=webhook, job=run.job, message=message,
                         attempt=run.attempt, at=run.now)  # fmt: skip
        came = await self._exchange(found, sealed, plain, body.encode())
        error = _failure(came, plain, store.randomness)
        made = _filled(plain, came, error)
        if made.latency is not None:
            self._tally.count(RequestKind.WEBHOOK, _outcome(error), made.latency.total_seconds())
        is_gone = isinstance(came, Answer) and judge(came.status) is Verdict.GONE
        await store.write(partial(_record, made=made, is_gone=is_gone))
        if error is not None:
            raise error
        assert made.status is not None  # noqa: S101 - it has arrived
        return Sent(status=made.status, delivery=made.id)

    async def _exchange(
        self, found: Webhook, sealed: Sealed, plain: Delivery, body: bytes
    ) -> Answer | Exception:
        """What comes of an attempt: an answer, or why there is none."""
        try:
            secrets = [
                self._vault.open(each, sealed_for(found.id))
                for each in (sealed.secret, sealed.former)
                if each is not None
            ]
            headers = headers_of(plain.message, plain.at, body, secrets)
            headers["Content-Type"] = "application/json"
            return await self._client.post(found.url, body, headers)
        except (SealBroken, TargetRefused, Unanswered) as error:
            return error


def _check(webhook: str, message: str) -> None:
    """Raise DeliveryRefused for what no end has made: somebody has asked for the job by hand."""
    try:
        parse_job_id(webhook, "webhook")
    except InvalidInput as error:
        raise DeliveryRefused(str(error)) from None
    if not (message.isascii() and message.replace("_", "").isalnum()):
        raise DeliveryRefused("message: it is no message's id; resend a delivery instead")


async def _find(store: Store, webhook: str) -> tuple[Webhook, Sealed]:
    try:
        found, sealed = await store.read(partial(_both, webhook=webhook))
    except NotFound:
        raise Cancel("the webhook was removed") from None
    if not found.enabled:
        raise Cancel(f"the webhook is disabled: {found.disabled_why}")
    return found, sealed


def _both(connection: Connection, now: datetime, webhook: str) -> tuple[Webhook, Sealed]:
    found = stored.find(connection, now, webhook)
    return found, stored.secrets_of(connection, now, webhook)


def _record(connection: Connection, now: datetime, made: Delivery, *, is_gone: bool) -> None:
    stored.record(connection, now, made)
    if is_gone:
        stored.disable(connection, now, made.webhook, GONE)


def sealed_for(webhook: str) -> str:
    """The purpose that a webhook's secrets are sealed for."""
    return f"webhook {webhook}"


def _failure(came: Answer | Exception, plain: Delivery, randomness: Randomness) -> Exception | None:
    """The error of an attempt; None where it has arrived."""
    wait = delay_after(plain.attempt, randomness)
    if isinstance(came, Unanswered):
        return DeliveryFailed(str(came), wait)
    if isinstance(came, Exception):
        return DeliveryRefused(str(came))
    match judge(came.status):
        case Verdict.DELIVERED:
            return None
        case Verdict.AGAIN:
            return DeliveryFailed(_told(came), max(wait, _asked(came, plain.at)))
        case Verdict.GONE:
            return DeliveryRefused(GONE)
        case _:
            return DeliveryRefused(_told(came))


def _outcome(error: Exception | None) -> RequestOutcome:
    if error is None:
        return RequestOutcome.SENT
    is_refused = isinstance(error, DeliveryRefused)
    return RequestOutcome.REFUSED if is_refused else RequestOutcome.AGAIN


def _asked(answer: Answer, now: datetime) -> timedelta:
    """How long the receiver asks to wait; no longer than the longest delay there is."""
    if answer.retry_after is None:
        return timedelta()
    asked = retry_after(RateLimited(retry_after=answer.retry_after), now)
    return min(asked or timedelta(), DELAYS[-1])


def _told(answer: Answer) -> str:
    status = answer.status
    try:
        told = f"it was answered {status} {HTTPStatus(status).phrase}"
    except ValueError:
        told = f"it was answered {status}"
    if not 300 <= status < 400:
        return told
    to = f" to {answer.location[:LONGEST_LOCATION]!r}" if answer.location else ""
    return f"{told}{to}; redirects are not followed: change the webhook's url"


def _filled(plain: Delivery, came: Answer | Exception, error: Exception | None) -> Delivery:
    told = None if error is None else str(error)
    if isinstance(came, Answer):
        return replace(
            plain, status=came.status, latency=timedelta(seconds=came.seconds), error=told,
            answer=came.body.decode(errors="replace")[:KEPT] or None,
        )  # fmt: skip
    seconds = came.seconds if isinstance(came, Unanswered) else None
    return replace(
        plain, error=told, latency=None if seconds is None else timedelta(seconds=seconds)
    )


def webhook_definition(sender: Sender) -> Definition:
    """The task as an application registers it."""

    async def webhook(run: Run, webhook: str, message: str, body: str) -> Sent:
        return await sender.send(run, webhook, message, body)

    return define(
        webhook,
        name=TASK,
        queue=QUEUE,
        priority=DEFAULT_PRIORITY,
        timeout=TIMEOUT,
        retry=RETRY,
        isolate=None,
    )
