"""`onbeat schedules`: made, changed, paused and removed from the command line."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.running import Cli, Process, start
from tests.waiting import wait_until

DAILY = ("--cron", "0 9 * * *", "--tz", "Europe/Paris")


@pytest.fixture
def daily(cli: Cli, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A schedule at nine in Paris, on either engine."""
    monkeypatch.setenv("ONBEAT_DB", database_url)
    options = ("--args", '{"kind": "short"}', "--queue", "mail", "--priority", "7")
    policies = ("--catch-up", "all within 6h", "--overlap", "allow")
    asked = ("schedules", "add", "daily", "--task", "report", *DAILY)
    return cli.answer(*asked, *options, *policies)["schedule"]


def test_a_schedule_is_stored_as_it_was_asked_for(cli: Cli, daily: Any) -> None:
    assert cli.answer("schedules", "show", "daily")["schedule"] == daily
    assert daily["description"] == "at 09:00 every day (Europe/Paris)"
    assert daily["recurrence"]["kind"] == "cron"
    assert (daily["queue"], daily["priority"], daily["args"]) == ("mail", 7, {"kind": "short"})
    assert (daily["catch_up"], daily["overlap"]) == ("all within 6h", "allow")
    assert daily["next_due_at"].endswith("Z")


def test_a_name_that_is_taken_is_exit_4(cli: Cli, daily: Any) -> None:
    assert cli.refusal("schedules", "add", "daily", "--task", "report", "--every", "1h")[0] == 4


def test_a_moment_that_is_over_is_refused_and_one_after_the_end_too(
    cli: Cli, database: str
) -> None:
    added = ("schedules", "add", "once", "--task", "t", "--at")

    over = cli.refusal(*added, "2020-01-01T00:00Z")
    beyond = cli.refusal(*added, "2099-01-01T00:00Z", "--end", "2098-01-01T00:00Z")

    assert over[1].startswith("when: the schedule 'once' would never be due: once, at 2020")
    assert beyond[1].startswith("end: ")


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        (("--cron", "0 8 * * *"), {"description": "at 08:00 every day (Europe/Paris)"}),
        (("--tz", "Asia/Tokyo"), {"description": "at 09:00 every day (Asia/Tokyo)"}),
        (("--task", "other"), {"task": "other"}),
        (("--args", "{}"), {"args": {}}),
        (("--queue", "default"), {"queue": "default"}),
        (("--priority", "0"), {"priority": 0}),
        (("--overlap", "skip"), {"overlap": "skip"}),
        (("--catch-up", "none"), {"catch_up": "none"}),
        (("--limit", "3"), {"limit": 3}),
        (("--end", "2099-01-01T00:00:00Z"), {"end_at": "2099-01-01T00:00:00Z"}),
    ],
)
def test_an_edit_changes_just_what_is_given(
    cli: Cli, daily: Any, options: tuple[str, ...], changed: dict[str, Any]
) -> None:
    edited = cli.answer("schedules", "edit", "daily", *options)["schedule"]

    follows = {"version", "recurrence", "description", "next_due_at", "warnings"}
    assert {key: edited[key] for key in changed} == changed
    assert {key for key in daily if edited[key] != daily[key]} <= follows | set(changed)


def test_an_edit_leaves_moments_out_of_what_was(cli: Cli, daily: Any) -> None:
    closed = ("--closed", "2098-08-01T00:00:00Z/2098-08-15T00:00:00Z")

    edited = cli.answer("schedules", "edit", "daily", "--except-cron", "0 9 * * sun", *closed)

    assert edited["schedule"]["description"] == (
        "(at 09:00 every day (Europe/Paris), except at 09:00 on Sunday (Europe/Paris)), "
        "but not from 2098-08-01T00:00:00Z until 2098-08-15T00:00:00Z"
    )


def test_a_schedule_of_several_rules_is_due_at_the_first_of_them(cli: Cli, daily: Any) -> None:
    rules = ("--at", "2098-01-02T09:00:00Z", "--at", "2098-01-01T09:00:00Z")

    made = cli.answer("schedules", "add", "both", "--task", "t", *rules)["schedule"]

    assert made["recurrence"]["kind"] == "union"
    assert made["next_due_at"] == "2098-01-01T09:00:00Z"


@pytest.mark.parametrize("verb", ["show", "why"])
def test_one_that_is_never_due_again_is_shown_with_a_warning(
    cli: Cli, daily: Any, verb: str
) -> None:
    assert cli.answer("schedules", verb, "daily")["schedule"]["warnings"] == []
    cli.answer("schedules", "edit", "daily", "--end", "2020-01-01T00:00:00Z")

    ended = "its end 2020-01-01T00:00:00Z is over, or comes before its next moment"
    told = f"it is never due again: {ended}; give a later --end, or none"
    assert cli.answer("schedules", verb, "daily")["schedule"]["warnings"] == [told]
    assert f"warning: {told}" in cli.text("schedules", verb, "daily")


def test_an_edit_takes_a_bound_away(cli: Cli, daily: Any) -> None:
    bounds = ("--end", "2099-01-01T00:00:00Z", "--limit", "3")
    cli.answer("schedules", "edit", "daily", *bounds)

    edited = cli.answer("schedules", "edit", "daily", "--end", "none", "--limit", "none")

    assert (edited["schedule"]["end_at"], edited["schedule"]["limit"]) == (None, None)


def test_a_pause_names_who_and_a_resume_ends_it(cli: Cli, daily: Any) -> None:
    paused = cli.answer("schedules", "pause", "daily")["schedule"]
    listed = cli.text("schedules", "ls")
    resumed = cli.answer("schedules", "resume", "daily")["schedule"]

    assert "@" in paused["paused_by"]
    assert "paused" in listed
    assert resumed["paused_at"] is None


def test_a_trigger_makes_one_job(cli: Cli, daily: Any) -> None:
    job = cli.answer("schedules", "trigger", "daily")["job"]

    assert (job["task"], job["queue"], job["priority"], job["state"]) == (
        "report", "mail", 7, "pending",
    )  # fmt: skip


def test_a_trigger_to_a_queue_that_nobody_serves_says_so(cli: Cli, daily: Any, app: str) -> None:
    alone = cli("schedules", "trigger", "daily")
    with start("worker", "--app", app, "--queues", "billing", "--json") as worker:
        worker.ready()
        beside = cli("schedules", "trigger", "daily")

    assert alone.code == 0
    assert alone.err == "note: no worker is running: onbeat worker --queues mail\n"
    assert beside.err == (
        "note: no worker serves its queue mail; those that run serve billing: "
        "onbeat worker --queues mail\n"
    )


def test_a_trigger_to_a_queue_that_is_served_says_nothing_more(
    cli: Cli, daily: Any, app: str
) -> None:
    with start("worker", "--app", app, "--queues", "mail", "--json") as worker:
        worker.ready()

        assert cli("schedules", "trigger", "daily").err == ""


def test_a_removed_schedule_is_gone(cli: Cli, daily: Any) -> None:
    assert cli.answer("schedules", "rm", "daily") == {"removed": "daily"}
    assert cli.refusal("schedules", "show", "daily")[0] == 3


def test_a_list_is_read_page_by_page(cli: Cli, database: str) -> None:
    for name in ("a", "b", "c"):
        cli.answer("schedules", "add", name, "--task", "t", "--every", "1h")

    first = cli.answer("schedules", "ls", "--limit", "2")
    second = cli.answer("schedules", "ls", "--limit", "2", "--after", first["next_after"])

    assert [each["name"] for each in first["schedules"] + second["schedules"]] == ["a", "b", "c"]
    assert "--after b" in cli("schedules", "ls", "--limit", "2").err


def test_with_an_app_arguments_that_do_not_fit_are_refused(
    cli: Cli, app: str, database: str
) -> None:
    asked = ("schedules", "add", "s", "--task", "charge", "--every", "1h", "--app", app)

    assert cli.refusal(*asked, "--args", '{"order_id": "x"}')[0] == 2
    assert cli.answer(*asked, "--args", '{"order_id": 1}')["schedule"]["queue"] == "billing"


def test_what_is_declared_in_code_is_said_to_come_back(cli: Cli, app: str, up: Process) -> None:
    result = cli("schedules", "rm", "hourly-report")

    assert "note: hourly-report is declared in code" in result.err


def test_what_was_due_is_shown_with_what_came_of_it(cli: Cli, app: str, up: Process) -> None:
    cli.answer("schedules", "add", "fast", "--task", "hourly-report", "--every", "1s")
    jobs: list[Any] = []
    while not jobs:
        jobs = cli.answer("jobs", "ls", "--schedule", "fast")["jobs"]

    occurrences = cli.answer("schedules", "occurrences", "fast")["occurrences"]

    assert occurrences[-1]["outcome"] == "ran"
    assert occurrences[-1]["job"] == jobs[-1]["id"]
    assert occurrences[-1]["due_at"].endswith("Z")


def test_before_it_was_due_there_is_nothing_to_show(cli: Cli, daily: Any) -> None:
    assert "has not been due" in cli("schedules", "occurrences", "daily").err


def test_how_its_expression_is_read_can_be_said_and_changed(cli: Cli, database: str) -> None:
    said = ("--cron", "0 0 */2 * MON", "--day-match", "and", "--fold", "both")
    cli.answer("schedules", "add", "mondays", "--task", "t", *said)

    by_rule = cli.answer("schedules", "edit", "mondays", "--gap", "skip")["schedule"]["recurrence"]

    assert (by_rule["day_match"], by_rule["gap"], by_rule["fold"]) == ("and", "skip", "both")


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        (("--jitter", "90s"), {"jitter_s": 90.0}),
        (("--pause-after", "3"), {"pause_after": 3}),
        (("--overlap", "buffer all"), {"overlap": "buffer all"}),
        (
            ("--catch-up", "all within 1d at most 50 every 10s"),
            {"catch_up": "all within 1d at most 50 every 10s"},
        ),
    ],
)
def test_a_policy_is_stored_as_it_was_said(
    cli: Cli, daily: Any, options: tuple[str, ...], changed: dict[str, Any]
) -> None:
    edited = cli.answer("schedules", "edit", "daily", *options)["schedule"]

    assert {key: edited[key] for key in changed} == changed


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--jitter", "2d"), "jitter"),
        (("--pause-after", "0"), "pause_after"),
        (("--overlap", "queue"), "overlap"),
        (("--catch-up", "latest at most 3"), "catch_up"),
        (("--catch-up", "all at most 5000"), "catch_up"),
    ],
)
def test_a_policy_that_is_none_is_refused_by_name(
    cli: Cli, daily: Any, options: tuple[str, ...], named: str
) -> None:
    code, message = cli.refusal("schedules", "edit", "daily", *options)

    assert code == 2
    assert message.startswith(f"{named}")


def test_a_pause_has_a_reason_and_an_end(cli: Cli, daily: Any) -> None:
    until = "2099-01-01T00:00:00Z"
    asked = ("schedules", "pause", "daily", "--why", "a move", "--until", until)
    paused = cli.answer(*asked)["schedule"]
    shown = cli.text("schedules", "show", "daily")

    assert (paused["paused_why"], paused["paused_until"]) == ("a move", until)
    assert "a move; goes on" in shown


def test_a_pause_until_a_moment_that_is_over_is_refused(cli: Cli, daily: Any) -> None:
    code, message = cli.refusal("schedules", "pause", "daily", "--until", "2020-01-01T00:00:00Z")

    assert code == 2
    assert message.startswith("until")


def test_the_next_moments_are_left_out_and_who_wanted_it_is_shown(cli: Cli, daily: Any) -> None:
    skipped = cli.answer("schedules", "skip-next", "daily", "--count", "2")["schedule"]
    shown = cli.text("schedules", "show", "daily")
    after_all = cli.answer("schedules", "skip-next", "daily", "--count", "0")["schedule"]

    assert (skipped["skips"], "@" in skipped["skips_by"]) == (2, True)
    assert "the next 2 moments, by " in shown
    assert (after_all["skips"], after_all["skips_by"]) == (0, None)


def test_versions_tell_who_changed_what_and_why(cli: Cli, daily: Any) -> None:
    cli.answer("schedules", "edit", "daily", "--priority", "3", "--why", "mail is not urgent")

    second, first = cli.answer("schedules", "versions", "daily")["versions"]
    text = cli.text("schedules", "versions", "daily")

    assert (first["version"], second["version"], second["why"]) == (1, 2, "mail is not urgent")
    assert "@" in first["by"]
    assert "lane=7" in text


def test_the_ledger_is_listed_from_one_moment_to_another(cli: Cli, daily: Any) -> None:
    cli.answer("schedules", "add", "often", "--task", "t", "--every", "1s")

    asked = ("schedules", "occurrences", "often", "--from", "2020-01-01T00:00:00Z")
    wait_until(lambda: cli.answer(*asked)["occurrences"])
    answer = cli.answer(*asked)
    before = ("schedules", "occurrences", "often", "--to", "2020-01-01T00:00:00Z")

    assert [each["outcome"] for each in answer["occurrences"]] == ["undecided"]
    assert cli.answer(*before)["occurrences"] == []
    assert "nothing in that range" in cli(*before).err
    assert "it has not been due yet" in cli("schedules", "occurrences", "daily").err


def test_why_tells_what_holds_a_schedule_and_what_would_change_that(cli: Cli, daily: Any) -> None:
    cli.answer("schedules", "pause", "daily", "--why", "a move")

    [reason] = cli.answer("schedules", "why", "daily")["reasons"]
    text = cli.text("schedules", "why", "daily")

    assert (reason["code"], reason["remedy"]) == ("paused", "onbeat schedules resume daily")
    assert reason["what"].endswith(": a move")
    assert "onbeat schedules resume daily" in text


def test_why_tells_what_holds_a_job(cli: Cli, daily: Any) -> None:
    job = cli.answer("schedules", "trigger", "daily")["job"]["id"]

    [reason] = cli.answer("jobs", "why", job)["reasons"]

    assert (reason["code"], reason["remedy"]) == ("no-worker", "onbeat worker --queues mail")
    assert "no worker is running" in cli.text("jobs", "why", job)
