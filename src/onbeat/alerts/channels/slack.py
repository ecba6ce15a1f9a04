"""Slack, by an incoming webhook: text for the notification, blocks for the eye.

Its limits, of the reference and of slackapi/bolt-js#2509: a header of 150 characters, sections of
3,000, ten fields of 2,000, 50 blocks, and about 13,000 characters in all.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import msgspec

from onbeat.alerts.channels.outlet import Where, need, refuse_others
from onbeat.alerts.channels.posting import host_of, post
from onbeat.alerts.messages import Letter
from onbeat.domain.notices import Came, Verdict
from onbeat.outbound.client import Client

HEADER: Final = 150
SECTION: Final = 3_000
FIELD: Final = 2_000
FIELDS: Final = 10
BUDGET: Final = 8_000
"""Characters in all blocks."""

TEXT: Final = 3_000

FOREVER: Final = frozenset(
    {"invalid_token", "no_service", "no_service_id", "no_team", "team_disabled", "no_active_hooks",
     "channel_not_found", "channel_is_archived", "action_prohibited", "user_not_found"}
)  # fmt: skip
"""What Slack says of a webhook that will never work again."""


class Slack:
    """Sends to the secret URL of an incoming webhook."""

    fields: tuple[str, ...] = ("url",)

    def __init__(self, client: Client) -> None:
        """Send with `client`."""
        self._client = client

    async def read(self, given: Where) -> Where:
        """The URL. Raises InvalidInput, ExtraMissing."""
        refuse_others(given, self.fields, "slack")
        url = need(given, "url", "the URL of an incoming webhook (https://hooks.slack.com/…)")
        await self._client.check(url)
        return {"url": url}

    def shown(self, where: Where) -> str:
        """Its host."""
        return host_of(where["url"])

    async def send(self, where: Where, letter: Letter) -> Came:
        """Send the blocks."""
        body = msgspec.json.encode(body_of(letter))
        came = await post(self._client, where["url"], body, letter.at, judge=_judge)
        if came.verdict is Verdict.SENT and (came.answer or "").strip() != "ok":
            doubt = f"it was answered {came.status} without Slack's “ok”: is that Slack?"
            return replace(came, doubt=doubt)
        return came


def _judge(status: int, body: str) -> Verdict | None:
    """Slack's own words, which stand for more than its statuses."""
    if status >= 400 and body.strip() in FOREVER:
        return Verdict.GONE
    return None


def body_of(letter: Letter) -> dict[str, Any]:
    """What is sent."""
    title = f"{letter.sign} {letter.title}"
    return {
        "text": escape(_cut(title if not letter.is_own else letter.text, TEXT)),
        "blocks": _within(blocks_of(letter, title)),
    }


def blocks_of(letter: Letter, title: str) -> list[dict[str, Any]]:
    """A header, what is known, the error, and where it comes from."""
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": _cut(title, HEADER)}}
    ]
    if letter.is_own:
        blocks.append(_section(escape(letter.text)))
    else:
        blocks += _told(letter)
    if letter.link is not None and letter.link.startswith(("https://", "http://")):
        button = {"type": "button", "text": {"type": "plain_text", "text": letter.leads_to},
                  "url": letter.link}  # fmt: skip
        blocks.append({"type": "actions", "elements": [button]})
    foot = {"type": "mrkdwn", "text": _cut(escape(letter.foot), FIELD)}
    return [*blocks, {"type": "context", "elements": [foot]}]


def _told(letter: Letter) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    if letter.figures:
        fields = [
            {"type": "mrkdwn", "text": _cut(f"*{escape(name)}*\n{escape(value)}", 500)}
            for name, value in letter.figures[:FIELDS]
        ]
        blocks.append({"type": "section", "fields": fields})
    if letter.lines:
        blocks.append(_section("\n".join(f"• {escape(each)}" for each in letter.lines)))
    note = letter.first.note if letter.notice.count == 1 else None
    if note:
        blocks.append(_section(f"> {escape(' '.join(note.split()))}"))
    if letter.error:
        blocks.append(_section(f"```{_cut(escape(fenced(letter.error)), 1_200)}```"))
    if letter.to_try:
        steps = "\n".join(f"`{escape(fenced(each))}`" for each in letter.to_try[:5])
        blocks.append(_section(f"*Try*\n{steps}"))
    return blocks


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": _cut(text, SECTION)}}


def _within(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As many of the blocks as fit; the header and what comes last are always among them."""
    kept, left = [], BUDGET - _size(blocks[0]) - _size(blocks[-1])
    for block in blocks[1:-1]:
        left -= _size(block)
        if left < 0:
            break
        kept.append(block)
    return [blocks[0], *kept, blocks[-1]]


def _size(block: dict[str, Any]) -> int:
    return len(msgspec.json.encode(block).decode())


def fenced(text: str) -> str:
    """The text without what would end a fence."""
    return text.replace("`", "'")


def escape(text: str) -> str:
    """The text as Slack's markup has it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cut(text: str, longest: int) -> str:
    """So much of the text, and no half of what is escaped."""
    if len(text) <= longest:
        return text
    kept = text[: longest - 1]
    begun = kept.rfind("&", len(kept) - 4)
    return f"{kept if begun < 0 or ';' in kept[begun:] else kept[:begun]}…"
