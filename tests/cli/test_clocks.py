"""`onbeat clocks`: made, seen, moved and removed from the command line."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.running import Cli

DAWN = "1204-01-01T00:00:00Z"


@pytest.fixture
def world(cli: Cli, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A clock that stands at dawn, on either engine."""
    monkeypatch.setenv("ONBEAT_DB", database_url)
    return cli.answer("clocks", "create", "world", "--at", DAWN)["clock"]


def test_a_clock_stands_where_it_was_put(cli: Cli, world: Any) -> None:
    assert world["now_at"] == DAWN
    assert cli.answer("clocks", "show", "world")["clock"] == world
    assert cli.answer("clocks", "ls")["clocks"] == [world]


def test_moving_it_does_what_is_due_on_the_way(cli: Cli, world: Any) -> None:
    asked = ("schedules", "add", "growth", "--task", "grow", "--every", "1h", "--clock", "world")
    schedule = cli.answer(*asked, "--overlap", "allow")["schedule"]

    moved = cli.answer("clocks", "advance", "world", "--by", "2h")
    said = cli.text("clocks", "advance", "world", "--to", "1204-01-01T03:00:00Z")

    assert (schedule["clock"], schedule["next_due_at"]) == ("world", DAWN)
    assert moved == {
        "now_at": "1204-01-01T02:00:00Z", "fired": 3, "released": 0, "expired": 0, "is_done": True,
        "goal_at": "1204-01-01T02:00:00Z",
    }  # fmt: skip
    assert said.startswith("world stands at 1204-01-01T03:00:00Z: 1 job made by schedules")


def test_a_schedule_by_a_virtual_clock_is_not_related_to_the_walls_time(
    cli: Cli, world: Any
) -> None:
    cli.answer("schedules", "add", "growth", "--task", "t", "--every", "1h", "--clock", "world")
    cli.answer("clocks", "advance", "world", "--by", "2h")

    page, listed = cli.text("schedules", "show", "growth"), cli.text("schedules", "ls")

    assert "1204-01-01T03:00:00Z" in page
    assert "1204-01-01T03:00:00Z" in listed
    assert " ago" not in page + listed


def test_a_call_that_stops_on_the_way_says_so(cli: Cli, world: Any) -> None:
    cli.answer("schedules", "add", "often", "--task", "t", "--every", "1s", "--clock", "world")

    result = cli("clocks", "advance", "world", "--by", "1d", "--most", "5")

    assert result.code == 0
    assert "go on: onbeat clocks advance world --to 1204-01-02T00:00:00Z" in result.err


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--to", "1203-01-01T00:00:00Z"), "to"),
        ((), "to"),
        (("--by", "soon"), "by"),
        (("--by", "1h", "--to", "1205-01-01T00:00:00Z"), "to"),
    ],
)
def test_a_goal_that_is_none_is_refused_by_name(
    cli: Cli, world: Any, options: tuple[str, ...], named: str
) -> None:
    code, message = cli.refusal("clocks", "advance", "world", *options)

    assert code == 2
    assert message.startswith(f"{named}")


def test_the_name_of_the_worlds_own_clock_is_refused(cli: Cli, world: Any) -> None:
    code, message = cli.refusal("clocks", "create", "wall", "--at", DAWN)

    assert code == 2
    assert message.startswith("clock")


def test_one_that_is_not_there_is_exit_3(cli: Cli, world: Any) -> None:
    assert cli.refusal("clocks", "show", "moon")[0] == 3


def test_one_that_something_lives_by_is_exit_4(cli: Cli, world: Any) -> None:
    cli.answer("schedules", "add", "often", "--task", "t", "--every", "1s", "--clock", "world")

    assert cli.refusal("clocks", "rm", "world")[0] == 4
    cli.answer("schedules", "rm", "often")
    assert cli.answer("clocks", "rm", "world") == {"removed": "world"}


def test_a_job_waits_for_a_clock_and_is_called_off_where_that_jumps_past(
    cli: Cli, world: Any
) -> None:
    options = ("--clock", "world", "--delay", "1h", "--grace", "30m")
    job = cli.answer("jobs", "enqueue", "grow", *options)["job"]

    moved = cli.answer("clocks", "advance", "world", "--by", "2h", "--jump")

    assert job["state"] == "blocked"
    assert moved["expired"] == 1
    assert cli.answer("jobs", "show", job["id"])["job"]["state"] == "cancelled"


def test_a_grace_without_a_clock_is_refused(cli: Cli, world: Any) -> None:
    code, message = cli.refusal("jobs", "enqueue", "grow", "--grace", "30m")

    assert (code, "give clock too" in message) == (2, True)
