"""`onbeat schedules edit`: what a new rule or zone keeps of what was."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.running import Cli

CLOSED = ("--closed", "2098-08-01T00:00:00Z/2098-08-15T00:00:00Z")
NINE = ("--cron", "0 9 * * *", "--tz", "Europe/Paris")


@pytest.fixture
def kept(cli: Cli, database: str) -> str:
    """A schedule on working days, with closed times, a gap and a fold."""
    cli.answer("calendars", "put", "fr", "--holiday", "2098-12-25")
    added = ("schedules", "add", "kept", "--task", "t", *NINE, "--gap", "skip", "--fold", "both")
    cli.answer(*added, *CLOSED, "--workdays", "fr")
    return "kept"


def rewritten(cli: Cli, name: str, *options: str) -> Any:
    return cli.answer("schedules", "edit", name, *options)["schedule"]


def test_a_new_rule_keeps_working_days_closed_times_gap_and_fold(cli: Cli, kept: str) -> None:
    edited = rewritten(cli, kept, "--cron", "0 8 * * *")
    rule = edited["recurrence"]["source"]["source"]

    assert edited["description"].startswith("at 08:00 every day (Europe/Paris), but not from 2098")
    assert "on working days of fr only" in edited["description"]
    assert (rule["gap"], rule["fold"]) == ("skip", "both")


def test_the_word_none_takes_working_days_and_closed_times_away(cli: Cli, kept: str) -> None:
    edited = rewritten(cli, kept, "--workdays", "none", "--closed", "none")

    assert edited["description"] == "at 09:00 every day (Europe/Paris)"


def test_a_calendar_given_takes_the_place_of_the_one_before(cli: Cli, kept: str) -> None:
    edited = rewritten(cli, kept, "--workdays", "fr", "--otherwise", "forward")

    assert edited["description"].count("working day") == 1
    assert "or on the next working day of fr" in edited["description"]


def test_what_was_excepted_goes_with_its_rule_and_a_note(cli: Cli, database: str) -> None:
    cli.answer("schedules", "add", "a", "--task", "t", *NINE, "--except-cron", "0 9 * * sun")

    said = cli("schedules", "edit", "a", "--cron", "0 8 * * *").err

    assert "no longer except at 09:00 on Sunday (Europe/Paris); add --except-cron" in said


def test_a_zone_is_changed_in_all_that_a_schedule_is_made_of(cli: Cli, kept: str) -> None:
    rewritten(cli, kept, "--except-cron", "0 9 * * sun")

    edited = rewritten(cli, kept, "--tz", "Asia/Tokyo")

    assert edited["description"].count("Asia/Tokyo") == 2
    assert "Europe/Paris" not in edited["description"]


def test_an_rfc_rule_is_read_by_gap_and_fold_too(cli: Cli, database: str) -> None:
    rule = ("--rrule", "FREQ=DAILY;BYHOUR=2", "--tz", "Europe/Paris", "--fold", "both")
    made = cli.answer("schedules", "add", "a", "--task", "t", *rule)["schedule"]

    assert made["recurrence"]["fold"] == "both"
