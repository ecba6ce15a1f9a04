"""What is changed about time from the command line is written down: who, what, before and after."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import Cli


def test_each_command_leaves_one_entry(
    cli: Cli, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONBEAT_DB", database_url)
    moment = "2026-01-01T12:00:00Z"
    cli.text("clocks", "create", "world", "--at", moment)
    cli.text("calendars", "put", "fr", "--holiday", "2090-07-14")
    made = ("schedules", "add", "acme", "--task", "t", "--every", "1h", "--clock", "world")
    cli.text(*made, "--args", '{"token": "s"}')
    cli.text("schedules", "edit", "acme", "--priority", "3", "--why", "urgent")
    for verb in ("pause", "resume", "skip-next", "trigger"):
        cli.text("schedules", verb, "acme")
    asked = ("--from", "2026-01-01T10:00:00Z", "--to", "2026-01-01T11:00:00Z")
    backfill = cli.answer("schedules", "backfill", "acme", *asked)["backfill"]["id"]
    cli.text("schedules", "stop-backfill", backfill)
    cli.text("clocks", "advance", "world", "--by", "1h")
    cli.text("schedules", "rm", "acme")
    cli.text("calendars", "rm", "fr")

    entries = cli.answer("audit", "ls")["audit"]

    assert [each["action"] for each in reversed(entries)] == [
        "clock.create", "calendar.put", "schedule.create", "schedule.change", "schedule.pause",
        "schedule.resume", "schedule.skip", "schedule.trigger", "backfill.begin", "backfill.stop",
        "clock.advance", "schedule.remove", "calendar.remove",
    ]  # fmt: skip
    assert {each["actor_kind"] for each in entries} == {"cli"}


def test_a_crontab_that_is_brought_in_is_one_entry(
    cli: Cli, database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ONBEAT_DB", database_url)
    file = tmp_path / "crontab"
    file.write_text("0 9 * * * true\n")
    cli.text("crontab", "import", str(file), "--tz", "UTC")

    entries = cli.answer("audit", "ls")["audit"]

    assert [each["action"] for each in entries] == ["crontab.import"]
    assert (entries[0]["before"], len(entries[0]["after"]["schedules"])) == ({"schedules": []}, 1)


def test_what_is_only_looked_at_leaves_none(
    cli: Cli, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONBEAT_DB", database_url)
    for noun in ("schedules", "calendars", "clocks"):
        cli.answer(noun, "ls")

    assert cli.answer("audit", "ls")["audit"] == []


def test_an_edit_that_changes_nothing_leaves_none(
    cli: Cli, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONBEAT_DB", database_url)
    cli.text("schedules", "add", "acme", "--task", "t", "--cron", "0 9 * * *", "--priority", "3")
    cli.text("calendars", "put", "fr", "--holiday", "2090-07-14")
    before = cli.answer("audit", "ls")

    for options in ([], ["--priority", "3"], ["--cron", "0 9 * * *"], ["--end", "none"]):
        edited = cli.answer("schedules", "edit", "acme", *options)
        assert edited["schedule"]["version"] == 1
    cli.text("calendars", "put", "fr", "--holiday", "2090-07-14")

    assert cli.answer("audit", "ls") == before
