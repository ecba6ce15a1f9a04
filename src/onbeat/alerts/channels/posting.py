"""A notice as a request, and what an answer to it means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from http import HTTPStatus
from urllib.parse import urlsplit

from onbeat.domain.error_classes import RateLimited, retry_after
from onbeat.domain.notices import Came, Verdict
from onbeat.domain.webhooks import COME_BACK
from onbeat.outbound.client import Answer, Client, Unanswered
from onbeat.outbound.targets import TargetRefused

KEPT = 1_024
"""Characters of an answer that are kept."""

JSON = {"Content-Type": "application/json"}

Judge = Callable[[int, str], Verdict | None]
"""What an answer means by its status and body, where a service has a word of its own."""


async def post(
    client: Client,
    url: str,
    body: bytes,
    at: datetime,
    *,
    headers: Mapping[str, str] = JSON,
    judge: Judge | None = None,
) -> Came:
    """Send, and tell what came of it."""
    try:
        answer = await client.post(url, body, headers)
    except Unanswered as error:
        return Came(verdict=Verdict.AGAIN, error=hidden(str(error), url), seconds=error.seconds)
    except TargetRefused as error:
        return Came(verdict=Verdict.REFUSED, error=str(error))
    text = answer.body.decode(errors="replace")
    own = None if judge is None else judge(answer.status, text)
    verdict = own or _usual(answer.status)
    came = Came(
        verdict=verdict, status=answer.status, answer=hidden(text, url)[:KEPT] or None,
        seconds=answer.seconds,
    )  # fmt: skip
    if verdict is Verdict.SENT:
        return came
    return replace(came, error=_told(answer, verdict), retry_after=_asked(answer, at))


def _usual(status: int) -> Verdict:
    if 200 <= status < 300:
        return Verdict.SENT
    if status in (404, 410):
        return Verdict.GONE
    if status in COME_BACK or status >= 500:
        return Verdict.AGAIN
    return Verdict.REFUSED


def _told(answer: Answer, verdict: Verdict) -> str:
    status = answer.status
    try:
        told = f"it was answered {status} {HTTPStatus(status).phrase}"
    except ValueError:
        told = f"it was answered {status}"
    if 300 <= status < 400:
        return f"{told}; redirects are not followed: give the URL it leads to"
    if verdict is Verdict.GONE:
        return f"{told}: it is not there any more; give another URL or key, and enable it"
    return told


def _asked(answer: Answer, at: datetime) -> timedelta | None:
    if answer.retry_after is None:
        return None
    return retry_after(RateLimited(retry_after=answer.retry_after), at)


def hidden(text: str, url: str) -> str:
    """The text without the secret parts of the URL: an answer may say them."""
    split = urlsplit(url)
    for secret in (url, split.path, split.query):
        if len(secret) > 8:
            text = text.replace(secret, "…")
    return text


def host_of(url: str) -> str:
    """The host of a URL, which may be shown: the rest is as good as a password."""
    split = urlsplit(url)
    port = f":{split.port}" if split.port not in (None, 80, 443) else ""
    return f"{split.scheme}://{split.hostname}{port}/…"
