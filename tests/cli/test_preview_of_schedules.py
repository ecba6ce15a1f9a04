"""`onbeat schedules preview NAME`: when a schedule that is stored will be due."""

from __future__ import annotations

import pytest

from tests.cli.running import Cli

PREVIEW = ("schedules", "preview")
HOURLY = ("--task", "t", "--cron", "0 * * * *")
FROM = ("--from", "2098-08-01T00:00Z")


@pytest.fixture(autouse=True)
def _on_either_engine(cli: Cli, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONBEAT_DB", database_url)


def hours(cli: Cli, *asked: str) -> list[str]:
    return [run["utc"][:13] for run in cli.answer(*PREVIEW, *asked)["runs"]]


def test_a_schedule_is_previewed_with_what_is_left_out_of_it(cli: Cli) -> None:
    barred = ("--except-cron", "0 1 * * *", "--closed", "2098-08-01T02:00Z/2098-08-01T05:00Z")
    cli.answer("schedules", "add", "acme", *HOURLY, *barred)

    found = hours(cli, "acme", *FROM, "--count", "3")

    assert found == ["2098-08-01T00", "2098-08-01T05", "2098-08-01T06"]


def test_its_start_and_end_bound_what_is_previewed(cli: Cli) -> None:
    bounds = ("--start", "2098-08-01T02:00Z", "--end", "2098-08-01T04:00Z")
    cli.answer("schedules", "add", "acme", *HOURLY, *bounds)

    assert hours(cli, "acme") == ["2098-08-01T02", "2098-08-01T03", "2098-08-01T04"]


def test_no_more_is_previewed_than_its_limit_leaves(cli: Cli) -> None:
    cli.answer("schedules", "add", "acme", *HOURLY, "--start", "2098-08-01T02:00Z", "--limit", "2")

    assert hours(cli, "acme") == ["2098-08-01T02", "2098-08-01T03"]
    assert hours(cli, "acme", "--from", "2098-08-01T03:00Z") == ["2098-08-01T03"]


def test_a_schedule_of_a_virtual_clock_is_previewed_from_where_that_stands(cli: Cli) -> None:
    cli.answer("clocks", "create", "world", "--at", "2050-01-01T00:00Z")
    cli.answer("schedules", "add", "acme", *HOURLY, "--clock", "world")

    assert hours(cli, "acme", "--count", "2") == ["2050-01-01T00", "2050-01-01T01"]


def test_a_preview_says_that_the_schedule_is_paused_and_skips(cli: Cli) -> None:
    cli.answer("schedules", "add", "acme", *HOURLY)
    cli.answer("schedules", "pause", "acme")
    cli.answer("schedules", "skip-next", "acme", "--count", "2")

    told = " ".join(cli.answer(*PREVIEW, "acme")["warnings"])

    assert "it is paused" in told
    assert "its next 2 moments are left out" in told


def test_a_schedule_that_is_not_due_again_is_refused_with_the_field(cli: Cli) -> None:
    cli.answer("schedules", "add", "acme", *HOURLY, "--end", "2098-08-01T04:00Z")

    code, told = cli.refusal(*PREVIEW, "acme", "--from", "2099-01-01T00:00Z")

    assert code == 2
    assert told.startswith("from: 'acme' is never due at or after 2099-01-01T00:00:00Z")
    assert "until 2098-08-01T04:00:00Z; look from earlier on" in told


def test_a_name_and_a_rule_together_are_refused(cli: Cli) -> None:
    cli.answer("schedules", "add", "acme", *HOURLY)

    assert cli.refusal(*PREVIEW, "acme", "--every", "1h")[1].startswith("every: ")
    assert cli.refusal(*PREVIEW, "acme", "--closed", "none")[1].startswith("closed: ")
    assert cli.refusal(*PREVIEW, "acme", "--workdays", "x")[1].startswith("workdays: ")


def test_a_rule_is_previewed_on_the_working_days_of_a_calendar(cli: Cli) -> None:
    cli.answer("calendars", "put", "uk", "--weekend", "sat,sun")
    rule = ("--cron", "0 9 * * *", "--workdays", "uk", "--otherwise", "skip")

    found = hours(cli, *rule, *FROM, "--count", "2")

    assert found == ["2098-08-01T09", "2098-08-04T09"]
