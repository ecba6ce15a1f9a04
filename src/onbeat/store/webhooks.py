"""Webhooks and the record of their deliveries, cold. Secrets come and go sealed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import (
    Connection,
    Row,
    Select,
    and_,
    delete,
    func,
    insert,
    literal,
    null,
    select,
    update,
)

from onbeat.domain.errors import Conflict, NotFound
from onbeat.domain.jobs import JobId
from onbeat.domain.webhooks import TASK, Delivery, EventType, Webhook
from onbeat.store.among import among
from onbeat.store.cleaning import AT_ONCE, Walk
from onbeat.store.declaring import be_alone
from onbeat.store.payloads import encode, micros
from onbeat.store.schema import deliveries, jobs, webhooks

MOST_OF_ONE_OWNER = 20
"""Webhooks; each end of a job of its owner may make a job for each of them."""

_read_names = msgspec.json.Decoder(list[str]).decode

_SHOWN = [
    column
    for column in webhooks.c
    if column.name not in ("secret", "former_secret", "former_until")
]


@dataclass(frozen=True, slots=True)
class Sealed:
    """A webhook's secrets, sealed: the one it has, and the one before while that is good too."""

    secret: str
    former: str | None

    def __repr__(self) -> str:
        """Show nothing."""
        return "<Sealed>"


def create(
    connection: Connection,
    now: datetime,
    *,
    identity: str,
    owner: str,
    url: str,
    events: Sequence[EventType],
    secret: str,
) -> Webhook:
    """Keep a webhook with its sealed secret. Raises Conflict where its owner has too many."""
    be_alone(connection, f"webhooks of {owner}")
    query = select(func.count()).where(webhooks.c.owner == owner)
    if (connection.scalar(query) or 0) >= MOST_OF_ONE_OWNER:
        raise Conflict(f"{owner} has {MOST_OF_ONE_OWNER} webhooks, which is the most; remove one")
    connection.execute(
        insert(webhooks).values(
            id=identity, owner=owner, url=url, events=_written(events), secret=secret, enabled=1,
            created_at=now, changed_at=now,
        )
    )  # fmt: skip
    return find(connection, now, identity)


def find(connection: Connection, now: datetime, webhook: str, owner: str | None = None) -> Webhook:
    """The webhook of that id; with `owner`, of that one alone. Raises NotFound."""
    row = connection.execute(select(*_SHOWN).where(webhooks.c.id == webhook)).first()
    if row is None or owner not in (None, row.owner):
        raise NotFound(f"no webhook {webhook}")
    return _webhook(row)


def list_webhooks(
    connection: Connection, now: datetime, owner: str | None = None, *, after: str | None = None,
    limit: int | None = None,
) -> list[Webhook]:  # fmt: skip
    """All webhooks, or those of one owner, the oldest first, a page at a time."""
    query = select(*_SHOWN).order_by(webhooks.c.id).limit(limit)
    if after is not None:
        query = query.where(webhooks.c.id > after)
    if owner is not None:
        query = query.where(webhooks.c.owner == owner)
    return [_webhook(row) for row in connection.execute(query)]


def secrets_of(connection: Connection, now: datetime, webhook: str) -> Sealed:
    """What its messages are signed with at the moment. Raises NotFound."""
    query = select(webhooks.c.secret, webhooks.c.former_secret, webhooks.c.former_until)
    row = connection.execute(query.where(webhooks.c.id == webhook)).first()
    if row is None:
        raise NotFound(f"no webhook {webhook}")
    is_good = row.former_until is not None and row.former_until > now
    return Sealed(row.secret, row.former_secret if is_good else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to be different; None leaves it as it is."""

    url: str | None = None
    events: tuple[EventType, ...] | None = None
    enabled: bool | None = None
    why: str | None = None
    """Why it is disabled."""


def change(
    connection: Connection, now: datetime, webhook: str, owner: str | None, wanted: Change
) -> Webhook:
    """Change a webhook, where it says something else. Raises NotFound."""
    before = find(connection, now, webhook, owner)
    values: dict[str, Any] = {}
    if wanted.url not in (None, before.url):
        values["url"] = wanted.url
    if wanted.events not in (None, before.events):
        values["events"] = _written(wanted.events)
    if wanted.enabled not in (None, before.enabled):
        off = not wanted.enabled
        values |= {
            "enabled": int(not off),
            "disabled_at": now if off else None,
            "disabled_why": wanted.why if off else None,
        }
    if not values:
        return before
    values["changed_at"] = now
    connection.execute(update(webhooks).where(webhooks.c.id == webhook).values(**values))
    return find(connection, now, webhook)


def disable(connection: Connection, now: datetime, webhook: str, why: str) -> None:
    """Send nothing more there; one that is disabled or gone already is left as it is."""
    still = and_(webhooks.c.id == webhook, webhooks.c.enabled == 1)
    values = {"enabled": 0, "disabled_at": now, "disabled_why": why, "changed_at": now}
    connection.execute(update(webhooks).where(still).values(**values))


def exchange_secret(
    connection: Connection,
    now: datetime,
    webhook: str,
    owner: str | None,
    secret: str,
    keep_for: timedelta,
) -> Webhook:
    """Sign with another secret from now on, and with the one before for so long. Raises NotFound.

    A third one, from before, is good no more.
    """
    find(connection, now, webhook, owner)
    is_kept = keep_for > timedelta()
    connection.execute(
        update(webhooks)
        .where(webhooks.c.id == webhook)
        .values(
            secret=secret,
            former_secret=webhooks.c.secret if is_kept else null(),
            former_until=now + keep_for if is_kept else None,
            changed_at=now,
        )
    )
    return find(connection, now, webhook)


def remove(connection: Connection, now: datetime, webhook: str, owner: str | None = None) -> None:
    """Take a webhook away, and the record of its deliveries. Raises NotFound.

    Jobs that were to deliver to it end as cancelled when it is their turn.
    """
    find(connection, now, webhook, owner)
    connection.execute(delete(deliveries).where(deliveries.c.webhook == webhook))
    connection.execute(delete(webhooks).where(webhooks.c.id == webhook))


def record(connection: Connection, now: datetime, made: Delivery) -> None:
    """Put an attempt on record, unless its webhook has been removed meanwhile."""
    columns = ("id", "webhook", "job", "message", "attempt", "at", "latency", "status", "error",
               "answer")  # fmt: skip
    latency = None if made.latency is None else micros(made.latency)
    values = [
        literal(latency if name == "latency" else getattr(made, name), deliveries.c[name].type)
        for name in columns
    ]
    still = select(webhooks.c.id).where(webhooks.c.id == made.webhook).exists()
    connection.execute(insert(deliveries).from_select(columns, select(*values).where(still)))


def list_deliveries(
    connection: Connection,
    now: datetime,
    webhook: str,
    owner: str | None,
    before: str | None,
    limit: int,
) -> list[Delivery]:
    """The newest attempts of a webhook first, a page at a time. Raises NotFound."""
    find(connection, now, webhook, owner)
    query = select(deliveries).where(deliveries.c.webhook == webhook)
    if before is not None:
        query = query.where(deliveries.c.id < before)
    query = query.order_by(deliveries.c.id.desc()).limit(limit)
    return [_delivery(row) for row in connection.execute(query)]


def said_by(
    connection: Connection, now: datetime, delivery: str, owner: str | None, webhook: str | None
) -> tuple[str, str]:
    """The arguments of the job that made an attempt, to make it once more, and whose webhook it is.

    Raises NotFound, also for an attempt of another's webhook or of another than `webhook`, and
    Conflict where the job is no longer kept.
    """
    query = select(deliveries.c.job, deliveries.c.webhook, webhooks.c.owner).join_from(
        deliveries, webhooks, webhooks.c.id == deliveries.c.webhook
    )
    row = connection.execute(query.where(deliveries.c.id == delivery)).first()
    if row is None or owner not in (None, row.owner) or webhook not in (None, row.webhook):
        raise NotFound(f"no delivery {delivery}")
    said: Select[Any] = select(jobs.c.args).where(jobs.c.id == row.job, jobs.c.task == TASK)
    found = connection.scalar(said)
    if found is None:
        raise Conflict(f"the message of delivery {delivery} is no longer kept; nothing can be sent")
    return str(found), row.owner


def clean_deliveries(connection: Connection, now: datetime, before: datetime, walk: Walk) -> Walk:
    """Go a step from the oldest attempt on record, and remove those of `before`."""
    query = select(deliveries.c.id, deliveries.c.at).order_by(deliveries.c.id)
    if walk.after is not None:
        query = query.where(deliveries.c.id > walk.after)
    at_once = AT_ONCE[connection.dialect.name]
    rows = connection.execute(query.limit(at_once)).all()
    old = [row.id for row in rows if row.at < before]
    if old:
        connection.execute(delete(deliveries).where(among(connection, deliveries.c.id, old)))
    # Ids are of the moment they were made at, as far as clocks agree: behind what is all newer
    # there is nothing old.
    is_over = len(rows) < at_once or not old
    return Walk(rows[-1].id if rows else None, walk.seen, walk.removed + len(old), is_over)


def _written(events: Sequence[EventType]) -> str:
    return encode(events).decode()


def _known(events: str) -> tuple[EventType, ...]:
    """The events that this Onbeat knows: a newer one may have written others."""
    names = _read_names(events)
    return tuple(each for each in EventType if each in names)


def _webhook(row: Row[Any]) -> Webhook:
    return Webhook(
        id=row.id,
        owner=row.owner,
        url=row.url,
        events=_known(row.events),
        enabled=bool(row.enabled),
        created_at=row.created_at,
        changed_at=row.changed_at,
        disabled_at=row.disabled_at,
        disabled_why=row.disabled_why,
    )


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        id=row.id,
        webhook=row.webhook,
        job=JobId(row.job),
        message=row.message,
        attempt=row.attempt,
        at=row.at,
        latency=None if row.latency is None else timedelta(microseconds=row.latency),
        status=row.status,
        error=row.error,
        answer=row.answer,
    )
