"""`onbeat calendars`: kept, shown and removed, and schedules that keep to one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import Cli


@pytest.fixture
def france(cli: Cli, database_url: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> Any:
    """A calendar from options and a file, on either engine."""
    monkeypatch.setenv("ONBEAT_DB", database_url)
    (folder / "days.txt").write_text("2098-12-25  # Christmas\n\n2099-01-01\n")
    asked = ("calendars", "put", "fr", "--holiday", "2098-07-14", "--file", "days.txt")
    return cli.answer(*asked, "--closed", "2098-08-01T00:00:00Z/2098-08-15T00:00:00Z")


def test_a_calendar_is_kept_as_it_was_given(cli: Cli, france: Any) -> None:
    assert france["calendar"] == {
        "name": "fr",
        "weekend": ["sat", "sun"],
        "holidays": ["2098-07-14", "2098-12-25", "2099-01-01"],
        "closed": [["2098-08-01T00:00:00Z", "2098-08-15T00:00:00Z"]],
    }
    assert cli.answer("calendars", "show", "fr")["calendar"] == france["calendar"]
    assert cli.answer("calendars", "ls")["calendars"] == [france["calendar"]]
    assert "2098-12-25 Thu" in cli.text("calendars", "show", "fr")


def test_a_calendar_file_gives_its_days_off_and_closed_times(
    cli: Cli, france: Any, folder: Path
) -> None:
    (folder / "fr.ics").write_text(
        "BEGIN:VCALENDAR\nVERSION:2.0\n"
        "BEGIN:VEVENT\nDTSTART;VALUE=DATE:20981225\nRRULE:FREQ=YEARLY;COUNT=2\nEND:VEVENT\n"
        "BEGIN:VEVENT\nDTSTART:20980801T000000Z\nDURATION:PT8H\nEND:VEVENT\n"
        "END:VCALENDAR\n"
    )

    answer = cli.answer("calendars", "put", "x", "--ics", "fr.ics", "--holiday", "2098-07-14")

    assert answer["calendar"]["holidays"] == ["2098-07-14", "2098-12-25", "2099-12-25"]
    assert answer["calendar"]["closed"] == [["2098-08-01T00:00:00Z", "2098-08-01T08:00:00Z"]]
    assert cli.answer("calendars", "show", "x")["calendar"] == answer["calendar"]


def test_a_schedule_keeps_to_it_and_changes_with_it(cli: Cli, france: Any) -> None:
    asked = ("schedules", "add", "report", "--task", "t", "--at", "2098-12-25T09:00:00Z")
    schedule = cli.answer(*asked, "--workdays", "fr", "--otherwise", "forward")["schedule"]
    changed = cli.answer("calendars", "put", "fr", "--holiday", "2098-12-26")["changed"]
    after = cli.answer("schedules", "show", "report")["schedule"]

    assert schedule["next_due_at"] == "2098-12-26T09:00:00Z"
    assert changed == ["report"]
    assert (after["next_due_at"], after["version"]) == ("2098-12-25T09:00:00Z", 2)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--holiday", "25.12.2027"), "holidays"),
        (("--weekend", "someday"), "weekend"),
        (("--closed", "2027-01-01"), "closed"),
        (("--file", "nowhere.txt"), "file"),
        (("--ics", "nowhere.ics"), "ics: nowhere.ics cannot be read"),
        (("--ics", "days.txt"), "ics: it is not an iCalendar file"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    cli: Cli, france: Any, options: tuple[str, ...], named: str
) -> None:
    code, message = cli.refusal("calendars", "put", "x", *options)

    assert code == 2
    assert message.startswith(f"{named}")


def test_a_put_that_says_nothing_is_refused_and_changes_nothing(cli: Cli, france: Any) -> None:
    code, message = cli.refusal("calendars", "put", "fr")

    assert code == 2
    assert message.startswith("holiday: say what it has")
    assert cli.answer("calendars", "show", "fr")["calendar"] == france["calendar"]


def test_a_put_tells_how_many_holidays_it_took_away(cli: Cli, france: Any) -> None:
    said = cli.text("calendars", "put", "fr", "--holiday", "2098-12-25")

    assert said == "fr: 1 holiday, 2 taken away; 0 schedules changed with it\n"


def test_a_schedule_on_a_calendar_that_is_not_there_is_exit_3(cli: Cli, france: Any) -> None:
    asked = ("schedules", "add", "r", "--task", "t", "--every", "1d", "--workdays", "mars")

    assert cli.refusal(*asked)[0] == 3


def test_a_rule_without_a_calendar_is_refused(cli: Cli, france: Any) -> None:
    asked = ("schedules", "add", "r", "--task", "t", "--every", "1d", "--otherwise", "back")
    code, message = cli.refusal(*asked)

    assert code == 2
    assert message.startswith("otherwise")


def test_one_in_use_is_exit_4_and_is_removed_after(cli: Cli, france: Any) -> None:
    asked = ("schedules", "add", "report", "--task", "t", "--every", "1d", "--workdays", "fr")
    cli.answer(*asked)

    assert cli.refusal("calendars", "rm", "fr")[0] == 4
    cli.answer("schedules", "rm", "report")
    assert cli.answer("calendars", "rm", "fr") == {"removed": "fr"}
