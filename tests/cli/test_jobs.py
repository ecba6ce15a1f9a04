"""`onbeat jobs` on both engines: what one command stores, the others show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from onbeat.cli.output.colours import STATES
from onbeat.domain.states import State
from tests.cli.running import Cli, Process


@pytest.fixture
def charge(cli: Cli, app: str, database: str) -> Any:
    """A job of `charge` that nobody runs."""
    asked = ("jobs", "enqueue", "charge", "--app", app, "--args", '{"order_id": 42}')
    return cli.answer(*asked)["job"]


def test_a_job_is_stored_with_what_was_asked_and_shown_so(
    cli: Cli, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONBEAT_DB", database_url)
    asked = ("--args", '{"order_id": 42}', "--queue", "billing", "--priority", "8")
    stored = cli.answer("jobs", "enqueue", "charge", *asked, "--delay", "1h")["job"]

    shown = cli.answer("jobs", "show", stored["id"])

    assert shown["job"] == stored
    assert stored["state"] == "scheduled"
    assert stored["args"] == {"order_id": 42}
    assert (stored["queue"], stored["priority"]) == ("billing", 8)
    assert stored["created_at"].endswith("Z")
    assert (shown["attempts"], shown["log"]) == ([], [])


def test_with_an_app_a_job_takes_its_tasks_options(charge: Any) -> None:
    assert (charge["queue"], charge["max_attempts"], charge["state"]) == ("billing", 3, "pending")


@pytest.mark.parametrize(
    ("task", "args", "said"),
    [
        ("charge", '{"order_id": "x"}', "order_id: Expected `int`, got `str`"),
        ("charge", "{}", "order_id: it is missing"),
        ("charge", '{"order_id": 1, "odd": 2}', "odd: charge has no such argument"),
        ("chrage", "{}", "no task 'chrage' is registered here (is charge meant?); known"),
    ],
)
def test_with_an_app_what_does_not_fit_is_not_stored(
    cli: Cli, app: str, database: str, task: str, args: str, said: str
) -> None:
    code, message = cli.refusal("jobs", "enqueue", task, "--app", app, "--args", args)

    assert code == 2
    assert said in message
    assert cli.answer("jobs", "ls")["jobs"] == []


def test_without_an_app_a_job_is_stored_and_said_to_be_unchecked(cli: Cli, database: str) -> None:
    result = cli("jobs", "enqueue", "anything", "--json")

    assert json.loads(result.out)["checked"] is False
    assert result.err.startswith("note: not checked")


@pytest.mark.parametrize(
    ("options", "used"),
    [((), "queue default and 3 attempts"), (("--queue", "mail"), "queue mail and 3 attempts")],
)
@pytest.mark.parametrize(
    "command",
    [("jobs", "enqueue", "anything"), ("schedules", "add", "a", "--every", "1h", "--task", "any")],
)
def test_without_an_app_what_is_used_instead_of_the_tasks_own_is_said(
    cli: Cli, database: str, command: tuple[str, ...], options: tuple[str, ...], used: str
) -> None:
    assert f"it gets {used}, not the task's own" in cli(*command, *options).err


def test_the_help_says_what_a_job_without_an_app_gets(cli: Cli) -> None:
    told = " ".join(cli.text("jobs", "enqueue", "--help").split())

    assert "the queue is default, the priority 5, and there are 3 attempts" in told


def test_a_command_is_tried_once_without_an_app_too(cli: Cli, database: str) -> None:
    made = cli.answer("jobs", "enqueue", "shell", "--args", '{"command": "false"}')

    assert (made["job"]["max_attempts"], made["checked"]) == (1, True)


@pytest.mark.parametrize("args", ["{}", '{"cmd": "true"}', '{"command": 3}'])
def test_a_commands_arguments_are_checked_without_an_app_too(
    cli: Cli, database: str, args: str
) -> None:
    code, message = cli.refusal("jobs", "enqueue", "shell", "--args", args)

    assert code == 2
    assert "it takes (command, stdin, env, user)" in message
    assert cli.answer("jobs", "ls")["jobs"] == []


def test_a_request_is_checked_without_an_app_and_says_what_it_waits_for(
    cli: Cli, database: str
) -> None:
    given = '{"url": "https://shop.example/", "secret_headers": {"X-Key": "hunter2"}}'

    made = cli("jobs", "enqueue", "http", "--args", given)
    code, message = cli.refusal("jobs", "enqueue", "http", "--args", '{"to": 1}')

    assert "it waits for a worker with the task `http`: ONBEAT_HTTP_TASK=true" in made.err
    assert (code, "it takes (url, method, headers" in message) == (2, True)
    assert "hunter2" not in cli.text("jobs", "ls", "--json")


def test_an_app_without_the_task_shell_says_what_to_do(cli: Cli, app: str, database: str) -> None:
    result = cli("jobs", "enqueue", "shell", "--app", app, "--args", '{"command": "true"}')

    assert result.code == 2
    assert "note: " not in result.err
    assert "ONBEAT_SHELL=true, here too and not in its workers alone" in result.err


def test_a_first_enqueue_says_that_it_makes_the_database(cli: Cli, folder: Path) -> None:
    result = cli("jobs", "enqueue", "anything")

    assert f"note: making a new database at {folder / 'onbeat.db'}" in result.err


def test_a_list_is_read_page_by_page(cli: Cli, database: str) -> None:
    ids = [cli.answer("jobs", "enqueue", f"task-{number}")["job"]["id"] for number in range(5)]

    first = cli.answer("jobs", "ls", "--limit", "3")
    second = cli.answer("jobs", "ls", "--limit", "3", "--after", first["after"])

    assert [job["id"] for job in first["jobs"] + second["jobs"]] == ids[::-1]
    assert (first["before"], second["after"]) == (None, None)
    assert cli.answer("jobs", "ls", "--limit", "3", "--before", second["before"]) == first
    assert f"--after {first['after']}" in cli("jobs", "ls", "--limit", "3").err


def test_a_list_is_filtered(cli: Cli, database: str) -> None:
    cli.answer("jobs", "enqueue", "one", "--queue", "billing")
    cli.answer("jobs", "enqueue", "two", "--delay", "1h")

    def tasks(*options: str) -> list[str]:
        return [job["task"] for job in cli.answer("jobs", "ls", *options)["jobs"]]

    assert tasks("--state", "scheduled") == ["two"]
    assert tasks("--queue", "billing") == ["one"]
    assert tasks("--task", "two") == ["two"]
    assert tasks("--state", "failed") == []


def test_a_list_fits_awk_where_nobody_watches(cli: Cli, charge: Any) -> None:
    title, row = cli.text("jobs", "ls").splitlines()

    assert title.split() == ["ID", "STATE", "TASK", "QUEUE", "TRY", "WHEN"]
    assert row.split()[:5] == [charge["id"], "pending", "charge", "billing", "0/3"]


def test_a_waiting_job_is_cancelled_with_its_reason(cli: Cli, charge: Any) -> None:
    cancelled = cli.answer("jobs", "cancel", charge["id"], "--reason", "wrong day")["jobs"][0]

    assert (cancelled["state"], cancelled["reason"]) == ("cancelled", "wrong day")
    assert cli.refusal("jobs", "cancel", charge["id"])[0] == 4


def test_a_cancelled_job_is_run_again(cli: Cli, charge: Any) -> None:
    cli.answer("jobs", "cancel", charge["id"])

    assert cli.answer("jobs", "retry", charge["id"])["jobs"][0]["state"] == "pending"


def test_several_jobs_are_cancelled_at_once(cli: Cli, database: str) -> None:
    ids = [cli.answer("jobs", "enqueue", "task")["job"]["id"] for _ in range(3)]

    cancelled = cli.answer("jobs", "cancel", *ids)["jobs"]

    assert [job["state"] for job in cancelled] == ["cancelled"] * 3


def test_waiting_prints_the_result(cli: Cli, app: str, up: Process) -> None:
    asked = ("jobs", "enqueue", "charge", "--app", app, "--args", '{"order_id": 7}', "--wait")

    assert cli.text(*asked) == '"charged 7"\n'
    answer = cli.answer(*asked)
    assert answer["result"] == "charged 7"
    assert '"charged 7"' in cli.text("jobs", "show", answer["job"]["id"])


def test_waiting_for_a_job_that_fails_is_exit_6_with_its_error(
    cli: Cli, app: str, up: Process
) -> None:
    asked = ("jobs", "enqueue", "fails", "--app", app, "--args", '{"message": "no luck"}', "--wait")

    code, message = cli.refusal(*asked)

    assert code == 6
    assert "failed: ValueError: no luck" in message


def test_waiting_longer_than_allowed_is_exit_124_and_the_job_goes_on(
    cli: Cli, database: str
) -> None:
    code, message = cli.refusal("jobs", "enqueue", "nobody-runs", "--wait", "--timeout", "50ms")

    assert code == 124
    assert "goes on" in message
    assert cli.answer("jobs", "ls")["jobs"][0]["state"] == "pending"


def test_waiting_where_nobody_would_run_the_job_says_so(cli: Cli, database: str) -> None:
    asked = ("jobs", "enqueue", "nobody-runs", "--wait", "--timeout", "50ms")
    alone = cli(*asked)
    cli.answer("queues", "pause", "default")
    paused = cli(*asked)

    assert "note: no worker is running: onbeat worker --queues default" in alone.err
    assert "note: its queue default was paused by " in paused.err


def test_waiting_for_a_worker_that_is_there_says_nothing_of_it(
    cli: Cli, app: str, up: Process
) -> None:
    asked = ("jobs", "enqueue", "charge", "--app", app, "--args", '{"order_id": 7}', "--wait")

    assert "worker" not in cli(*asked).err


def test_a_failed_job_shows_its_attempts_error_and_log(cli: Cli, app: str, up: Process) -> None:
    cli(
        "jobs", "enqueue", "fails", "--app", app, "--args", '{"message": "\\u001b[2Jbad"}', "--wait"
    )
    job = cli.answer("jobs", "ls", "--state", "failed")["jobs"][0]

    page = cli.text("jobs", "show", job["id"])
    shown = cli.answer("jobs", "show", job["id"])

    assert "failed, attempt 1 of 1" in page
    assert "Traceback" in page
    assert "\x1b" not in page
    assert shown["attempts"][0]["error"]["type"] == "ValueError"
    assert shown["attempts"][0]["duration_s"] >= 0


def test_the_lines_a_job_wrote_are_shown(cli: Cli, app: str, up: Process) -> None:
    asked = ("jobs", "enqueue", "charge", "--app", app, "--args", '{"order_id": 8}', "--wait")
    job = cli.answer(*asked)["job"]["id"]
    lines: list[Any] = []
    while len(lines) < 2:
        lines = cli.answer("jobs", "logs", job)["log"]

    assert [line["message"] for line in lines] == ["charged", "from logging"]
    assert lines[0]["fields"] == {"order": 8}
    assert {line["attempt"] for line in lines} == {1}
    assert "info    charged order=8" in cli.text("jobs", "logs", job)
    assert cli.text("jobs", "logs", job, "--attempt", "9") == ""


def test_every_state_has_a_colour() -> None:
    assert set(STATES) == set(State)


def test_jobs_are_found_by_tags_owner_and_arguments(cli: Cli, database: str) -> None:
    args = ("--args", '{"customer": {"id": 42}, "city": "Metz"}')
    made = cli.answer("jobs", "enqueue", "bill", "--tag", "vip", "--tag", "eu", "--owner", "u-17",
                      *args)["job"]  # fmt: skip
    cli.answer("jobs", "enqueue", "bill", "--tag", "us", "--owner", "u-18")
    cli.answer("jobs", "enqueue", "mail", *args)

    assert (made["tags"], made["owner"]) == (["vip", "eu"], "u-17")
    assert "vip, eu" in cli.text("jobs", "show", made["id"])
    for asked in (
        ("--tag", "vip"), ("--owner", "u-17"), ("--tag", "eu", "--tag", "none"),
        ("--arg", "customer.id=42", "--task", "bill"), ("--arg", "city=Metz", "--owner", "u-17"),
        ("--id", made["id"][:30], "--tag", "vip"), ("--sort", "oldest", "--limit", "1"),
    ):  # fmt: skip
        assert [job["id"] for job in cli.answer("jobs", "ls", *asked)["jobs"]] == [made["id"]]
    assert cli.answer("jobs", "ls", "--tag", "vip", "--owner", "u-18")["jobs"] == []


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (("--tag", "a b"), "tag: 'a b' is no tag"),
        (("--arg", "n"), "arg: 'n' has no =; give a place and what is there"),
        (("--arg", "n=1", "--arg", "n=2"), "arg: n is given twice"),
        (("--after", "odd"), "after: it is no cursor of this list"),
        (("--sort", "last-ended", "--state", "pending"), "sort: last-ended is by when they ended"),
    ],
)
def test_what_a_list_cannot_be_asked_for_is_refused(
    cli: Cli, database: str, asked: tuple[str, ...], told: str
) -> None:
    cli.answer("jobs", "enqueue", "bill")

    code, message = cli.refusal("jobs", "ls", *asked)

    assert code == 2
    assert told in message


def test_jobs_are_counted_by_state(cli: Cli, database: str) -> None:
    for _ in range(2):
        cli.answer("jobs", "enqueue", "bill")

    counted = cli.answer("jobs", "counts")["counts"]

    assert counted["pending"] == {"number": 2, "is_exact": True}
    assert list(counted) == list(State)
    assert "pending" in cli.text("jobs", "counts")


def test_many_are_cancelled_by_tag(cli: Cli, database: str) -> None:
    cli.answer("jobs", "enqueue", "bill", "--tag", "vip")
    cli.answer("jobs", "enqueue", "bill")

    assert cli.answer("jobs", "cancel", "--tag", "vip")["cancelled"] == 1
    assert cli.answer("jobs", "counts")["counts"]["pending"]["number"] == 1


def test_a_schedule_has_tags_and_an_owner_and_is_listed_by_that(cli: Cli, database: str) -> None:
    asked = ("--task", "bill", "--every", "1h", "--tag", "vip", "--owner", "u-17")
    made = cli.answer("schedules", "add", "hourly", *asked)["schedule"]
    cli.answer("schedules", "add", "other", "--task", "bill", "--every", "1h")

    assert (made["tags"], made["owner"]) == (["vip"], "u-17")
    listed = cli.answer("schedules", "ls", "--owner", "u-17")["schedules"]
    assert [each["name"] for each in listed] == ["hourly"]
    job = cli.answer("schedules", "trigger", "hourly")["job"]
    assert (job["tags"], job["owner"]) == (["vip"], "u-17")


def test_a_mistyped_task_is_taken_with_a_note_that_names_the_nearest(cli: Cli, up: Process) -> None:
    typo = cli("jobs", "enqueue", "chrage")
    known = cli("jobs", "enqueue", "charge", "--args", '{"order_id": 1}')
    schedule = cli("schedules", "add", "hourly", "--task", "chrage", "--every", "1h")

    for result in (typo, schedule):
        assert result.code == 0
        assert "no worker that was here has a task 'chrage' (is charge meant?)" in result.err
    assert known.code == 0
    assert "no worker that was here" not in known.err
