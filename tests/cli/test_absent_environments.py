"""An environment that is not there: refused by who reads and writes, made by who is to make it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import Cli, spoken, start

TYPO = ("--environment", "stagign")
COMMANDS = [
    ("jobs", "ls"),
    ("jobs", "enqueue", "charge"),
    ("schedules", "add", "nightly", "--task", "charge", "--every", "1d"),
    ("limits", "set", "queue/mail", "--concurrency", "1"),
    ("calendars", "put", "holidays", "--holiday", "2030-12-25"),
    ("clocks", "create", "world", "--at", "2030-01-01T00:00:00Z"),
    ("db", "verify"),
    ("crontab", "import", "crontab.txt", "--dry-run"),
    ("scheduler", "--for", "1s"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=spoken)
def test_it_is_refused_with_those_that_are_there_and_not_made(
    cli: Cli, fresh: str, folder: Path, command: tuple[str, ...]
) -> None:
    for name in ("staging", "pr-12"):
        cli.answer("db", "migrate", "--environment", name)
    (folder / "crontab.txt").write_text("@daily true\n")
    before = sorted(folder.iterdir())

    code, message = cli.refusal(*command, *TYPO)

    assert code == 5
    assert message == (
        "there is no environment 'stagign' in the database; there are pr-12, staging: give one of "
        "them, or make it with `onbeat db migrate --environment stagign`"
    )
    assert sorted(folder.iterdir()) == before


def test_it_is_refused_where_not_even_the_folder_is_there(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONBEAT_DB", "sqlite:///not/there.db")

    code, message = cli.refusal("scheduler", "--for", "1s", *TYPO)

    assert (code, "unexpected" in message) == (5, False)


def test_it_is_refused_where_there_is_none_at_all(cli: Cli, fresh: str) -> None:
    code, message = cli.refusal("jobs", "ls", *TYPO)

    assert code == 5
    assert message == (
        "there is no environment 'stagign' in the database, nor any other; make it with "
        "`onbeat db migrate --environment stagign`"
    )


@pytest.mark.parametrize("way", ["variable", "file", "url"])
def test_it_is_refused_however_it_is_said(
    cli: Cli, fresh: str, way: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    further: tuple[str, ...] = ()
    match way:
        case "variable":
            monkeypatch.setenv("ONBEAT_ENVIRONMENT", "stagign")
        case "file":
            (folder / "onbeat.toml").write_text('environment = "stagign"')
        case _:
            further = ("--db", f"{fresh}?environment=stagign")

    assert "no environment 'stagign'" in cli.refusal("jobs", "enqueue", "charge", *further)[1]


def test_a_worker_does_not_make_one(cli: Cli, fresh: str, app: str) -> None:
    code, message = cli.refusal("worker", "--app", app, "--for", "1s", *TYPO)

    assert code == 5
    assert message.startswith("there is no environment 'stagign' in the database, nor any other")


def test_up_makes_one_on_a_file_and_says_so(cli: Cli, folder: Path, app: str) -> None:
    with start("up", "--app", app, "--environment", "new", "--json", "--for", "1s") as process:
        assert process.ready()["environment"] == "new"
        told = process.end().err

    assert f"note: making a new database at {folder / 'onbeat.new.db'}" in told
    assert cli.answer("jobs", "ls", "--environment", "new")["jobs"] == []


def test_without_an_environment_the_first_job_still_makes_the_file(cli: Cli, folder: Path) -> None:
    result = cli("jobs", "enqueue", "charge")

    assert result.code == 0
    assert f"note: making a new database at {folder / 'onbeat.db'}" in result.err
