"""Receivers of what channels send, which hold it against what the services publish."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from ssl import SSLContext
from typing import Any

from aiohttp import web
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from tests.outbound.receivers import Answering, nobodys_port


async def slack(request: web.Request) -> web.StreamResponse:
    """Slack's answer to a webhook: `ok`, or what is wrong with the blocks."""
    wrong = wrong_blocks(await request.json())
    return web.Response(text="ok") if wrong is None else web.Response(status=400, text=wrong)


def wrong_blocks(said: dict[str, Any]) -> str | None:
    """What Slack would say of a payload; the limits are those of its reference of Block Kit."""
    blocks = said.get("blocks", [])
    if not said.get("text") or not 1 <= len(blocks) <= 50:
        return "invalid_payload"
    if len(json.dumps(blocks, ensure_ascii=False)) > 13_000:
        return "msg_blocks_too_long"
    return next((wrong for each in blocks if (wrong := _wrong_block(each))), None)


def _wrong_block(block: dict[str, Any]) -> str | None:
    kind = block["type"]
    if kind == "header":
        text = block["text"]
        fits = text["type"] == "plain_text" and 1 <= len(text["text"]) <= 150
    elif kind == "section":
        fields, text = block.get("fields", []), block.get("text")
        fits = bool(fields or text) and len(fields) <= 10
        fits = fits and all(_is_markup(each, 2_000) for each in fields)
        fits = fits and (text is None or _is_markup(text, 3_000))
    elif kind == "context":
        fits = 1 <= len(block["elements"]) <= 10
        fits = fits and all(_is_markup(each, 3_000) for each in block["elements"])
    elif kind == "actions":
        fits = all(
            each["type"] == "button"
            and len(each["text"]["text"]) <= 75
            and len(each["url"]) <= 3_000
            for each in block["elements"]
        )
    else:
        fits = False
    return None if fits else f"invalid_blocks: {kind}"


def _is_markup(text: dict[str, Any], longest: int) -> bool:
    said = text["text"]
    # What is no entity, link or mention of ours must be escaped.
    bare = re.sub(r"&(amp|lt|gt);", "", said.removeprefix("> "))
    return text["type"] == "mrkdwn" and 1 <= len(said) <= longest and not set(bare) & set("<>&")


async def pagerduty(request: web.Request) -> web.StreamResponse:
    """PagerDuty's answer to an event, by the published schema of Events API v2."""
    said = await request.json()
    wrong = wrong_event(said)
    if wrong:
        body = {"status": "invalid event", "message": "Event object is invalid", "errors": wrong}
        return web.json_response(body, status=400)
    body = {"status": "success", "message": "Event processed", "dedup_key": said["dedup_key"]}
    return web.json_response(body, status=202)


def wrong_event(said: dict[str, Any]) -> list[str]:
    """What PagerDuty would say of an event."""
    wrong = []
    if not re.fullmatch(r"[A-Za-z0-9]{32}", said.get("routing_key", "")):
        wrong.append("Invalid routing key")
    if said.get("event_action") not in ("trigger", "acknowledge", "resolve"):
        wrong.append("'event_action' is missing or wrong")
    if not 1 <= len(said.get("dedup_key", "")) <= 255:
        wrong.append("'dedup_key' is missing or too long")
    if said.get("event_action") == "trigger":
        wrong += _wrong_payload(said.get("payload") or {})
    extra = {"routing_key", "event_action", "dedup_key", "payload", "client", "client_url",
             "links", "images"}  # fmt: skip
    return wrong + [f"unknown {each}" for each in said.keys() - extra]


def _wrong_payload(payload: dict[str, Any]) -> list[str]:
    wrong = []
    if not 1 <= len(payload.get("summary", "")) <= 1_024:
        wrong.append("'payload.summary' is missing or too long")
    if not payload.get("source"):
        wrong.append("'payload.source' is missing or blank")
    if payload.get("severity") not in ("critical", "error", "warning", "info"):
        wrong.append("'payload.severity' is invalid")
    if not datetime.fromisoformat(payload["timestamp"]).tzinfo:
        wrong.append("'payload.timestamp' is invalid")
    if not isinstance(payload.get("custom_details", {}), dict):
        wrong.append("'payload.custom_details' is no object")
    return wrong


def saying(text: str, status: int = 200, content_type: str = "text/html") -> Answering:
    """Answer with that."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(text=text, status=status, content_type=content_type)

    return answer


async def hanging_up(request: web.Request) -> web.StreamResponse:
    """Say 200 and close before the body that was promised."""
    response = web.StreamResponse(status=200, headers={"Content-Length": "100"})
    await response.prepare(request)
    assert request.transport is not None
    request.transport.close()
    return response


@dataclass
class Post:
    """A server for mail, and what has come to it."""

    port: int = 0
    came: list[EmailMessage] = field(default_factory=list)
    to: list[list[str]] = field(default_factory=list)
    refuses: dict[str, str] = field(default_factory=dict)
    """What is answered to an address."""
    answer: str = "250 taken"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take an address, or do not."""
        if address in self.refuses:
            return self.refuses[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take a message, or do not."""
        if self.answer.startswith("250"):
            content = envelope.original_content
            assert content is not None
            message = BytesParser(policy=default).parsebytes(content)
            assert isinstance(message, EmailMessage)
            self.came.append(message)
            self.to.append(list(envelope.rcpt_tos))
        return self.answer


@asynccontextmanager
async def post_office(
    tls: SSLContext | None = None, *, user: tuple[str, str] | None = None
) -> AsyncIterator[Post]:
    """Run a server for mail; with `tls` it must be turned on (STARTTLS)."""

    def authenticate(
        server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        said = (data.login.decode(), data.password.decode())
        return AuthResult(success=said == user, handled=False)

    post = Post()
    controller = Controller(
        post, hostname="127.0.0.1", port=nobodys_port(), tls_context=tls,
        require_starttls=tls is not None,
        authenticator=authenticate if user else None, auth_required=user is not None,
    )  # fmt: skip
    controller.start()
    post.port = controller.port
    try:
        yield post
    finally:
        controller.stop()
