"""What the doctor says of the Redis in which processes share answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import Cli
from tests.servers.redis import launch


def finding(cli: Cli) -> Any:
    """What is said of it, if anything is."""
    return next((e for e in cli.answer("doctor")["checks"] if e["name"] == "redis"), None)


def test_nothing_is_said_where_none_is_given(cli: Cli, folder: Path) -> None:
    assert finding(cli) is None


@pytest.mark.parametrize("variable", ["ONBEAT_REDIS_URL", "REDIS_URL"])
def test_one_that_answers_is_good(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    with launch() as server:
        monkeypatch.setenv(variable, server.url)
        found = finding(cli)

    assert found["verdict"] == "ok"
    assert found["message"] == f"{server.url} answers"


def test_one_that_does_not_answer_is_told_without_its_password(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://:hunter2@127.0.0.1:1/0")

    found = finding(cli)

    assert found["verdict"] == "note"
    assert "does not answer (" in found["message"]
    assert "hunter2" not in found["message"]


def test_one_that_wants_a_password_says_so(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with launch(password="hunter2") as server:  # noqa: S106 - of a test
        monkeypatch.setenv("REDIS_URL", server.url)
        found = finding(cli)

    assert (found["verdict"], "uthentication" in found["message"]) == ("note", True)


@pytest.mark.parametrize("url", ["http://hunter2@x", "redis://", "redis://:hunter2@h:many/0", ""])
def test_what_is_no_address_stops_the_start_and_is_not_told(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("REDIS_URL", url)

    code, message = cli.refusal("queues", "ls")

    assert code == 2
    assert "REDIS_URL" in message
    assert "hunter2" not in message
