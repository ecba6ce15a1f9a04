"""`onbeat services`: what other processes run, seen and steered; the probe of a third."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from tests.cli.running import Cli, start
from tests.cli.test_api import ask
from tests.waiting import wait_until


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that are heard of often, and soon missed."""
    monkeypatch.setenv("ONBEAT_HEARTBEAT", "250ms")
    monkeypatch.setenv("ONBEAT_RESCUE_AFTER", "1s")


def services(cli: Cli, kind: str = "scheduler") -> list[Any]:
    """Those of a kind that are seen to run."""
    found = cli.answer("services", "ls")["services"]
    return [each for each in found if each["kind"] == kind and each["status"] == "RUNNING"]


@pytest.mark.parametrize(
    ("action", "expected"), [("stop", "STOPPED"), ("pause", "PAUSED"), ("restart", "RUNNING")]
)
def test_what_is_wished_is_done_by_the_process_that_runs_it(
    cli: Cli, database: str, quick: None, action: str, expected: str
) -> None:
    with start("scheduler", "--json", "--instance", "pod-7") as process:
        process.ready()
        wait_until(lambda: services(cli))
        came = cli.answer("services", action, "scheduler@pod-7")
        [seen] = cli.answer("services", "show", "scheduler@pod-7")["services"]

    assert came["done"]
    assert seen["status"] == expected


def test_the_probe_of_one_process_tells_of_the_scheduler_of_another_until_it_dies(
    cli: Cli, database: str, quick: None
) -> None:
    with start("api", "--port", "0", "--json") as api:
        probe = api.ready()["api"] + "/api/admin/schedulers/health"
        with start("scheduler", "--json") as process:
            pid = process.ready()["pid"]
            wait_until(lambda: ask(probe)[0] == 200)
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: ask(probe)[0] == 503)

    assert services(cli) == []


def test_a_process_that_is_told_to_end_leaves_the_list_at_once(cli: Cli, database: str) -> None:
    with start("scheduler", "--json") as process:
        process.ready()
        wait_until(lambda: services(cli))
        process.signal(signal.SIGTERM)
        process.end()
        seen = services(cli)

    assert seen == []


def test_the_list_is_for_people_too(cli: Cli, database: str) -> None:
    with start("scheduler", "--json", "--instance", "pod-7") as process:
        process.ready()
        wait_until(lambda: services(cli, "watchdog"))
        listed = cli.text("services", "ls")
        told = cli.text("services", "pause", "watchdog")

    assert "pod-7" in listed
    assert "RUNNING" in listed
    assert told.endswith(": done\n")


def test_the_doctor_does_not_take_a_scheduler_that_was_stopped_for_one_at_work(
    cli: Cli, database: str
) -> None:
    with start("scheduler", "--json") as process:
        process.ready()
        wait_until(lambda: services(cli, "watchdog"))
        cli.text("services", "stop", "scheduler")
        [found] = [each for each in cli.answer("doctor")["checks"] if each["name"] == "scheduler"]

    assert "is STOPPED; `onbeat services start scheduler@" in found["message"]


def test_a_service_that_nobody_runs_is_refused(cli: Cli, database: str) -> None:
    code, told = cli.refusal("services", "stop", "scheduler")

    assert (code, "there are: none" in told) == (3, True)


def test_who_steered_a_service_is_found_in_the_audit_log_by_a_part_of_its_name(
    cli: Cli, database: str
) -> None:
    with start("scheduler", "--json") as process:
        process.ready()
        wait_until(lambda: services(cli, "watchdog"))
        cli.answer("services", "pause", "watchdog")
        cli.answer("services", "resume", "watchdog")

    found = cli.answer("audit", "ls", "--search", "WATCH")["audit"]
    assert [each["action"] for each in found] == ["service.resume", "service.pause"]
    assert cli.answer("audit", "ls", "-q", "nothing")["audit"] == []


def test_what_waits_for_services_that_were_paused_says_so_until_they_are_resumed(
    cli: Cli, app: str, database: str, quick: None
) -> None:
    cli.text("schedules", "add", "hourly", "--task", "one", "--cron", "0 * * * *")
    with start("up", "--app", app, "--json", "--instance", "pod-7") as process:
        process.ready()
        wait_until(lambda: services(cli) and services(cli, "worker"))
        for kind in ("worker", "scheduler"):
            cli.text("services", "pause", kind)
        job = cli.answer("jobs", "enqueue", "one")["job"]
        of_job = cli.text("jobs", "why", job["id"])
        of_schedule = cli.text("schedules", "why", "hourly")
        [worker] = cli.answer("workers", "ls")["workers"]
        listed = cli.text("workers", "ls")

    assert "the 1 worker on its queue default is paused" in of_job
    assert f"onbeat services resume {worker['service']}" in of_job
    assert "the 1 scheduler is paused" in of_schedule
    assert "onbeat services resume scheduler@" in of_schedule
    assert worker["paused"]
    assert "paused" in listed
