"""PagerDuty, by its Events API v2: trigger, acknowledge, resolve, by one key for what belongs
together.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Final

import msgspec

from onbeat.alerts.channels.outlet import Where, need, refuse_others
from onbeat.alerts.channels.posting import host_of, post
from onbeat.alerts.messages import Letter
from onbeat.domain.channels import Tells
from onbeat.domain.errors import InvalidInput
from onbeat.domain.incidents import Severity
from onbeat.domain.notices import SEEING, Came, NoticeKind, Verdict
from onbeat.outbound.client import Client

EVENTS: Final = "https://events.pagerduty.com/v2/enqueue"
KEY: Final = re.compile(r"[A-Za-z0-9]{32}")
SUMMARY: Final = 1_024
DETAIL: Final = 4_000

SEVERITIES: Final = {each: str(each) for each in Severity}
"""PagerDuty's own four are ours."""


class PagerDuty:
    """Sends events under an integration key."""

    fields: tuple[str, ...] = ("key", "url")

    def __init__(self, client: Client) -> None:
        """Send with `client`."""
        self._client = client

    async def read(self, given: Where) -> Where:
        """The key, and where events go: another URL for PagerDuty's EU. Raises InvalidInput."""
        refuse_others(given, self.fields, "pagerduty")
        key = need(given, "key", "the integration key of an Events API v2 integration")
        if not KEY.fullmatch(key):
            raise InvalidInput("key", "it is no integration key; those have 32 letters and digits")
        url = given.get("url") or EVENTS
        await self._client.check(url)
        return {"key": key, "url": url}

    def shown(self, where: Where) -> str:
        """The host; nothing of the key."""
        return host_of(where["url"])

    async def send(self, where: Where, letter: Letter) -> Came:
        """Send the event that the notice stands for; none while others of its thread are open."""
        action = action_of(letter)
        if action is None:
            return Came(verdict=Verdict.SENT, answer=_why_nothing(letter))
        body = msgspec.json.encode(event_of(letter, action, where["key"]))
        came = await post(self._client, where["url"], body, letter.at, judge=_judge)
        if came.answer is not None:
            came = replace(came, answer=came.answer.replace(where["key"], "…"))
        if came.verdict is Verdict.SENT and not _is_taken(came.answer, letter):
            return replace(came, doubt=f"it was answered {came.status} without PagerDuty's words")
        if came.verdict is Verdict.SENT and letter.notice.kind is NoticeKind.TEST:
            over = msgspec.json.encode(event_of(letter, "resolve", where["key"]))
            await post(self._client, where["url"], over, letter.at)
        return came


def action_of(letter: Letter) -> str | None:
    """PagerDuty's word for it; None where it need not be told."""
    if letter.notice.kind is NoticeKind.RESOLVED:
        return None if letter.left else "resolve"
    tells = letter.first.tells
    if letter.notice.kind is NoticeKind.CHANGED and tells in SEEING:
        return None if letter.unseen else "acknowledge"
    if tells is Tells.NOTED:
        return None
    return "trigger"


def _why_nothing(letter: Letter) -> str:
    if letter.notice.kind is NoticeKind.RESOLVED:
        return f"nothing was sent: {letter.left} of its alert are open still"
    return "nothing was sent: PagerDuty has no word for it, or others of its alert are not seen to"


def event_of(letter: Letter, action: str, key: str) -> dict[str, Any]:
    """The event."""
    event: dict[str, Any] = {
        "routing_key": key, "event_action": action, "dedup_key": letter.key,
    }  # fmt: skip
    if action != "trigger":
        return event
    first = letter.first
    event["payload"] = {
        "summary": letter.title[:SUMMARY],
        "source": first.name[:SUMMARY] or "onbeat",
        "severity": SEVERITIES[letter.notice.severity],
        "timestamp": first.at.isoformat(),
        "component": first.name[:255],
        "group": (first.facts.queue or letter.environment or "onbeat")[:255],
        "class": letter.notice.rule,
        "custom_details": _details(letter),
    }
    event["client"] = "Onbeat"
    if letter.link is not None:
        event["client_url"] = letter.link
        event["links"] = [{"href": letter.link, "text": letter.leads_to}]
    return event


def _details(letter: Letter) -> dict[str, Any]:
    details: dict[str, Any] = dict(letter.figures)
    if letter.lines:
        details["incidents"] = "\n".join(letter.lines)[:DETAIL]
    if letter.error:
        details["error"] = letter.error
    if letter.to_try:
        details["try"] = "\n".join(letter.to_try)[:DETAIL]
    if letter.is_own:
        details["text"] = letter.text[:DETAIL]
    return details | {"count": letter.notice.count, "notice": letter.notice.id}


def _judge(status: int, body: str) -> Verdict | None:
    if status == 400 and "routing key" in body.lower():
        return Verdict.GONE
    return None


class _Said(msgspec.Struct):
    status: str
    dedup_key: str = ""


def _is_taken(answer: str | None, letter: Letter) -> bool:
    try:
        said = msgspec.json.decode(answer or "", type=_Said)
    except msgspec.DecodeError:
        return False
    return said.status == "success" and said.dedup_key == letter.key
