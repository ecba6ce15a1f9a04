"""Webhooks as the Standard Webhooks specification 1.0.0 has them: who hears of which ends, what a
message says, how it is signed, when a delivery is tried again. Pure.

A message is signed with each secret that is good at the time: while a secret is being replaced a
receiver may still know the one before.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from onbeat.domain.errors import InvalidInput, OnbeatError
from onbeat.domain.jobs import JobId, drawn_id
from onbeat.domain.retries import Randomness, Retry
from onbeat.domain.states import State

TASK = "onbeat.webhook"
"""The name of the built-in task that delivers a message."""
QUEUE = "webhooks"

TOLERANCE = timedelta(minutes=5)
"""How far a message's timestamp may lie from a receiver's clock."""

SECRET_HEAD = "whsec_"  # noqa: S105 - how a secret begins
SHORTEST_KEY, LONGEST_KEY = 24, 64
KEY_BYTES = 32

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"

DELAYS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""How long after each failed attempt the next is made: the schedule of the specification."""

JITTER = 0.1
"""By how much of itself a delay may be longer, so that what failed together comes back apart."""

RETRY = Retry(1 + len(DELAYS), base="5s", factor=3, cap="24h")
"""For what a delivery's own delay says nothing of, such as a store out of reach; never longer."""


class EventType(StrEnum):
    """What a message tells of."""

    COMPLETED = "job.completed"
    FAILED = "job.failed"
    CANCELLED = "job.cancelled"


PING = "webhook.ping"
"""The type of a message that is sent to see whether it arrives."""

EVENT_OF = {
    State.COMPLETED: EventType.COMPLETED,
    State.FAILED: EventType.FAILED,
    State.CANCELLED: EventType.CANCELLED,
}


class InvalidSignature(OnbeatError):
    """A message that nobody who knows the secret has sent just now."""

    exit_code = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Where an owner's messages go, and which; its secrets are not in it."""

    id: str
    owner: str
    url: str
    events: tuple[EventType, ...]
    enabled: bool
    created_at: datetime
    changed_at: datetime
    disabled_at: datetime | None = None
    disabled_why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One attempt to deliver a message."""

    id: str
    webhook: str
    job: JobId
    """The job that made the attempt."""
    message: str
    attempt: int
    at: datetime
    latency: timedelta | None = None
    """From the request to the end of its answer; None where nothing was sent."""
    status: int | None = None
    """What the receiver answered; None where it did not."""
    error: str | None = None
    """What went wrong; None for a delivery that succeeded."""
    answer: str | None = None
    """How the answer begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnd:
    """A job that ended, as far as a message tells of it."""

    job: JobId
    task: str
    schedule: str | None
    state: State
    attempts: int
    finished_at: datetime
    error: str | None = None
    """The name of the class of what it failed with."""
    error_class: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: the same for every attempt, and to every webhook that hears of the end."""

    id: str
    type: str
    body: str


@dataclass(frozen=True, slots=True)
class Received:
    """A message that was verified; `id` is the same however often it comes."""

    id: str
    type: str
    timestamp: datetime
    """When that happened of which it tells."""
    data: dict[str, Any]


class Verdict(StrEnum):
    """What a receiver's answer means."""

    DELIVERED = "delivered"
    AGAIN = "again"
    """It may be taken the next time."""
    GONE = "gone"
    """The receiver wants no more of it."""
    REFUSED = "refused"
    """Sending it again would not change that."""


COME_BACK = frozenset({408, 409, 425, 429})


def judge(status: int) -> Verdict:
    """What an answer of that status means."""
    if 200 <= status < 300:
        return Verdict.DELIVERED
    if status == 410:
        return Verdict.GONE
    if status in COME_BACK or status >= 500:
        return Verdict.AGAIN
    return Verdict.REFUSED


def delay_after(attempt: int, randomness: Randomness) -> timedelta:
    """How long to wait after attempt number `attempt`, 1 for the first, has failed."""
    plain = DELAYS[min(max(attempt, 1), len(DELAYS)) - 1]
    return plain * (1 + JITTER * randomness.random())


def read_events(events: Sequence[str]) -> tuple[EventType, ...]:
    """Which events are wanted, each once; all of them where none is named. Raises InvalidInput."""
    if isinstance(events, str):
        raise InvalidInput("events", f"{events!r} is one text; give a list: [{events!r}]")
    known = {str(each) for each in EventType}
    for event in events:
        if event not in known:
            told = f"{event!r} is not known; give some of {', '.join(EventType)}"
            raise InvalidInput("events", told)
    return tuple(each for each in EventType if not events or each in events)


def message_of(end: JobEnd) -> Message:
    """The message that tells of an end; told twice, it is the same one."""
    kind = EVENT_OF[end.state]
    data = {
        "job": end.job,
        "task": end.task,
        "schedule": end.schedule,
        "state": str(end.state),
        "attempts": end.attempts,
        "finished_at": end.finished_at,
        "error": end.error,
        "error_class": end.error_class,
    }
    body = msgspec.json.encode({"type": kind, "timestamp": end.finished_at, "data": data})
    return Message("msg_" + _digest(end)[:32], kind, body.decode())


def ping_of(webhook: str, unique: str, at: datetime) -> Message:
    """A message that tells of nothing, for who sets up a receiver."""
    body = msgspec.json.encode({"type": PING, "timestamp": at, "data": {"webhook": webhook}})
    return Message(f"msg_{unique}", PING, body.decode())


def delivery_id(end: JobEnd, webhook: str) -> JobId:
    """The id of the job that delivers the message of an end to a webhook: told of twice, the end
    makes one job.
    """
    return drawn_id(int(end.finished_at.timestamp() * 1000), _digest(end, webhook))


def _digest(end: JobEnd, *more: str) -> str:
    said = "/".join((end.job, end.finished_at.isoformat(), *more))
    return hashlib.sha256(said.encode()).hexdigest()


def write_secret(key: bytes) -> str:
    """The text of a secret."""
    return SECRET_HEAD + base64.b64encode(key).decode()


def read_secret(secret: str) -> bytes:
    """The key of a secret's text. Raises InvalidInput, which does not show it."""
    wanted = f"give {SECRET_HEAD} and base64 of {SHORTEST_KEY} to {LONGEST_KEY} bytes"
    if not isinstance(secret, str) or not secret.startswith(SECRET_HEAD):
        raise InvalidInput("secret", f"it does not begin with {SECRET_HEAD}; {wanted}")
    try:
        key = base64.b64decode(secret[len(SECRET_HEAD) :], validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput("secret", f"it is no base64; {wanted}") from None
    if not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
        raise InvalidInput("secret", f"it has {len(key)} bytes; {wanted}")
    return key


def sign(secret: str, message: str, timestamp: int, body: bytes) -> str:
    """The signature of a message that is sent at `timestamp`, in seconds since 1970."""
    signed = b".".join((message.encode(), str(timestamp).encode(), body))
    digest = hmac.new(read_secret(secret), signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def headers_of(message: str, at: datetime, body: bytes, secrets: Iterable[str]) -> dict[str, str]:
    """The headers of an attempt at the moment `at`, signed with each of the secrets."""
    timestamp = int(at.timestamp())
    return {
        ID: message,
        TIMESTAMP: str(timestamp),
        SIGNATURE: " ".join(sign(secret, message, timestamp, body) for secret in secrets),
    }


def verify(
    body: bytes | str,
    headers: Mapping[str, str],
    secrets: str | Sequence[str],
    now: datetime,
    tolerance: timedelta = TOLERANCE,
) -> Received:
    """The message in a request, whose `body` is as it came. Raises InvalidSignature, and
    InvalidInput for a secret that is none.
    """
    raw = body.encode() if isinstance(body, str) else bytes(body)
    return _read(authenticate(raw, headers, secrets, now, tolerance), raw)


def authenticate(
    raw: bytes,
    headers: Mapping[str, str],
    secrets: str | Sequence[str],
    now: datetime,
    tolerance: timedelta = TOLERANCE,
) -> str:
    """The id of a request's message, whatever it says. Raises as `verify` does."""
    given = {name.lower(): value for name, value in headers.items()}
    message, signatures = _header(given, ID), _header(given, SIGNATURE)
    timestamp = _timestamp(_header(given, TIMESTAMP), now, tolerance)
    listed = [secrets] if isinstance(secrets, str) else list(secrets)
    wanted = [sign(secret, message, timestamp, raw).encode() for secret in listed]
    # All are compared with all: how long it takes says nothing of which one is right.
    matches = [
        hmac.compare_digest(signature.encode(), each)
        for signature in signatures.split(" ")
        for each in wanted
    ]
    if not any(matches):
        raise InvalidSignature(
            "no signature fits; verify the body as it came, before it is parsed, with the secret "
            "of this webhook"
        )
    return message


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name, "")
    if not value:
        raise InvalidSignature(
            f"the header {name} is missing; hand over all headers of the request"
        )
    if not value.isascii() or (name == ID and "." in value):
        raise InvalidSignature(f"the header {name} has what no sender of ours writes; refuse it")
    return value


def _timestamp(text: str, now: datetime, tolerance: timedelta) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 12):
        raise InvalidSignature(f"the header {TIMESTAMP} is no number; refuse the request")
    apart = int(text) - now.timestamp()
    if abs(apart) > tolerance.total_seconds():
        told = "in the future" if apart > 0 else "old"
        raise InvalidSignature(
            f"the message is {abs(apart):.0f} s {told}; refuse it, or set the receiver's clock"
        )
    return int(text)


class _Body(msgspec.Struct):
    type: str
    timestamp: datetime
    data: dict[str, Any]


def _read(message: str, raw: bytes) -> Received:
    try:
        said = msgspec.json.decode(raw, type=_Body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput("body", f"it is no message of ours: {error}; leave it out") from None
    return Received(message, said.type, said.timestamp, said.data)
