"""`onbeat webhooks`: all that can be done with one, from the command line, and on record."""

from __future__ import annotations

import pytest

from tests.cli.running import Cli

KEY = "a key of a test that has 32 characters or more"
URL = "http://127.0.0.1:18080/hook"


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch, cli: Cli, database_url: str) -> None:
    monkeypatch.setenv("ONBEAT_DB", database_url)
    monkeypatch.setenv("ONBEAT_SECRET_KEY", KEY)
    monkeypatch.setenv("ONBEAT_OUTBOUND_ALLOW", "127.0.0.0/8")
    monkeypatch.setenv("ONBEAT_OUTBOUND_HTTP", "true")


def test_a_webhook_is_made_shown_changed_and_taken_away(cli: Cli) -> None:
    made = cli.answer("webhooks", "create", URL, "--owner", "acme", "--events", "job.failed")
    identity, other = made["webhook"]["id"], cli.answer("webhooks", "create", URL, "--owner", "o")

    assert made["secret"].startswith("whsec_")
    assert made["webhook"]["events"] == ["job.failed"]
    assert cli.answer("webhooks", "show", identity)["webhook"] == made["webhook"]
    assert cli.answer("webhooks", "ls")["webhooks"] == [made["webhook"], other["webhook"]]
    assert cli.answer("webhooks", "ls", "--owner", "acme")["webhooks"] == [made["webhook"]]
    off = cli.answer("webhooks", "edit", identity, "--disable")["webhook"]
    assert (off["enabled"], off["disabled_why"]) == (False, "by hand")
    assert cli.answer("webhooks", "edit", identity, "--enable")["webhook"]["enabled"]
    rotated = cli.answer("webhooks", "rotate-secret", identity, "--keep-for", "2d")
    assert rotated["secret"] not in (made["secret"], None)
    job = cli.answer("webhooks", "ping", identity)["job"]
    assert cli.answer("jobs", "show", job)["job"]["owner"] == "acme"
    assert cli.answer("webhooks", "deliveries", identity) == {"deliveries": []}
    cli.text("webhooks", "rm", identity)
    assert cli.answer("webhooks", "ls")["webhooks"] == [other["webhook"]]
    actions = [each["action"] for each in cli.answer("audit", "ls")["audit"]]
    assert actions == [
        "webhook.remove", "webhook.ping", "webhook.rotate_secret", "webhook.change",
        "webhook.change", "webhook.create", "webhook.create",
    ]  # fmt: skip


def test_the_secret_is_told_once_to_people_too(cli: Cli) -> None:
    told = cli.text("webhooks", "create", URL, "--owner", "acme")
    [line] = [each for each in told.splitlines() if each.startswith("secret")]
    secret = line.split()[-1]

    assert secret.startswith("whsec_")
    assert secret not in cli.text("webhooks", "ls")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("show", "0" * 32), 3),
        (("ping", "0" * 32), 3),
        (("resend", "0" * 32), 3),
        (("create", "nonsense", "--owner", "acme"), 2),
        (("create", URL, "--owner", "acme", "--events", "job.begun"), 2),
    ],
)
def test_what_is_wrong_is_one_line_and_an_exit_code(
    cli: Cli, arguments: tuple[str, ...], code: int
) -> None:
    assert cli.refusal("webhooks", *arguments)[0] == code
