"""`onbeat up`, `worker`, `scheduler` as real processes: start, drain, exit codes, logs."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.cli.running import Cli, Process, start
from tests.waiting import wait_until

STOPPERS = [signal.SIGTERM, signal.SIGINT]


def _begin(cli: Cli, app: str, folder: Path) -> tuple[str, Path]:
    """A job that runs until its file is there; its id, when it has begun."""
    gate = folder / "gate"
    args = json.dumps({"path": str(gate)})
    job = cli.answer("jobs", "enqueue", "waits_for", "--app", app, "--args", args)["job"]["id"]
    while not (folder / "gate.begun").exists():
        cli.answer("jobs", "show", job)
    return job, gate


def test_up_runs_jobs_and_ends_by_itself(cli: Cli, app: str, folder: Path) -> None:
    with start("up", "--app", app, "--for", "1s") as up:
        result = up.end()

    assert result.code == 0
    assert f"note: making a new database at {folder / 'onbeat.db'}" in result.err
    assert "schedules.reconciled" in result.err
    assert [each["name"] for each in cli.answer("schedules", "ls")["schedules"]] == [
        "hourly-report"
    ]


def test_up_takes_the_queues_of_its_tasks_unless_told(app: str, database: str) -> None:
    with start("up", "--app", app, "--json") as up:
        untold = up.ready()
    with start("up", "--app", app, "--json", "--queues", "mail", "--concurrency", "3") as up:
        told = up.ready()
    with start("up", "--app", app, "--json", ONBEAT_QUEUES="billing") as up:
        by_variable = up.ready()

    assert untold["queues"] == ["billing", "default"]
    assert (told["queues"], told["concurrency"]) == (["mail"], 3)
    assert by_variable["queues"] == ["billing"]


@pytest.mark.parametrize("number", STOPPERS, ids=lambda number: number.name)
def test_a_signal_lets_running_jobs_end(
    cli: Cli, app: str, folder: Path, up: Process, number: signal.Signals
) -> None:
    job, gate = _begin(cli, app, folder)

    up.signal(number)
    while not (workers := cli.answer("workers", "ls")["workers"]) or not workers[0]["draining"]:
        pass
    gate.touch()
    result = up.end()

    assert result.code == 0
    assert json.loads(result.out)["stopped"] == {"ended": {"completed": 1}}
    assert cli.answer("jobs", "show", job)["job"]["state"] == "completed"
    assert cli.answer("workers", "ls")["workers"] == []


def test_signals_that_come_together_are_one(cli: Cli, app: str, folder: Path, up: Process) -> None:
    job, gate = _begin(cli, app, folder)

    for number in STOPPERS:
        up.signal(number)
    while not (workers := cli.answer("workers", "ls")["workers"]) or not workers[0]["draining"]:
        assert not up.has_ended
    gate.touch()

    assert up.end().code == 0
    assert cli.answer("jobs", "show", job)["job"]["state"] == "completed"


def test_a_second_signal_ends_at_once_with_130(
    cli: Cli, app: str, folder: Path, up: Process
) -> None:
    job, _ = _begin(cli, app, folder)

    up.signal(signal.SIGTERM)
    while not cli.answer("workers", "ls")["workers"][0]["draining"]:
        pass
    up.signal_until_it_ends(signal.SIGTERM)
    result = up.end()

    assert result.code == 130
    assert cli.answer("jobs", "show", job)["job"]["state"] == "running"


def test_a_job_that_outlasts_the_grace_is_given_back(
    cli: Cli, app: str, folder: Path, database: str
) -> None:
    (folder / "slow.py").write_text(
        "import asyncio\nfrom onbeat import Onbeat\nob = Onbeat()\n"
        "@ob.task\nasync def forever() -> None:\n"
        "    open('gate.begun', 'w').close()\n    await asyncio.Event().wait()\n"
    )
    with start("worker", "--app", "slow:ob", "--grace", "100ms", "--json") as worker:
        worker.ready()
        job = cli.answer("jobs", "enqueue", "forever")["job"]["id"]
        while not (folder / "gate.begun").exists():
            cli.answer("jobs", "show", job)
        worker.signal(signal.SIGTERM)
        result = worker.end()

    shown = cli.answer("jobs", "show", job)
    assert result.code == 0
    assert (shown["job"]["state"], shown["attempts"][0]["outcome"]) == ("pending", "interrupted")


def test_a_worker_and_a_scheduler_work_together_on_postgresql(
    cli: Cli, app: str, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONBEAT_DB", postgres_url)
    cli.answer("db", "migrate")
    asked = ("jobs", "enqueue", "charge", "--args", '{"order_id": 5}', "--queue", "billing")
    with (
        start("scheduler", "--app", app, "--json") as scheduler,
        start("worker", "--app", app, "--json", "--queues", "billing") as worker,
    ):
        scheduler.ready()
        worker.ready()
        answer = cli.answer(*asked, "--delay", "100ms", "--wait", "--timeout", "30s")
        for process in (scheduler, worker):
            process.signal(signal.SIGTERM)
        codes = [process.end().code for process in (scheduler, worker)]

    assert answer["result"] == "charged 5"
    assert codes == [0, 0]


@pytest.mark.parametrize("command", ["up", "worker", "scheduler"])
def test_on_postgresql_without_tables_a_start_is_refused_with_what_to_do(
    app: str, postgres_url: str, command: str
) -> None:
    with start(command, "--app", app, "--db", postgres_url) as process:
        result = process.end()

    assert result.code == 5
    assert len(result.err.splitlines()) == 1
    assert "run `onbeat db migrate`" in result.err


def test_db_on_the_command_line_wins_over_the_applications_own(
    cli: Cli, folder: Path, database: str
) -> None:
    (folder / "fixed.py").write_text("from onbeat import Onbeat\nob = Onbeat('sqlite:///own.db')\n")
    with start("up", "--app", "fixed:ob", "--db", database, "--json", "--for", "10ms") as up:
        ready = up.ready()
        up.end()

    assert ready["database"] == database
    assert not (folder / "own.db").exists()


def test_a_scheduler_without_an_app_leaves_schedules_of_code_alone(
    cli: Cli, app: str, database: str
) -> None:
    with start("scheduler", "--app", app, "--for", "200ms") as scheduler:
        scheduler.end()
    with start("scheduler", "--for", "200ms") as scheduler:
        scheduler.end()

    assert [each["name"] for each in cli.answer("schedules", "ls")["schedules"]] == [
        "hourly-report"
    ]


def test_a_worker_says_which_queues_of_its_tasks_it_leaves(app: str, database: str) -> None:
    with start("worker", "--app", app, "--for", "10ms") as worker:
        result = worker.end()

    assert "note: jobs in billing are left to other workers" in result.err


def test_a_worker_that_knows_schedules_says_that_no_scheduler_is_there(
    app: str, database: str
) -> None:
    with start("worker", "--app", app, "--for", "10ms") as worker:
        result = worker.end()

    assert "note: no scheduler is there for 1 schedule in the code" in result.err


def test_an_attempt_that_did_not_count_is_marked(
    cli: Cli, folder: Path, app: str, database: str
) -> None:
    with start("up", "--app", app, "--json", "--grace", "0s") as up:
        up.ready()
        job, gate = _begin(cli, app, folder)
        up.signal(signal.SIGTERM)
        up.end()
    gate.touch()
    with start("up", "--app", app, "--json") as up:
        up.ready()
        wait_until(lambda: cli.answer("jobs", "show", job)["job"]["state"] == "completed")

    rows = [line.split()[:2] for line in cli.text("jobs", "show", job).splitlines() if line]
    attempts = cli.answer("jobs", "show", job)["attempts"]
    assert [row for row in rows if row[0] in ("1", "(1)")] == [
        ["(1)", "interrupted"],
        ["1", "succeeded"],
    ]
    assert ["(n):", "interrupted,"] in rows
    assert [each["counts"] for each in attempts] == [False, True]


@pytest.mark.parametrize("command", ["worker", "up"])
@pytest.mark.parametrize("by", ["option", "environment"])
def test_a_queue_that_no_task_has_is_named(app: str, database: str, command: str, by: str) -> None:
    said = {"ONBEAT_QUEUES": "typo,billing"} if by == "environment" else {}
    option = ("--queues", "typo,billing") if by == "option" else ()
    with start(command, "--app", app, "--for", "10ms", *option, **said) as process:
        result = process.end()

    told = "note: no task of the application has queue typo; they have billing, default"
    assert told in result.err


def test_queues_that_tasks_have_and_those_of_commands_are_not_named(
    app: str, database: str
) -> None:
    for queues, shell in (("billing", "false"), ("cron", "true")):
        asked = ("worker", "--app", app, "--for", "10ms", "--queues", queues)
        with start(*asked, ONBEAT_SHELL=shell) as process:
            assert "has queue" not in process.end().err


def test_logs_tell_of_jobs_and_of_what_their_code_says(cli: Cli, app: str, database: str) -> None:
    with start("up", "--app", app, "--json", ONBEAT_LOG_LEVEL="debug") as up:
        up.ready()
        asked = ("jobs", "enqueue", "charge", "--app", app, "--args", '{"order_id": 987654}')
        job = cli.answer(*asked, "--wait")["job"]["id"]
        up.signal(signal.SIGTERM)
        result = up.end()

    lines = [json.loads(line) for line in result.err.splitlines()]
    of_job = [line for line in lines if line.get("job") == job]
    assert [line["event"] for line in of_job] == ["job.started", "from logging", "job.completed"]
    assert of_job[1]["logger"] == "shop"
    assert of_job[1]["task"] == "charge"
    assert of_job[2]["attempt"] == "1/3"
    assert "987654" not in result.err


def test_a_failed_job_is_an_error_in_the_log(cli: Cli, app: str, up: Process) -> None:
    cli("jobs", "enqueue", "fails", "--app", app, "--args", '{"message": "no luck"}')

    line = json.loads(up.until('"job.failed"'))

    assert line["level"] == "error"
    assert line["reason"] == "ValueError: no luck"
    assert line["timestamp"].endswith("Z")
