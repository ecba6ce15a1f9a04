"""A signed webhook, as Standard Webhooks 1.0.0 has it"""

from __future__ import annotations

import os
from typing import Any, Final

import msgspec

from onbeat.alerts.channels.outlet import Where, need, refuse_others
from onbeat.alerts.channels.posting import JSON, host_of, post
from onbeat.alerts.messages import Letter
from onbeat.domain.notices import Came, Item, NoticeKind
from onbeat.domain.webhooks import KEY_BYTES, headers_of, read_secret, write_secret
from onbeat.outbound.client import Client

LONGEST_BODY: Final = 20_000
"""Bytes, as the specification advises."""

LONGEST_SAID: Final = 1_000
"""Characters of a text in it."""


class Webhook:
    """Sends JSON that is signed."""

    fields: tuple[str, ...] = ("url", "secret")

    def __init__(self, client: Client) -> None:
        """Send with `client`."""
        self._client = client

    async def read(self, given: Where) -> Where:
        """The URL and the secret; one is made where none is given. Raises InvalidInput."""
        refuse_others(given, self.fields, "webhook")
        url = need(given, "url", "the URL that it is sent to")
        secret = given.get("secret")
        if secret is None:
            secret = write_secret(os.urandom(KEY_BYTES))
        read_secret(secret)
        await self._client.check(url)
        return {"url": url, "secret": secret}

    def shown(self, where: Where) -> str:
        """Its host."""
        return host_of(where["url"])

    async def send(self, where: Where, letter: Letter) -> Came:
        """Send the message, signed for this attempt."""
        body = body_of(letter)
        headers = headers_of(message_of(letter), letter.at, body, [where["secret"]])
        return await post(self._client, where["url"], body, letter.at, headers={**JSON, **headers})


def message_of(letter: Letter) -> str:
    """The id of the message: the same however often it is sent."""
    return f"msg_{letter.notice.id}"


def body_of(letter: Letter) -> bytes:
    """What is sent; with fewer incidents where it would be too long."""
    items = letter.notice.items
    for count in range(len(items), -1, -1):
        body = msgspec.json.encode(_said(letter, items[:count]))
        if len(body) <= LONGEST_BODY:
            return body
    return body


def _said(letter: Letter, items: tuple[Item, ...]) -> dict[str, Any]:
    notice = letter.notice
    return {
        "type": type_of(letter),
        "timestamp": notice.made_at,
        "data": {
            "notice": notice.id,
            "thread": letter.key,
            "rule": notice.rule,
            "severity": str(notice.severity),
            "environment": letter.environment,
            "title": letter.title,
            "text": letter.text[:LONGEST_SAID],
            "count": notice.count,
            "open": letter.left,
            "incidents": [_incident(each) for each in items],
        },
    }


def type_of(letter: Letter) -> str:
    """What the message tells of: `incident.opened`, `incident.resolved`, …, `test.ping`."""
    notice = letter.notice
    if notice.kind is NoticeKind.TEST:
        return "test.ping"
    if notice.kind in (NoticeKind.MORE, NoticeKind.REPEATED, NoticeKind.ESCALATED):
        return f"incident.{notice.kind}"
    return f"incident.{letter.first.tells}"


def _incident(item: Item) -> dict[str, Any]:
    facts, last = item.facts, item.facts.last_error
    return {
        "id": item.incident,
        "change": str(item.tells),
        "at": item.at,
        "kind": str(item.kind),
        "subject": item.subject,
        "name": item.name,
        "severity": str(item.severity),
        "what": facts.what[:LONGEST_SAID],
        "since": facts.since,
        "resolved_at": item.resolved_at,
        "error": last and ": ".join(filter(None, (last.type, last.message)))[:LONGEST_SAID],
        "place": last and last.place,
        "last_good_at": facts.last_good_at,
        "try": [each[:LONGEST_SAID] for each in facts.to_try[:5]],
        "link": facts.link,
        "by": item.by,
        "note": item.note and item.note[:LONGEST_SAID],
    }
