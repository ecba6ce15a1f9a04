"""`onbeat channels` and `onbeat notices`: all that can be done with one, and on record."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from threading import Event, Thread

import pytest

from tests.cli.running import Cli
from tests.outbound.receivers import Receiver, receiving

KEY = "a key of a test that has 32 characters or more"
SECRET_URL = "http://127.0.0.1:18080/services/T0/B0/SECRET"  # noqa: S105 - what must not be shown


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch, cli: Cli, database_url: str) -> None:
    monkeypatch.setenv("ONBEAT_DB", database_url)
    monkeypatch.setenv("ONBEAT_SECRET_KEY", KEY)
    monkeypatch.setenv("ONBEAT_OUTBOUND_ALLOW", "127.0.0.0/8")
    monkeypatch.setenv("ONBEAT_OUTBOUND_HTTP", "true")
    monkeypatch.setenv("ONBEAT_SMTP", "smtp+plain://ann:hunter2@localhost:18025")
    monkeypatch.setenv("ONBEAT_SMTP_FROM", "Onbeat <onbeat@shop.example>")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """One that answers beside a command, in a loop of its own."""
    ready, over, found = Event(), Event(), list[Receiver]()

    async def serve() -> None:
        async with receiving() as made:
            found.append(made)
            ready.set()
            await asyncio.to_thread(over.wait)

    thread = Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    yield found[0]
    over.set()
    thread.join()


def test_a_channel_is_added_shown_edited_and_taken_away(cli: Cli) -> None:
    added = cli.answer("channels", "add", "ops", "slack", "--url", SECRET_URL,
                       "--severity", "error", "--rules", "fail*,!failed",
                       "--daily", "50")  # fmt: skip
    channel = added["channel"]

    assert added["secret"] is None
    assert (channel["kind"], channel["target"]) == ("slack", "http://127.0.0.1:18080/…")
    assert channel["options"]["rules"] == ["fail*", "!failed"]
    assert channel["options"]["repeat"] == "4h"
    shown = cli.answer("channels", "show", "ops")["channel"]
    assert shown == {**channel, "waiting": 0}
    edited = cli.answer("channels", "edit", "ops", "--rules", "none", "--repeat", "2h")["channel"]
    assert (edited["options"]["rules"], edited["options"]["repeat"]) == ([], "2h")
    assert edited["options"]["daily"] == 50
    off = cli.answer("channels", "disable", "ops")["channel"]
    assert (off["enabled"], off["disabled_why"]) == (False, "by hand")
    assert cli.answer("channels", "enable", "ops")["channel"]["enabled"]
    cli.text("channels", "rm", "ops")
    assert cli.answer("channels", "ls") == {"channels": []}
    actions = [each["action"] for each in cli.answer("audit", "ls")["audit"]]
    assert actions == [
        "channel.remove", "channel.enable", "channel.disable", "channel.edit", "channel.add",
    ]  # fmt: skip
    assert "SECRET" not in json.dumps(cli.answer("audit", "ls"))


def test_where_it_leads_is_never_shown(cli: Cli) -> None:
    cli.answer("channels", "add", "ops", "slack", "--url", SECRET_URL)
    cli.answer("channels", "add", "mail", "email", "--to", "ann@example.com,b@example.com")
    texts = [
        cli.text("channels", *each)
        for each in (("ls",), ("show", "ops"), ("show", "mail"), ("edit", "ops", "--gap", "2s"))
    ]

    assert not any("SECRET" in each or "hunter2" in each for each in texts)
    assert "ann@example.com and 1 more" in texts[2]


def test_a_webhook_s_secret_is_told_once(cli: Cli) -> None:
    made = cli.answer("channels", "add", "hook", "webhook", "--url", SECRET_URL)

    assert made["secret"].startswith("whsec_")
    assert made["secret"] not in cli.text("channels", "show", "hook")


def test_a_test_is_sent_and_on_record(cli: Cli, receiver: Receiver) -> None:
    cli.answer("channels", "add", "hook", "webhook", "--url", receiver.url())

    tested = cli.answer("channels", "test", "hook")["test"]

    assert (tested["sent"], tested["status"], tested["answer"]) == (True, 200, "thanks")
    assert json.loads(receiver.came[0].body)["type"] == "test.ping"
    [notice] = cli.answer("notices", "ls", "--channel", "hook")["notices"]
    assert (notice["id"], notice["state"], notice["kind"]) == (tested["notice"], "sent", "test")
    shown = cli.answer("notices", "show", notice["id"])
    assert [each["status"] for each in shown["attempts"]] == [200]
    assert cli.answer("notices", "resend", notice["id"])["notice"]["state"] == "due"
    assert "hook" in cli.text("notices", "ls")
    assert "try 1" in cli.text("notices", "show", notice["id"])


def test_a_test_that_is_not_taken_ends_with_1(cli: Cli) -> None:
    cli.answer("channels", "add", "hook", "webhook", "--url", "http://127.0.0.1:18081/hook")

    result = cli("channels", "test", "hook")

    assert result.code == 1
    assert result.out.startswith("not sent\n")
    assert "did not answer" in result.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("slack",), "url: it is missing"),
        (("pigeon",), "kind: 'pigeon' is not known; give one of slack"),
        (("slack", "--url", SECRET_URL, "--severity", "bad"), "severity: 'bad' is none"),
        (("slack", "--url", SECRET_URL, "--title", "{wat}"), "title: the template names 'wat'"),
        (("slack", "--url", SECRET_URL, "--title", "{rule!r}"), "title: the field 'rule'"),
        (("slack", "--url", SECRET_URL, "--text", "{rule"), "text: the template cannot be read"),
        (("slack", "--url", SECRET_URL, "--quiet", "at night"), "quiet: 'at night' cannot"),
        (("slack", "--url", SECRET_URL, "--quiet", "22:00-07:00 Mars/X"), "quiet: "),
        (("slack", "--url", SECRET_URL, "--repeat", "often"), "repeat: 'often' is not a duration"),
        (("slack", "--url", SECRET_URL, "--escalate-after", "5m"), "escalate_to: it is missing"),
        (
            ("slack", "--url", SECRET_URL, "--escalate-after", "5m", "--escalate-to", "ops"),
            "escalate_to: 'ops' is no other channel; there are none yet",
        ),
        (("slack", "--url", SECRET_URL, "--to", "a@b.c"), "to: a channel of kind slack has none"),
        (("slack", "--url", "https://10.0.0.1/x"), "url: 10.0.0.1 is no address outside"),
        (("slack", "--url", SECRET_URL, "--changes", "opend"), "changes: 'opend' is none"),
        (("slack", "--url", SECRET_URL, "--daily", "0"), "daily: 0 is not allowed"),
    ],
)
def test_what_is_wrong_is_refused_by_name(cli: Cli, arguments: tuple[str, ...], told: str) -> None:
    code, error = cli.refusal("channels", "add", "ops", *arguments)

    assert code == 2
    assert error.startswith(told)
    assert "SECRET" not in error


def test_the_doctor_shows_what_is_wrong_with_channels(cli: Cli) -> None:
    cli.answer("channels", "add", "ops", "slack", "--url", SECRET_URL)
    well = _findings(cli)
    cli.answer("channels", "disable", "ops")

    assert well == ["1 channel, none at fault"]
    assert _findings(cli) == ["ops is disabled (by hand); `onbeat channels enable ops`"]


def test_the_doctor_shows_that_what_nobody_sees_to_leads_nowhere(cli: Cli) -> None:
    cli.answer("channels", "add", "pager", "pagerduty", "--key", "k" * 32)
    escalates = ("--escalate-after", "5m", "--escalate-to", "pager")
    cli.answer("channels", "add", "ops", "slack", "--url", SECRET_URL, *escalates)
    cli.answer("channels", "disable", "pager")

    assert (
        "ops escalates to pager, which is disabled or no more: `onbeat channels edit ops`"
        in _findings(cli)
    )


def _findings(cli: Cli) -> list[str]:
    told = json.loads(cli("doctor", "--json").out)
    return [each["message"] for each in told["checks"] if each["name"] == "channels"]


def test_a_name_is_given_once(cli: Cli) -> None:
    cli.answer("channels", "add", "ops", "slack", "--url", SECRET_URL)

    code, error = cli.refusal("channels", "add", "ops", "slack", "--url", SECRET_URL)

    assert (code, error) == (
        4, "there is a channel ops already; edit it, or give another name",
    )  # fmt: skip


def test_without_a_key_nothing_is_kept(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ONBEAT_SECRET_KEY")

    code, error = cli.refusal("channels", "add", "ops", "slack", "--url", SECRET_URL)

    assert code == 2
    assert error.startswith("ONBEAT_SECRET_KEY: ")


def test_one_that_is_not_there_is_told(cli: Cli) -> None:
    assert cli.refusal("channels", "show", "ops") == (
        3, "no channel ops; `onbeat channels ls` lists them",
    )  # fmt: skip
    assert cli.refusal("notices", "show", "0" * 32)[0] == 3
    assert cli.answer("channels", "stats") == {"stats": []}


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [("--rules", "in-a-rwo", "did you mean 'in-a-row'?"), ("--kinds", "tusk", "'task'")],
)
def test_a_channel_for_what_there_is_not_is_refused(
    cli: Cli, option: str, value: str, told: str
) -> None:
    where = ("--url", SECRET_URL)
    assert told in cli.refusal("channels", "add", "ops", "slack", *where, option, value)[1]
    assert cli("channels", "add", "ops", "slack", *where, option, f"{value}*").code == 0
