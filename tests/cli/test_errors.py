"""What goes wrong: one line, the right exit code, and never a password."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.running import Cli, spoken

JOB = "0" * 32
SECRET = "s3cr3t/w@rd"  # noqa: S105 - to be looked for
UNREACHABLE = f"postgresql://onbeat:{SECRET}@127.0.0.1:1/shop?password={SECRET}"


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("jobs", "show", "not-an-id"), 2),
        (("jobs", "show", JOB), 3),
        (("jobs", "retry", JOB), 3),
        (("jobs", "ls", "--schedule", "nothing"), 3),
        (("jobs", "ls", "--state", "odd"), 2),
        (("jobs", "ls", "--limit", "0"), 2),
        (("jobs", "enqueue", "charge", "--args", "[1]"), 2),
        (("jobs", "enqueue", "charge", "--args", "{"), 2),
        (("jobs", "enqueue", "charge", "--delay", "5"), 2),
        (("jobs", "enqueue", "charge", "--delay", "5s", "--at", "now"), 2),
        (("jobs", "enqueue", "charge", "--priority", "11"), 2),
        (("schedules", "show", "nothing"), 3),
        (("schedules", "rm", "nothing"), 3),
        (("schedules", "add", "a b", "--task", "t", "--every", "1h"), 2),
        (("schedules", "add", "a", "--task", "t"), 2),
        (("schedules", "add", "a", "--task", "t", "--every", "1h", "--overlap", "odd"), 2),
        (("schedules", "add", "a", "--task", "t", "--every", "1h", "--catch-up", "odd"), 2),
        (("queues", "resume", "nothing"), 3),
        (("tasks", "ls"), 2),
        (("up",), 2),
        (("worker", "--app", "nothing"), 2),
    ],
    ids=spoken,
)
def test_a_refusal_is_one_line_and_its_exit_code(
    cli: Cli, database: str, command: tuple[str, ...], code: int
) -> None:
    assert cli.refusal(*command)[0] == code


def test_with_json_a_refusal_is_told_to_programs_too(cli: Cli, database: str) -> None:
    result = cli("jobs", "enqueue", "charge", "--args", "[]", "--json")
    line, told = result.err.splitlines()[-2:]

    assert line.startswith("error: args: ")
    assert json.loads(told)["error"] == {
        "type": "InvalidArguments",
        "field": "args",
        "message": line.removeprefix("error: "),
    }


def test_a_wrong_command_line_is_told_as_json_too(cli: Cli) -> None:
    result = cli("jobs", "ls", "--json", "--odd")

    assert json.loads(result.err.splitlines()[-1])["error"]["type"] == "NoSuchOption"


def test_a_database_that_is_not_there_is_not_taken_for_an_empty_one(cli: Cli, folder: Path) -> None:
    code, message = cli.refusal("jobs", "ls")

    assert code == 5
    assert str(folder / "onbeat.db") in message
    assert not (folder / "onbeat.db").exists()


def test_a_database_out_of_reach_is_exit_5(cli: Cli) -> None:
    code, message = cli.refusal("jobs", "ls", "--db", "postgresql://nobody@127.0.0.1:1/nothing")

    assert code == 5
    assert "cannot be reached" in message


def test_an_unknown_engine_is_exit_2(cli: Cli) -> None:
    code, message = cli.refusal("jobs", "ls", "--db", "mysql://localhost/shop")

    assert (code, message.startswith("db: ")) == (2, True)


@pytest.mark.parametrize(
    "command",
    [
        ("jobs", "ls"),
        ("jobs", "enqueue", "charge"),
        ("db", "migrate"),
        ("db", "status"),
        ("scheduler", "--for", "1s"),
        ("crontab", "import", os.devnull, "--dry-run"),
    ],
    ids=spoken,
)
@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite://", "in memory"),
        ("sqlite:///", "in memory"),
        ("sqlite:///:memory:", "in memory"),
        (":memory:", "not a database URL; give sqlite:///FILE"),
        ("onbeat.db", "not a database URL; give sqlite:///FILE"),
        ("sqlite:////tmp", "/tmp is a folder; give a file in it: sqlite:////tmp/onbeat.db"),
        ("", "it is empty"),
    ],
)
@pytest.mark.parametrize("by", ["option", "environment"])
def test_a_place_that_keeps_no_jobs_is_refused(
    cli: Cli,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
    url: str,
    said: str,
    by: str,
) -> None:
    if by == "environment":
        monkeypatch.setenv("ONBEAT_DB", url)
    code, message = cli.refusal(*command, *(("--db", url) if by == "option" else ()))

    assert (code, said in message) == (2, True), message
    assert message.startswith(("db: ", "ONBEAT_DB: "))
    assert list(folder.iterdir()) == []


def test_the_doctor_finds_a_database_in_memory_wrong(cli: Cli) -> None:
    result = cli("doctor", "--db", "sqlite://")

    assert (result.code, "is a database in memory" in result.out) == (2, True)


@pytest.mark.parametrize(
    "command",
    [
        ("jobs", "ls"),
        ("jobs", "ls", "--json"),
        ("jobs", "ls", "--debug"),
        ("db", "status"),
        ("db", "migrate", "--json"),
        ("doctor",),
        ("doctor", "--json"),
        ("scheduler", "--for", "1s"),
    ],
    ids=spoken,
)
@pytest.mark.parametrize("by", ["option", "environment"])
def test_a_password_is_never_printed(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], by: str
) -> None:
    if by == "environment":
        monkeypatch.setenv("ONBEAT_DB", UNREACHABLE)
    result = cli(*command, *(("--db", UNREACHABLE) if by == "option" else ()))

    assert result.code != 0
    assert SECRET not in result.out + result.err
    assert "s3cr3t" not in result.out + result.err


def test_a_setting_that_is_wrong_is_named(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONBEAT_CONCURRENCY", "many")

    code, message = cli.refusal("jobs", "ls")

    assert (code, message.startswith("ONBEAT_CONCURRENCY: 'many'")) == (2, True)


@pytest.mark.parametrize(
    ("source", "path", "said"),
    [
        ("", "absent_module:ob", "there is no module 'absent_module'"),
        ("x = 1", "{}:ob", "has no 'ob'"),
        ("import onbeat\napp = onbeat.Onbeat()", "{}:ob", "it has app"),
        ("ob = 3", "{}:ob", "is a int, not an Onbeat"),
        ("import absent_dependency", "{}:ob", "No module named 'absent_dependency' ({}.py:1)"),
        ("x = 1\n\nraise RuntimeError('no luck')", "{}:ob", "RuntimeError: no luck ({}.py:3)"),
        ("def broken(:\n    pass", "{}:ob", "{}.py:1"),
        ("raise SystemExit(4)", "{}:ob", "SystemExit: 4 ({}.py:1)"),
        ("x = 1", "{}", "is not of the form module:name"),
    ],
)
def test_an_application_that_cannot_be_had_says_why_and_where(
    cli: Cli, folder: Path, request: pytest.FixtureRequest, source: str, path: str, said: str
) -> None:
    module = f"broken_{abs(hash(request.node.name))}"
    (folder / f"{module}.py").write_text(source)

    code, message = cli.refusal("tasks", "ls", "--app", path.format(module))

    assert code == 2
    assert message.startswith("app: ")
    assert said.format(module) in message


def test_debug_shows_the_traceback(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    by_option = cli("jobs", "show", "odd", "--debug")
    monkeypatch.setenv("ONBEAT_DEBUG", "1")
    by_variable = cli("jobs", "show", "odd")

    assert "Traceback" in by_option.err
    assert "Traceback" in by_variable.err


def test_output_that_nobody_reads_any_more_is_no_error(folder: Path) -> None:
    program = (
        f"{sys.executable} -m onbeat schedules preview --every 1s --count 10000 --json | head -c 1"
    )
    shown = subprocess.run(["/bin/bash", "-c", program], capture_output=True, text=True, check=True)

    assert (shown.stdout, shown.stderr) == ("{", "")


@pytest.mark.parametrize("form", ["", "--json"])
def test_an_answer_that_nobody_reads_any_more_ends_well(folder: Path, form: str) -> None:
    program = (
        f"set -o pipefail; {sys.executable} -m onbeat schedules preview --every 1s --count 10000 "
        f"{form} | head -c 1"
    )
    shown = subprocess.run(["/bin/bash", "-c", program], capture_output=True, check=False)

    assert (shown.returncode, shown.stderr) == (0, b"")


def test_a_stream_that_lacks_a_character_shows_another(cli: Cli, folder: Path) -> None:
    # Not forked: it is the interpreter that is told, as it starts.
    shown = subprocess.run(
        [sys.executable, "-m", "onbeat", "doctor"], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip

    assert "UnicodeEncodeError" not in shown.stderr
    assert (shown.returncode, "postgresql://?" in shown.stdout) == (0, True)


@pytest.mark.parametrize(
    "command",
    [
        ("jobs", "ls"),
        ("schedules", "ls"),
        ("queues", "ls"),
        ("workers", "ls"),
        ("jobs", "retry", JOB),
        ("schedules", "pause", "nothing"),
    ],
    ids=spoken,
)
def test_looking_at_a_database_of_somebody_else_leaves_it_as_it_was(
    cli: Cli, folder: Path, command: tuple[str, ...]
) -> None:
    path = folder / "theirs.db"
    sqlite3.connect(path).execute("CREATE TABLE t (a)").connection.close()
    before = path.read_bytes()

    code, message = cli.refusal(*command, "--db", f"sqlite:///{path}")

    assert (code, "`onbeat db migrate`" in message) == (5, True)
    assert path.read_bytes() == before
    assert [each.name for each in folder.glob("theirs*")] == ["theirs.db"]


def test_a_job_may_be_asked_for_in_a_file_without_tables(cli: Cli, folder: Path) -> None:
    (folder / "onbeat.db").touch()

    assert cli.answer("jobs", "enqueue", "charge")


def test_heartbeats_that_do_not_fit_are_told_by_every_command(
    cli: Cli, app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONBEAT_HEARTBEAT", "20s")

    doctor = cli("doctor")
    code, message = cli.refusal("worker", "--app", app, "--for", "1s")

    assert (doctor.code, "wrong  settings  " in doctor.out) == (2, True)
    assert (code, "ONBEAT_HEARTBEAT: " in message) == (2, True)


def test_heartbeats_that_fit_a_later_rescue_are_allowed(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONBEAT_HEARTBEAT", "20s")
    monkeypatch.setenv("ONBEAT_RESCUE_AFTER", "1m")

    shown = {each["variable"]: each["value"] for each in cli.answer("doctor")["settings"]}

    assert (shown["ONBEAT_HEARTBEAT"], shown["ONBEAT_RESCUE_AFTER"]) == ("20s", "1m")


def test_a_rescue_that_is_too_early_is_named(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONBEAT_RESCUE_AFTER", "9s")

    code, message = cli.refusal("jobs", "ls")

    assert (code, message.startswith("ONBEAT_RESCUE_AFTER: ")) == (2, True)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("schedules", "edit", "hourly", "--limit", "0"), "limit: '0' is not a whole number of 1"),
        (
            ("schedules", "edit", "hourly", "--limit", "-1"),
            "limit: '-1' is not a whole number of 1",
        ),
        (("calendars", "put", "fr", "--weekend", ""), "weekend: it names no day; give days"),
        (
            ("calendars", "put", "fr", "--holiday", "2027-05-01", "--weekend", ""),
            "weekend: it names no day; give days",
        ),
        (
            ("schedules", "preview", "--rrule", "FREQ=DAILY;INTERVAL=0"),
            "rrule: INTERVAL=0 is not from 1 to 100 years; use 1 or more",
        ),
        (
            ("schedules", "preview", "--rrule", "FREQ=DAILY;COUNT=0"),
            "rrule: COUNT=0 is not 1 to 10000; use 1 or more",
        ),
        (("schedules", "stop-backfill", "123"), "backfill: '123' is not a backfill id"),
        (("workflows", "show", "123"), "workflow: '123' is not a workflow id"),
        (
            ("limits", "set", "queue/x", "--rate", "5/fortnight"),
            "rate: its period 'fortnight' is no duration of fixed length",
        ),
    ],
    ids=lambda each: spoken(each)[:60],
)
def test_what_cannot_be_meant_is_told_by_its_own_name(
    cli: Cli, database: str, command: tuple[str, ...], told: str
) -> None:
    cli.answer("schedules", "add", "hourly", "--task", "t", "--every", "1h")

    code, message = cli.refusal(*command)

    assert code == 2
    assert message.startswith(told)
