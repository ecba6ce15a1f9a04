"""`onbeat schedules backfill`: asked for, tried, seen and stopped from the command line."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.running import Cli

DAY = ("--from", "2027-03-01T00:00Z", "--to", "2027-03-01T23:59Z")


@pytest.fixture
def hourly(cli: Cli, database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A schedule of every hour, on either engine."""
    monkeypatch.setenv("ONBEAT_DB", database_url)
    cli.answer("schedules", "add", "hourly", "--task", "report", "--every", "1h")
    return "hourly"


PAST = ("--from", "2025-03-01T00:00Z", "--to", "2025-03-01T23:59Z")


def test_a_dry_run_says_what_would_be_done_and_does_nothing(cli: Cli, hourly: str) -> None:
    answer = cli.answer("schedules", "backfill", hourly, *PAST, "--dry-run")
    said = cli.text("schedules", "backfill", hourly, *PAST, "--dry-run")

    assert (answer["total"], answer["passed"]) == (24, 0)
    assert answer["moments"][0] == "2025-03-01T00:00:00Z"
    assert said == (
        "hourly: 24 jobs would be made, for 2025-03-01T00:00:00Z to 2025-03-01T23:00:00Z\n"
    )
    assert cli.answer("schedules", "backfills") == {"backfills": []}


def test_a_backfill_is_listed_with_how_far_it_has_come(cli: Cli, hourly: str) -> None:
    options = ("--at-once", "5", "--why", "the disk was full")
    made = cli.answer("schedules", "backfill", hourly, *PAST, *options)["backfill"]

    [listed] = cli.answer("schedules", "backfills", hourly)["backfills"]

    assert listed == made
    assert (made["total"], made["made"], made["at_once"]) == (24, 0, 5)
    assert made["why"] == "the disk was full"
    assert "0 of 24" in cli.text("schedules", "backfills")


def test_a_backfill_that_is_stopped_says_what_it_has_made(cli: Cli, hourly: str) -> None:
    made = cli.answer("schedules", "backfill", hourly, *PAST)["backfill"]

    said = cli.text("schedules", "stop-backfill", made["id"])

    assert said == f"{made['id']} has ended: 0 of 24 jobs were made\n"
    assert cli.refusal("schedules", "stop-backfill", made["id"])[0] == 4


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ((*PAST, "--at-once", "0"), "--at-once"),
        (DAY, "to"),
        (("--from", "soon", "--to", "now"), "from"),
        (("--from", "2025-03-01T00:01Z", "--to", "2025-03-01T00:02Z"), "from"),
        (("--from", "1995-03-01T00:00Z", "--to", "2025-03-01T00:02Z"), "to"),
    ],
)
def test_a_range_that_cannot_be_filled_is_exit_2(
    cli: Cli, hourly: str, options: tuple[str, ...], named: str
) -> None:
    code, message = cli.refusal("schedules", "backfill", hourly, *options)

    assert code == 2
    assert named in message


def test_a_schedule_nobody_knows_is_exit_3(cli: Cli, hourly: str) -> None:
    assert cli.refusal("schedules", "backfill", "daily", *PAST)[0] == 3


def test_a_job_is_made_for_a_moment_that_is_over(cli: Cli, hourly: str) -> None:
    job: Any = cli.answer("schedules", "trigger", hourly, "--at", "2025-03-01T05:00Z")["job"]

    assert (job["schedule"], job["occurrence_at"]) == (hourly, "2025-03-01T05:00:00Z")
    assert cli.refusal("schedules", "trigger", hourly, "--at", "2025-03-01T05:01Z")[0] == 2


def test_a_job_for_a_moment_to_come_is_refused_by_its_option(cli: Cli, hourly: str) -> None:
    code, message = cli.refusal("schedules", "trigger", hourly, "--at", "2098-03-01T05:00Z")

    assert code == 2
    assert message.startswith("at: 2098-03-01T05:00:00+00:00 is yet to come")


def test_one_moment_has_had_a_job(cli: Cli, hourly: str) -> None:
    cli.answer("schedules", "trigger", hourly, "--at", "2025-03-01T05:00Z")

    said = cli.text("schedules", "backfill", hourly, *PAST, "--dry-run")

    assert said.endswith("; 1 moment has had a job: --again runs them too\n")
