"""`onbeat crontab import`: lines become schedules, once, and none is lost in silence."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from onbeat.domain.schedules import CatchUpMode
from tests.cli.running import Cli, start
from tests.waiting import wait_until
from tests.worker.test_ends import is_alive

TWO = "MAILTO=ann\nSECRET='s3cret value'\n*/5 * * * * run one\n@daily run two\n"
BAD = "61 * * * * bad\n0 5 * * * good\n0 0 31 2 * never\nnonsense\n"


@pytest.fixture
def here(cli: Cli, folder: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which commands find a database on either engine, in Paris."""
    monkeypatch.setenv("ONBEAT_DB", database_url)
    monkeypatch.setenv("TZ", "Europe/Paris")
    return folder


def write(folder: Path, text: str | bytes, name: str = "tab") -> str:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def bring(cli: Cli, *arguments: str) -> Any:
    """Import a crontab; the answer for programs."""
    return cli.answer("crontab", "import", *arguments)


def stored(cli: Cli) -> dict[str, Any]:
    """All schedules by name."""
    return {each["name"]: each for each in cli.answer("schedules", "ls")["schedules"]}


def changes(answer: Any) -> list[str]:
    return [entry["change"] for entry in answer["entries"]]


def test_each_entry_becomes_a_schedule_as_under_cron(cli: Cli, here: Path) -> None:
    answer = bring(cli, write(here, TWO))

    [five, daily] = (stored(cli)[entry["schedule"]] for entry in answer["entries"])
    assert five["description"] == "every 5 minutes (Europe/Paris)"
    assert daily["description"] == "at 00:00 every day (Europe/Paris)"
    assert (five["task"], five["max_attempts"]) == ("shell", 1)
    assert (five["overlap"], five["catch_up"], five["queue"]) == ("allow", "none", "default")
    env = {"MAILTO": "ann", "SECRET": "***"}
    assert five["args"] == {"command": "run one", "env": env}


def test_options_say_otherwise(cli: Cli, here: Path) -> None:
    policies = ("--overlap", "skip", "--catch-up", "latest within 6h", "--queue", "cron")
    answer = bring(cli, write(here, "0 5 * * * run\n"), *policies, "--tz", "Asia/Tokyo",
                   "--priority", "8", "--name", "mine")  # fmt: skip

    [(name, made)] = stored(cli).items()
    assert name == answer["entries"][0]["schedule"]
    assert name.startswith("mine:run-")
    assert made["description"].endswith("(Asia/Tokyo)")
    assert (made["overlap"], made["catch_up"]) == ("skip", "latest within 6h")
    assert (made["queue"], made["priority"]) == ("cron", 8)


def test_a_crontab_read_again_changes_nothing(cli: Cli, here: Path) -> None:
    file = write(here, TWO + "@reboot run three\n")
    bring(cli, file)
    before = stored(cli)

    again = bring(cli, file)

    assert changes(again) == ["unchanged"] * 3
    assert stored(cli) == before


def test_what_was_changed_in_the_file_is_changed_in_place(cli: Cli, here: Path) -> None:
    file = write(here, TWO)
    names = [entry["schedule"] for entry in bring(cli, file)["entries"]]
    cli.answer("schedules", "pause", names[0])

    again = bring(
        cli, write(here, "# moved\n\nGREETING=other\n*/7 * * * * run one\n@daily run two\n")
    )

    assert [entry["schedule"] for entry in again["entries"]] == names
    assert changes(again) == ["changed", "changed"]
    changed = stored(cli)[names[0]]
    assert changed["recurrence"]["expr"] == "*/7 * * * *"
    assert changed["args"]["env"] == {"GREETING": "other"}
    assert changed["paused_at"] is not None


def test_a_line_that_is_gone_keeps_its_schedule_until_it_is_pruned(cli: Cli, here: Path) -> None:
    names = [entry["schedule"] for entry in bring(cli, write(here, TWO))["entries"]]
    cli.answer("schedules", "add", "other", "--task", "t", "--every", "1h")
    file = write(here, "@daily run two\n")

    kept = bring(cli, file)
    still_there = set(stored(cli))
    tried = bring(cli, file, "--prune", "--dry-run")
    pruned = bring(cli, file, "--prune")

    assert kept["gone"] == tried["gone"] == pruned["gone"] == [names[0]]
    assert (kept["pruned"], tried["pruned"], pruned["pruned"]) == (False, False, True)
    assert still_there == {*names, "other"}
    assert set(stored(cli)) == {names[1], "other"}


def test_while_a_line_is_wrong_nothing_is_pruned(cli: Cli, here: Path) -> None:
    names = {entry["schedule"] for entry in bring(cli, write(here, TWO))["entries"]}

    result = cli("crontab", "import", write(here, BAD), "--prune")

    assert result.code == 2
    assert "error: nothing was pruned: lines 1, 4 are wrong; mend them first" in result.err
    assert result.out.count("still runs\n") == 2
    assert names < set(stored(cli))


def test_while_a_line_is_wrong_programs_are_told_that_nothing_was_pruned(
    cli: Cli, here: Path
) -> None:
    bring(cli, write(here, TWO))

    result = cli("crontab", "import", write(here, BAD), "--prune", "--json")

    assert json.loads(result.out)["pruned"] is False


@pytest.mark.parametrize("options", [(), ("--dry-run",)], ids=["import", "dry run"])
@pytest.mark.parametrize("text", ["", "# none\nPATH=/bin\n", "0 0 31 2 * never\n"])
def test_a_crontab_without_commands_prunes_nothing_and_is_refused(
    cli: Cli, here: Path, text: str, options: tuple[str, ...]
) -> None:
    bring(cli, write(here, TWO))

    code, told = cli.refusal("crontab", "import", write(here, text), "--prune", *options)

    assert code == 2
    assert told.startswith("prune: the crontab is empty")
    assert "`onbeat schedules rm`" in told
    assert len(stored(cli)) == 2


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "still runs; remove it with --prune"),
        (("--dry-run",), "still runs; remove it with --prune"),
        (("--dry-run", "--prune"), "would be removed"),
        (("--prune",), "was removed"),
    ],
)
def test_what_becomes_of_a_line_that_is_gone_is_said(
    cli: Cli, here: Path, options: tuple[str, ...], told: str
) -> None:
    [gone, _] = [entry["schedule"] for entry in bring(cli, write(here, TWO))["entries"]]

    page = cli.text("crontab", "import", write(here, "@daily run two\n"), *options)

    assert f"its line is gone: {gone} {told}\n" in page


def test_a_paused_schedule_whose_line_is_gone_is_not_said_to_run(cli: Cli, here: Path) -> None:
    [gone, _] = [entry["schedule"] for entry in bring(cli, write(here, TWO), "--paused")["entries"]]

    page = cli.text("crontab", "import", write(here, "@daily run two\n"), "--paused")

    assert f"its line is gone: {gone} is paused; remove it with --prune\n" in page


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_an_edited_line_that_would_run_beside_cron_is_named(
    cli: Cli, here: Path, options: tuple[str, ...]
) -> None:
    bring(cli, write(here, TWO), "--paused")
    edited = write(here, TWO.replace("run two", "run three"))

    paused = bring(cli, edited, "--paused", "--dry-run")
    page = cli.text("crontab", "import", edited, *options)
    answer = bring(cli, edited, "--dry-run")

    name = paused["entries"][-1]["schedule"]
    assert paused["beside_paused"] == []
    assert f"not paused, as others of this crontab are: {name}; if cron runs it too" in page
    assert answer["beside_paused"] == ([name] if options else [])


def test_a_line_that_is_added_where_nothing_is_paused_is_not_named(cli: Cli, here: Path) -> None:
    bring(cli, write(here, "@daily run two\n"))

    assert bring(cli, write(here, TWO))["beside_paused"] == []


def test_crontabs_of_other_names_are_left_alone(cli: Cli, here: Path) -> None:
    bring(cli, write(here, TWO, "one"))

    other = bring(cli, write(here, "@daily run two\n", "two"), "--prune")

    assert (changes(other), other["gone"]) == (["added"], [])
    assert len(stored(cli)) == 3


def test_a_name_that_somebody_else_took_is_exit_4(cli: Cli, here: Path) -> None:
    file = write(here, "@daily run\n")
    name = bring(cli, file, "--dry-run")["entries"][0]["schedule"]
    cli.answer("schedules", "add", name, "--task", "t", "--every", "1h")

    code, told = cli.refusal("crontab", "import", file)

    assert code == 4
    assert "--name" in told


def test_paused_ones_wait_to_be_resumed_job_by_job(cli: Cli, here: Path) -> None:
    file = write(here, TWO)
    names = [entry["schedule"] for entry in bring(cli, file, "--paused")["entries"]]
    cli.answer("schedules", "resume", names[0])

    bring(cli, file, "--paused")

    assert [stored(cli)[name]["paused_at"] is None for name in names] == [True, False]


def test_bad_lines_are_named_and_the_good_ones_brought_in(cli: Cli, here: Path) -> None:
    result = cli("crontab", "import", write(here, BAD))

    assert result.code == 2
    assert "error: lines 1, 4 are wrong" in result.err
    assert "line 1: bad: time: 61 in minute is out of range" in result.out
    assert "line 3: left out: time: it would never fire" in result.out
    assert "line 4: bad: it is neither" in result.out
    assert [each["args"]["command"] for each in stored(cli).values()] == ["good"]


def test_bad_lines_are_told_to_programs_too(cli: Cli, here: Path) -> None:
    result = cli("crontab", "import", write(here, BAD), "--json")

    told = json.loads(result.out)["passed"]
    assert result.code == 2
    assert [(each["line"], each["bad"]) for each in told] == [(1, True), (3, False), (4, True)]


def test_a_dry_run_shows_the_same_and_makes_nothing(cli: Cli, here: Path) -> None:
    file = write(here, TWO)

    tried = bring(cli, file, "--dry-run")
    nothing = stored(cli)
    done = bring(cli, file)

    assert nothing == {}
    assert tried["dry_run"] is True
    differing = {key for key in done if tried[key] != done[key]}
    assert differing == {"dry_run"}


def test_a_dry_run_needs_no_database(cli: Cli, folder: Path) -> None:
    answer = bring(cli, write(folder, TWO), "--dry-run", "--tz", "UTC")

    assert changes(answer) == ["added", "added"]
    assert not (folder / "onbeat.db").exists()


def test_a_dry_run_of_a_file_with_bad_lines_fails_too(cli: Cli, folder: Path) -> None:
    assert cli("crontab", "import", write(folder, BAD), "--dry-run").code == 2


def test_no_value_of_a_variable_is_shown(cli: Cli, here: Path) -> None:
    file = write(here, TWO)
    shown = [cli.text("crontab", "import", file), cli.text("crontab", "import", file, "--json")]
    for name in stored(cli):
        shown.append(cli.text("schedules", "show", name))
        job = cli.answer("schedules", "trigger", name)["job"]["id"]
        shown.append(cli.text("jobs", "show", job))

    assert "s3cret" not in "".join(shown)
    assert shown[2].count('"SECRET":"***"') == 1


def test_stdin_is_read_and_is_the_user_s_own_crontab(here: Path) -> None:
    command = [sys.executable, "-m", "onbeat", "crontab", "import", "-", "--json"]

    done = subprocess.run(
        command, input=TWO.encode(), capture_output=True, timeout=60, check=True,
        env={**os.environ, "LOGNAME": "ann"},
    )  # fmt: skip

    names = [entry["schedule"] for entry in json.loads(done.stdout)["entries"]]
    assert all(name.startswith("crontabs/ann:run-") for name in names)


@pytest.mark.parametrize(
    ("name", "options", "user"),
    [
        ("cron.d/app", (), "root"),
        ("cron.d/app", ("--no-user-field",), None),
        ("tab", (), None),
        ("tab", ("--user-field",), "root"),
    ],
)
def test_a_system_crontab_has_a_user_field_wherever_it_is_known_to_be_one(
    cli: Cli, here: Path, name: str, options: tuple[str, ...], user: str | None
) -> None:
    file = write(here, "@daily root run\n", name)

    answer = bring(cli, file, *options)

    [made] = stored(cli).values()
    assert answer["entries"][0]["user"] == made["args"].get("user") == user
    assert made["name"].startswith(f"{name}:")


def test_a_user_who_is_not_there_is_warned_of(cli: Cli, here: Path) -> None:
    [entry] = bring(cli, write(here, "@daily nosuchuser run\n"), "--user-field")["entries"]

    assert any("nosuchuser" in warning for warning in entry["warnings"])


@pytest.mark.parametrize("command", [("crontab", "import"), ("schedules", "add")])
def test_the_help_names_every_way_to_catch_up(cli: Cli, command: tuple[str, ...]) -> None:
    told = " ".join(cli.text(*command, "--help").split()).partition("Missed moments:")[2]

    assert {mode for mode in CatchUpMode if mode not in told.partition("--")[0]} == set()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("nowhere",), "nowhere cannot be read: no such file"),
        ((".",), "is a directory"),
        (("tab", "--overlap", "queue"), "overlap"),
        (("tab", "--catch-up", "some"), "catch_up"),
        (("tab", "--tz", "Mars"), "tz"),
        (("tab", "--name", "two words"), "name"),
        (("tab", "--timeout", "0s"), "timeout"),
    ],
)
def test_what_is_wrong_with_the_command_is_named(
    cli: Cli, folder: Path, arguments: tuple[str, ...], told: str
) -> None:
    write(folder, TWO)

    code, line = cli.refusal("crontab", "import", *arguments)

    assert code == 2
    assert told in line


def test_a_crontab_runs_under_up_without_an_application(cli: Cli, here: Path) -> None:
    text = "WHO=cron\n@reboot echo hello $WHO; cat; exit 3%there\n"
    [entry] = bring(cli, write(here, text))["entries"]
    job = cli.answer("schedules", "trigger", entry["schedule"])["job"]["id"]

    with start("up", "--json", ONBEAT_SHELL="true") as up:
        up.ready()
        wait_until(lambda: cli.answer("jobs", "show", job)["job"]["state"] == "failed")

    page = cli.text("jobs", "show", job)
    assert "CommandFailed: exit code 3" in page
    assert "hello cron" in page
    assert "there" in page


def test_a_command_that_never_ends_does_not_outlive_a_killed_worker(cli: Cli, here: Path) -> None:
    note = here / "pids"
    command = f"sleep 1000 & echo $! $$ > {note}.part; mv {note}.part {note}; wait"
    with start("up", "--json", ONBEAT_SHELL="yes") as up:
        pid = up.ready()["pid"]
        cli.answer("jobs", "enqueue", "shell", "--args", json.dumps({"command": command}))
        wait_until(note.exists)
        pids = [int(each) for each in note.read_text().split()]
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not any(is_alive(each) for each in pids))
        left_nothing = not any(is_alive(each) for each in pids)

    assert left_nothing


def test_a_worker_without_the_task_needs_an_application(cli: Cli, here: Path) -> None:
    told = cli.refusal("up")[1]

    assert "give --app module:name" in told
    assert told.endswith("or ONBEAT_SHELL=true, to run an imported crontab alone")


def test_a_shell_job_that_nobody_here_runs_says_how_to_enable_it(cli: Cli, here: Path) -> None:
    result = cli("jobs", "enqueue", "shell", "--args", '{"command": "true"}')

    assert result.code == 0
    assert "ONBEAT_SHELL=true" in result.err
