"""What docs/webhooks.md shows receivers takes real messages, and no others."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from onbeat import State
from onbeat.domain.jobs import JobId
from onbeat.domain.webhooks import JobEnd, headers_of, message_of, write_secret

DOCUMENT = Path(__file__).parents[2] / "docs/webhooks.md"
OTHER = write_secret(bytes(32))


@pytest.fixture
def shown() -> dict[str, Any]:
    """All that the document's snippets define."""
    names: dict[str, Any] = {}
    for snippet in re.findall(r"^```python\n(.*?)^```", DOCUMENT.read_text(), re.M | re.S):
        exec(snippet, names)  # noqa: S102 - it is ours
    return names


@pytest.fixture(params=["receive", "is_genuine"])
def takes(request: pytest.FixtureRequest, shown: dict[str, Any]) -> Callable[..., bool]:
    """Whether one of the document's receivers takes a request."""
    if request.param == "receive":
        return lambda body, headers: shown["receive"](body, headers) == 204
    return lambda body, headers: shown["is_genuine"](body, headers, shown["SECRET"])


def sent(secret: str, at: float | None = None) -> tuple[bytes, dict[str, str]]:
    """A message, as the product sends it at that time."""
    now = datetime.fromtimestamp(time.time() if at is None else at, UTC)
    end = JobEnd(
        job=JobId("0190" * 8), task="charge", schedule=None, state=State.FAILED, attempts=3,
        finished_at=now, error="ConnectionError", error_class="transient",
    )  # fmt: skip
    message = message_of(end)
    body = message.body.encode()
    return body, headers_of(message.id, now, body, [OTHER, secret])


def test_a_genuine_message_is_taken(takes: Callable[..., bool], shown: dict[str, Any]) -> None:
    assert takes(*sent(shown["SECRET"]))


def test_a_message_of_another_secret_or_body_or_time_is_not(
    takes: Callable[..., bool], shown: dict[str, Any]
) -> None:
    body, headers = sent(shown["SECRET"])

    assert not takes(body + b" ", headers)
    assert not takes(*sent(OTHER))
    assert not takes(*sent(shown["SECRET"], time.time() - 600))


def test_a_message_that_comes_again_is_handled_once(
    shown: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    body, headers = sent(shown["SECRET"])

    assert [shown["receive"](body, headers) for _ in range(2)] == [204, 204]

    assert capsys.readouterr().out.splitlines() == [f"job.failed {'0190' * 8}"]


def test_the_message_that_is_shown_has_the_fields_of_a_real_one(shown: dict[str, Any]) -> None:
    text = DOCUMENT.read_text()
    body, headers = sent(shown["SECRET"])

    for name in (*headers, *re.findall(r'"(\w+)":', body.decode())):
        assert name in text
