"""`onbeat queues`, `workers`, `tasks`."""

from __future__ import annotations

import json

import pytest

from tests.cli.running import Cli, Process


def test_queues_are_listed_with_what_stands_in_them(
    cli: Cli, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONBEAT_DB", database_url)
    cli.answer("jobs", "enqueue", "one", "--queue", "billing")
    cli.answer("jobs", "enqueue", "two", "--queue", "billing", "--delay", "1h")

    queue = cli.answer("queues", "ls")["queues"][0]

    assert (queue["name"], queue["pending"], queue["running"], queue["delayed"]) == (
        "billing", 1, 0, 1,
    )  # fmt: skip
    assert queue["oldest_at"].endswith("Z")


def test_a_paused_queue_says_by_whom_until_it_is_resumed(cli: Cli, database: str) -> None:
    cli.answer("jobs", "enqueue", "one", "--queue", "billing")

    paused = cli.answer("queues", "pause", "billing")["queue"]
    listed = cli.text("queues", "ls")
    resumed = cli.answer("queues", "resume", "billing")["queue"]

    assert "@" in paused["paused_by"]
    assert "paused" in listed
    assert resumed["paused_at"] is None


def test_pausing_a_queue_that_nobody_knows_asks_to_check_its_spelling(
    cli: Cli, database: str
) -> None:
    cli.answer("jobs", "enqueue", "one", "--queue", "billing")

    result = cli("queues", "pause", "biling")

    assert result.code == 0
    assert "no job is in queue 'biling' (is billing meant?)" in result.err


def test_a_queue_that_nobody_knows_is_not_resumed(cli: Cli, database: str) -> None:
    cli.answer("jobs", "enqueue", "one", "--queue", "billing")

    code, told = cli.refusal("queues", "resume", "biling")

    assert (code, "is billing meant?" in told) == (3, True)


def test_the_load_of_a_queue_that_nobody_knows_is_told_with_the_nearest_and_is_no_success(
    cli: Cli, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONBEAT_DB", database_url)
    cli.answer("jobs", "enqueue", "one", "--queue", "billing")

    known, other = cli("queues", "load", "billing"), cli("queues", "load", "biling", "--json")

    assert (known.code, other.code) == (0, 3)
    assert "nobody knows a queue 'biling' (is billing meant?)" in other.err
    assert json.loads(other.out)["loads"][0]["needed_workers"] == 0


def test_empty_lists_say_so_beside_the_answer(cli: Cli, database: str) -> None:
    for noun in ("jobs", "schedules", "queues", "workers"):
        result = cli(noun, "ls")
        assert result.out == ""
        assert result.err.startswith("note: no ")


def test_workers_are_listed_with_what_they_take(cli: Cli, up: Process) -> None:
    worker = cli.answer("workers", "ls")["workers"][0]

    assert worker["queues"] == ["billing", "default"]
    assert (worker["running"], worker["concurrency"], worker["draining"]) == (0, 10, False)
    assert worker["version"]
    assert "0/10" in cli.text("workers", "ls")


def test_tasks_are_listed_with_options_and_arguments(cli: Cli, app: str) -> None:
    tasks = {task["name"]: task for task in cli.answer("tasks", "ls", "--app", app)["tasks"]}

    assert list(tasks) == ["charge", "fails", "hourly-report", "waits_for"]
    assert tasks["charge"]["queue"] == "billing"
    assert tasks["charge"]["timeout_s"] == 300
    assert tasks["charge"]["max_attempts"] == 3
    assert tasks["charge"]["arguments"] == [
        {"name": "order_id", "required": True, "type": "int"},
        {"name": "tenant", "required": False, "type": "str"},
    ]
    assert "order_id: int, tenant?: str" in cli.text("tasks", "ls", "--app", app)
