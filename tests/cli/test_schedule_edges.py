"""`onbeat schedules` where a schedule is over, lives by a virtual clock, or is damaged."""

from __future__ import annotations

import pytest
import sqlalchemy

from onbeat.store.schema import schedules
from tests.cli.running import Cli

HOURLY = ("--task", "t", "--every", "1h")


@pytest.fixture(autouse=True)
def _on_either_engine(cli: Cli, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONBEAT_DB", database_url)


@pytest.fixture
def acme(cli: Cli) -> str:
    """A schedule of every hour."""
    cli.answer("schedules", "add", "acme", *HOURLY)
    return "acme"


@pytest.fixture
def worldly(cli: Cli) -> str:
    """A schedule of every hour by a virtual clock, which stands at three o'clock."""
    cli.answer("clocks", "create", "world", "--at", "1204-01-01T00:00Z")
    cli.answer("schedules", "add", "growth", *HOURLY, "--clock", "world", "--overlap", "allow")
    cli.answer("clocks", "advance", "world", "--to", "1204-01-01T03:00Z")
    return "growth"


def test_an_edit_to_an_end_that_is_over_says_that_it_is_never_due_again(
    cli: Cli, acme: str
) -> None:
    edited = ("schedules", "edit", acme, "--end", "2020-01-01T00:00Z")

    [warning] = cli.answer(*edited)["schedule"]["warnings"]

    assert warning.startswith("it is never due again: its end 2020-01-01T00:00:00Z is over")
    assert f"warning: {warning}" in cli.text(*edited)


def test_an_edit_to_a_limit_that_is_used_up_says_that_it_makes_no_more_jobs(
    cli: Cli, worldly: str
) -> None:
    edited = ("schedules", "edit", worldly, "--limit", "2")

    [warning] = cli.answer(*edited)["schedule"]["warnings"]

    assert warning.startswith("it is never due again: its limit of 2 jobs is used up, 4 were made")
    assert f"warning: {warning}" in cli.text(*edited)


def test_a_backfill_to_now_ends_where_the_schedules_own_clock_stands(
    cli: Cli, worldly: str
) -> None:
    asked = ("schedules", "backfill", worldly, "--from", "1204-01-01T00:30Z", "--to", "now")

    answer = cli.answer(*asked, "--again", "--dry-run")

    assert [each[11:16] for each in answer["moments"]] == ["01:00", "02:00", "03:00"]


def test_the_record_until_now_is_read_by_the_schedules_own_clock(cli: Cli, worldly: str) -> None:
    asked = ("schedules", "occurrences", worldly, "--from", "now")

    found = cli.answer(*asked)["occurrences"]

    assert [each["due_at"] for each in found] == ["1204-01-01T03:00:00Z"]


def test_an_end_of_now_is_that_of_the_schedules_own_clock(cli: Cli, worldly: str) -> None:
    edited = cli.answer("schedules", "edit", worldly, "--end", "now")["schedule"]

    assert edited["end_at"] == "1204-01-01T03:00:00Z"


def test_a_start_of_now_is_that_of_the_clock_it_is_made_for(cli: Cli, worldly: str) -> None:
    asked = ("schedules", "add", "second", *HOURLY, "--clock", "world", "--start", "now")

    assert cli.answer(*asked)["schedule"]["start_at"] == "1204-01-01T03:00:00Z"


def test_a_pause_with_an_end_is_refused_by_a_virtual_clock(cli: Cli, worldly: str) -> None:
    code, told = cli.refusal("schedules", "pause", worldly, "--until", "2099-01-01T00:00Z")

    assert code == 2
    assert told.startswith("until: 'growth' lives by the clock world")
    assert cli.answer("schedules", "show", worldly)["schedule"]["paused_at"] is None


def damage(database_url: str, **values: str) -> None:
    url = database_url.replace("postgresql:", "postgresql+psycopg:")
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.update(schedules).values(**values))
    engine.dispose()


def test_damaged_arguments_are_shown_as_damaged_and_the_answer_is_json(
    cli: Cli, acme: str, database_url: str
) -> None:
    if database_url.startswith("postgresql"):
        pytest.skip("PostgreSQL keeps arguments in a column of JSON, and takes nothing else")
    damage(database_url, args='{"a": ')

    shown = cli.answer("schedules", "show", acme)["schedule"]

    assert shown["args"] is None
    assert shown["broken"].startswith("args: what is stored is not JSON")
    assert '{"a":' in cli.text("schedules", "show", acme)
    assert len(cli.answer("schedules", "ls")["schedules"]) == 1


def test_a_policy_that_cannot_be_read_is_not_shown_as_another(
    cli: Cli, acme: str, database_url: str
) -> None:
    cli.answer("schedules", "edit", acme, "--catch-up", "none")
    damage(database_url, overlap="sometimes")

    shown = cli.answer("schedules", "show", acme)["schedule"]

    assert (shown["overlap"], shown["catch_up"]) == (None, "none")
    assert "sometimes" in shown["broken"]
    assert "overlap   cannot be read" in cli.text("schedules", "show", acme)


def test_an_edit_says_that_a_rule_for_clock_changes_is_not_heeded(cli: Cli) -> None:
    cli.answer("schedules", "add", "acme", "--task", "t", "--cron", "0 * * * *", "--fold", "first")

    edited = cli.answer("schedules", "edit", "acme", "--fold", "first")["schedule"]

    assert edited["warnings"][0].startswith("fold first is not heeded: ")
