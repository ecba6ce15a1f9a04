"""How a client is made: from code, and from variables, which win."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from onbeat import Breaker, InvalidInput, InvalidSetting, Onbeat, Settings
from onbeat.app.clients import with_variables
from onbeat.domain.clients import MOST_CLIENTS
from onbeat.settings import unknown_variables

URL = "https://api.example/v1"


def application() -> Onbeat:
    """One that connects to nothing."""
    return Onbeat("sqlite:///:memory:", settings=Settings())


def test_unsaid_it_waits_10_s_and_its_breaker_opens_after_5_failures_for_30_s() -> None:
    rules = application().client("game-api", url=URL).rules

    assert rules.timeout == timedelta(seconds=10)
    assert rules.breaker == Breaker("game-api", threshold=5, open_for="30s")


VARIABLES = {
    "API_URL": "https://other.example",
    "API_SERVICE_ACCOUNT_TOKEN": "tok",
    "API_REQUEST_TIMEOUT_MS": "2500",
    "API_CIRCUIT_BREAKER_THRESHOLD": "7",
    "API_CIRCUIT_BREAKER_DURATION_MS": "1500",
}


def test_variables_win_over_what_the_code_says() -> None:
    said = with_variables(
        "game-api", {"env": "API", "url": URL, "token": "old", "timeout": "1s"}, VARIABLES
    )

    assert (said["url"], said["token"]) == ("https://other.example", "tok")
    assert said["timeout"] == timedelta(seconds=2.5)
    breaker = Breaker("game-api", threshold=7, open_for=timedelta(seconds=1.5))
    assert said["breaker"] == breaker


def test_without_variables_it_is_as_the_code_says() -> None:
    said = with_variables("game-api", {"env": "API", "url": URL, "breaker": None}, {})

    assert (said["url"], said["token"], said["breaker"]) == (URL, None, None)
    assert "timeout" not in said


def test_a_variable_with_our_prefix_wins() -> None:
    ours = {f"ONBEAT_{name}": value for name, value in VARIABLES.items()}
    others = dict.fromkeys(VARIABLES, "wrong")

    assert with_variables("a", {"env": "API"}, ours | others) == with_variables(
        "a", {"env": "API"}, VARIABLES
    )
    assert unknown_variables(ours) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_URL", "api.example"),
        ("API_URL", "https://ann:hunter2@api.example"),
        ("API_SERVICE_ACCOUNT_TOKEN", " "),
        ("API_REQUEST_TIMEOUT_MS", "10s"),
        ("API_REQUEST_TIMEOUT_MS", "0"),
        ("API_CIRCUIT_BREAKER_THRESHOLD", "none"),
        ("API_CIRCUIT_BREAKER_DURATION_MS", "-1"),
    ],
)
def test_a_variable_that_is_wrong_is_named_without_what_is_secret(name: str, value: str) -> None:
    with pytest.raises(InvalidSetting, match=f"^{name}: ") as caught:
        with_variables("game-api", {"env": "API"}, {name: value})

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("field", "options"),
    [
        ("url", {}),
        ("url", {"url": "ftp://api.example"}),
        ("url", {"url": "https://api.example/?key=1"}),
        ("url", {"url": "https://ann:hunter2@api.example"}),
        ("env", {"url": URL, "env": "api-x"}),
        ("token", {"url": URL, "token": ""}),
        ("token", {"url": URL, "token": "hunter2\n"}),
        ("timeout", {"url": URL, "timeout": "0s"}),
        ("timeout", {"url": URL, "timeout": 10}),
        ("rate", {"url": URL, "rate": "many"}),
        ("burst", {"url": URL, "burst": 3}),
        ("cache", {"url": URL, "cache": "2d"}),
        ("retry", {"url": URL, "retry": 3}),
        ("breaker", {"url": URL, "breaker": "game-api"}),
        ("most_connections", {"url": URL, "most_connections": 0}),
        ("largest_answer", {"url": URL, "largest_answer": True}),
        ("headers", {"url": URL, "headers": {"X-A": "hunter2\r\nX-B: 1"}}),
        ("headers", {"url": URL, "headers": {"X-A": "hunter2\x01"}}),
        ("headers", {"url": URL, "headers": {"X-A": "hunter2\x7f"}}),
        ("headers", {"url": URL, "headers": {"X-A": "hunter2\ud800"}}),
    ],
)
def test_what_is_wrong_is_named_without_what_is_secret(field: str, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=f"^{field}: ") as caught:
        application().client("game-api", **options)

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "Game", "a/b", "a b", "x" * 51])
def test_a_name_is_one_that_figures_can_be_told_by(name: str) -> None:
    with pytest.raises(InvalidInput, match="name: "):
        application().client(name, url=URL)


def test_a_name_is_one_client_s_and_there_are_not_many() -> None:
    ob = application()
    for number in range(MOST_CLIENTS):
        ob.client(f"api-{number}", url=URL)

    with pytest.raises(InvalidInput, match="another client's"):
        ob.client("api-0", url=URL)
    with pytest.raises(InvalidInput, match="one for each API"):
        ob.client("one-more", url=URL)
