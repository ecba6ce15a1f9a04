"""`onbeat retention`."""

from __future__ import annotations

import pytest

from tests.cli.running import Cli


def test_what_is_kept_is_set_listed_and_taken_away(cli: Cli, database: str) -> None:
    cli.answer("retention", "set", "task/send", "--completed", "100", "--failed", "50,30d")

    [rule] = cli.answer("retention", "ls")["retention"]
    assert (rule["subject"], rule["completed"], rule["failed"]) == ("task/send", "100", "50,30d")
    assert rule["by_hand"] is True
    assert "@" in rule["changed_by"]
    assert "50, and 30d" in cli.text("retention", "ls")

    assert cli.answer("retention", "rm", "task/send") == {"removed": "task/send"}
    assert "no retention of its own" in cli("retention", "ls").err


def test_what_cannot_be_kept_is_refused_and_nothing_is_set(cli: Cli, database: str) -> None:
    for arguments, told in (
        (("task/send",), "keep: it bounds nothing"),
        (("send", "--completed", "1"), "subject: 'send' is not known"),
        (("task/send", "--completed", "-1"), "completed: -1 is out of range; give 0 to 1,000,000"),
        (("task/send", "--completed", "1.5"), "completed: '1.5' is neither a number of jobs"),
        (("task/send", "--failed", "100,many"), "failed: 'many' is neither a number of jobs"),
        (("task/send", "--failed", ""), "failed: '' is neither a number of jobs"),
        (("task/send", "--failed", "1s"), "failed: '1s' is too short"),
    ):
        result = cli("retention", "set", *arguments)
        assert result.code != 0
        assert told in result.err
    assert cli.answer("retention", "ls")["retention"] == []


@pytest.fixture
def on(cli: Cli, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command line, on either engine."""
    monkeypatch.setenv("ONBEAT_DB", database_url)
    return cli


def test_what_would_be_kept_longer_than_all_is_told_with_what_wins(
    on: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONBEAT_RETENTION", "60d")
    on.answer("jobs", "enqueue", "send")
    words = ("retention", "set", "task/send", "--completed", "100", "--failed", "400d")

    result = on(*words)

    assert result.out == "of task/send is kept: 100 completed; 60d failed, as all\n"
    assert result.err == (
        "note: failed: 400d has no effect: ONBEAT_RETENTION is 60d here, and nothing is kept "
        "longer; give the processes that run workers and schedulers a longer one to change that\n"
    )
    [listed] = on.text("retention", "ls").splitlines()[1:]
    assert "400d" not in listed
    [rule] = on.answer("retention", "ls")["retention"]
    assert rule["failed"] == "400d"


def test_what_is_kept_no_longer_than_all_has_no_remark(on: Cli) -> None:
    on.answer("jobs", "enqueue", "send")

    result = on("retention", "set", "task/send", "--completed", "5,90d")

    assert (result.out, result.err) == ("of task/send is kept: 5, and 90d completed\n", "")


@pytest.mark.parametrize("scope", ["task", "queue", "schedule"])
def test_a_subject_that_nothing_is_about_is_remarked_on(on: Cli, scope: str) -> None:
    result = on("retention", "set", f"{scope}/snd", "--completed", "5")

    assert result.code == 0
    assert result.err == (
        f"note: nothing of {scope} snd is in the database yet; if that is misspelt, "
        f"`onbeat retention rm {scope}/snd` takes this away\n"
    )


@pytest.mark.parametrize("subject", ["task/send", "queue/mail", "schedule/nightly"])
def test_a_subject_that_is_there_has_no_remark(on: Cli, subject: str) -> None:
    on.answer("jobs", "enqueue", "send", "--queue", "mail")
    on.answer("schedules", "add", "nightly", "--task", "other", "--every", "1d")

    assert on("retention", "set", subject, "--completed", "5").err == ""


@pytest.mark.parametrize("subject", ["task/other", "queue/default"])
def test_what_a_schedule_will_make_is_there(on: Cli, subject: str) -> None:
    on.answer("schedules", "add", "nightly", "--task", "other", "--every", "1d")

    assert on("retention", "set", subject, "--completed", "5").err == ""
