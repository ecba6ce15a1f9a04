"""Keys of requests, cold: taken in the transaction of the change that they are for."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from onbeat.domain.request_keys import (
    KEPT_FOR,
    LOST_AFTER,
    Answer,
    KeyedRequest,
    KeyTaken,
    Standing,
)
from onbeat.store.cleaning import AT_ONCE, Walk
from onbeat.store.payloads import encode
from onbeat.store.schema import request_keys

_decode_headers = msgspec.json.Decoder(dict[str, str]).decode


def take(
    connection: Connection, now: datetime, request: KeyedRequest, subject: tuple[str, str] | None
) -> None:
    """Take the key, for a change of `subject` in this transaction. Raises KeyTaken."""
    identities = (request.identity, *request.others)
    mine = request_keys.c.identity.in_(identities)
    connection.execute(delete(request_keys).where(mine, request_keys.c.taken_at <= now - KEPT_FOR))
    kind, name = subject or (None, None)
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    fresh = insert(request_keys).values([
        {
            "identity": each, "asked": request.asked if each == request.identity else each,
            "who": request.who, "taken_at": now, "subject_kind": kind, "subject": name,
            "is_lost": 0, "is_sealed": 0,
        }
        for each in identities
    ])  # fmt: skip
    if connection.execute(fresh.on_conflict_do_nothing()).rowcount < len(identities):
        raise KeyTaken("another request has this Idempotency-Key; ask again for its answer")


def name(connection: Connection, now: datetime, request: KeyedRequest, subject: str) -> None:
    """Say what was made under a key that was taken in this transaction."""
    connection.execute(
        update(request_keys)
        .where(request_keys.c.identity == request.identity)
        .values(subject=subject)
    )


def give_back(connection: Connection, now: datetime, request: KeyedRequest) -> None:
    """Let a key be taken again, of a request that was refused."""
    connection.execute(
        delete(request_keys).where(
            request_keys.c.identity == request.identity, request_keys.c.asked == request.asked
        )
    )


def answered(
    connection: Connection,
    now: datetime,
    request: KeyedRequest,
    answer: Answer,
    sealed: str | None = None,
) -> None:
    """Keep what was answered, its body sealed where that is given."""
    connection.execute(
        update(request_keys)
        .where(request_keys.c.identity == request.identity, request_keys.c.asked == request.asked)
        .values(
            status=answer.status, headers=encode(dict(answer.headers)).decode(),
            body=answer.body if sealed is None else sealed, is_sealed=int(sealed is not None),
        )
    )  # fmt: skip


def lost(connection: Connection, now: datetime, request: KeyedRequest) -> None:
    """Say that there will be no answer."""
    connection.execute(
        update(request_keys)
        .where(request_keys.c.identity == request.identity, request_keys.c.asked == request.asked)
        .values(is_lost=1)
    )


def find(
    connection: Connection, now: datetime, request: KeyedRequest
) -> tuple[Standing, bool] | None:
    """What is stored of the key, and whether its answer is sealed; None where nothing is."""
    row = connection.execute(
        select(request_keys).where(
            request_keys.c.identity == request.identity, request_keys.c.taken_at > now - KEPT_FOR
        )
    ).first()
    if row is None:
        return None
    subject = None if row.subject_kind is None else (row.subject_kind, row.subject)
    answer = None
    if row.status is not None:
        answer = Answer(row.status, _decode_headers(row.headers), row.body)
    is_lost = bool(row.is_lost) or now - row.taken_at > LOST_AFTER
    found = Standing(
        asked=row.asked, taken_at=row.taken_at, subject=subject, is_lost=is_lost, answer=answer
    )
    return found, bool(row.is_sealed)


def clean(connection: Connection, now: datetime, walk: Walk) -> Walk:
    """Go a step from the oldest key on, and remove those that need not be kept."""
    at_once = AT_ONCE[connection.dialect.name]
    query = select(request_keys.c.identity).where(request_keys.c.taken_at <= now - KEPT_FOR)
    old: list[Any] = list(
        connection.scalars(query.order_by(request_keys.c.taken_at).limit(at_once))
    )
    if old:
        mine = request_keys.c.identity.in_(old)
        # Who gave an old key again has taken it anew in this moment.
        is_old = request_keys.c.taken_at <= now - KEPT_FOR
        connection.execute(delete(request_keys).where(mine, is_old))
    return Walk(None, walk.seen, walk.removed + len(old), len(old) < at_once)
