"""`onbeat tasks health` and its like: how each fares, folded by a process that runs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.running import Cli, start
from tests.waiting import wait_until

PATIENCE = 60
"""Seconds: what has ended is folded some 20 s later."""


@pytest.fixture
def database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Either engine, which commands find by themselves."""
    monkeypatch.setenv("ONBEAT_DB", database_url)
    return database_url


def health(cli: Cli, noun: str, *arguments: str) -> dict[str, Any]:
    """How each fares, by its name."""
    return {each["name"]: each for each in cli.answer(noun, "health", *arguments)["health"]}


def test_a_process_that_runs_folds_what_has_ended(cli: Cli, app: str, database: str) -> None:
    for number in range(2):
        cli.answer("jobs", "enqueue", "charge", "--app", app, "--args", f'{{"order_id": {number}}}')
    cli.answer("jobs", "enqueue", "fails", "--app", app, "--args", '{"message": "no"}')
    with start("up", "--app", app, "--json") as process:
        process.ready()
        cli.answer("schedules", "trigger", "hourly-report")
        wait_until(lambda: len(health(cli, "schedules")) == 1, PATIENCE)
        wait_until(lambda: len(health(cli, "queues")) == 2, PATIENCE)

    tasks = health(cli, "tasks")
    assert set(tasks) == {"charge", "fails", "hourly-report"}
    assert (tasks["charge"]["successes_in_row"], tasks["charge"]["failures_in_row"]) == (2, 0)
    assert (tasks["fails"]["failures_in_row"], tasks["fails"]["window"]["success_rate"]) == (1, 0.0)
    assert 0 <= tasks["charge"]["window"]["p50_s"] <= tasks["charge"]["window"]["p99_s"] < PATIENCE
    assert set(health(cli, "queues")) == {"billing", "default"}
    assert set(health(cli, "schedules", "hourly-report", "--window", "1h")) == {"hourly-report"}
    lines = cli.text("tasks", "health").splitlines()
    assert lines[0].split()[:3] == ["NAME", "LAST", "SUCCESS"]
    assert "100.0%" in next(line for line in lines if line.startswith("charge"))


def test_where_nothing_has_ended_it_is_said_what_must_run(cli: Cli, database: str) -> None:
    shown = cli("tasks", "health")

    assert (shown.code, shown.out) == (0, "")
    assert "must run to count it" in shown.err


@pytest.mark.parametrize("window", ["soon", "0s", "400d"])
def test_a_window_that_is_wrong_is_named(cli: Cli, database: str, window: str) -> None:
    code, message = cli.refusal("tasks", "health", "--window", window)

    assert (code, message.split(":")[0]) == (2, "window")


def test_one_that_nothing_is_known_of_is_refused(cli: Cli, database: str) -> None:
    code, message = cli.refusal("queues", "health", "biling")

    assert code == 3
    assert "biling" in message


def test_where_nothing_is_known_it_is_said_before_anything_is_unusual(
    cli: Cli, database: str
) -> None:
    shown = cli("queues", "anomalies")

    assert (shown.code, shown.out) == (0, "")
    assert "must run to count it" in shown.err
    assert cli.answer("queues", "anomalies") == {"judged_to": None, "judged": 0, "anomalies": []}
