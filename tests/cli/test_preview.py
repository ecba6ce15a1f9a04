"""`onbeat schedules preview`: what scripts and other tools build on."""

from __future__ import annotations

import json
import time

import pytest

from tests.cli.running import Cli

PREVIEW = ("schedules", "preview")
SPRING = ("--from", "2027-03-27T00:00:00Z")
PARIS = ("--tz", "Europe/Paris")


def test_the_example_of_the_documentation_is_answered_byte_for_byte(cli: Cli) -> None:
    result = cli(
        *PREVIEW, "--cron", "30 2 * * *", "--tz", "Europe/Paris", *SPRING, "--count", "3", "--json"
    )
    answer = json.loads(result.out)

    assert result.code == 0
    assert list(answer) == ["description", "warnings", "runs"]
    assert answer["description"] == "at 02:30 every day (Europe/Paris)"
    assert all(isinstance(warning, str) for warning in answer["warnings"])
    assert answer["runs"] == [
        {"utc": "2027-03-27T01:30:00Z", "local": "2027-03-27T02:30:00+01:00"},
        {"utc": "2027-03-28T01:00:00Z", "local": "2027-03-28T03:00:00+02:00"},
        {"utc": "2027-03-29T00:30:00Z", "local": "2027-03-29T02:30:00+02:00"},
    ]


def test_a_moment_equal_to_from_counts(cli: Cli) -> None:
    answer = cli.answer(*PREVIEW, "--every", "15m", *SPRING, "--count", "2")

    assert [run["utc"] for run in answer["runs"]] == [
        "2027-03-27T00:00:00Z",
        "2027-03-27T00:15:00Z",
    ]


def test_a_rule_is_previewed(cli: Cli) -> None:
    answer = cli.answer(
        *PREVIEW, "--rrule", "FREQ=WEEKLY;BYDAY=SA;BYHOUR=9", *SPRING, "--count", "1"
    )

    assert answer["runs"] == [{"utc": "2027-03-27T09:00:00Z", "local": "2027-03-27T09:00:00+00:00"}]


def test_several_rules_are_due_at_the_moments_of_each(cli: Cli) -> None:
    rules = ("--cron", "0 9 * * *", "--cron", "0 12 * * sat", "--rrule", "FREQ=DAILY;BYHOUR=9")
    more = ("--every", "6h", "--at", "2027-03-27T07:00:00Z")

    answer = cli.answer(*PREVIEW, *rules, *more, *SPRING, "--count", "6")

    assert [run["utc"][11:13] for run in answer["runs"]] == ["00", "06", "07", "09", "12", "18"]
    assert answer["description"] == (
        "at 09:00 every day (UTC); and at 12:00 on Saturday (UTC); "
        "and every 6h, from 00:00 UTC; "
        "and every day at 09:00 from 1970-01-01 00:00 (UTC); and once, at 2027-03-27T07:00:00Z"
    )


@pytest.mark.parametrize("begin", ["0001-01-01T00:00:00Z", "9998-12-01T00:00:00Z"])
def test_a_preview_may_begin_at_either_end_of_time(cli: Cli, begin: str) -> None:
    rules = ("--every", "1h", "--cron", "30 2 * * *", "--rrule", "FREQ=DAILY", *PARIS)

    answer = cli.answer(*PREVIEW, *rules, "--from", begin, "--count", "2")

    assert answer["runs"][0]["utc"][:10] == begin[:10]


def test_what_is_excluded_or_closed_is_left_out_and_said(cli: Cli) -> None:
    barred = ("--except-cron", "0 2 * * *", "--except-rrule", "FREQ=DAILY;BYHOUR=4")
    closed = ("--closed", "2027-03-27T05:00:00Z/2027-03-27T07:00:00Z")

    answer = cli.answer(*PREVIEW, "--every", "1h", *barred, *closed, *SPRING, "--count", "5")

    assert [run["utc"][11:13] for run in answer["runs"]] == ["00", "01", "03", "07", "08"]
    assert answer["description"] == (
        "(every 1h, except (at 02:00 every day (UTC); "
        "and every day at 04:00 from 1970-01-01 00:00 (UTC))), "
        "but not from 2027-03-27T05:00:00Z until 2027-03-27T07:00:00Z"
    )


def test_one_moment_is_shown_by_the_clock_of_the_zone(cli: Cli) -> None:
    answer = cli.answer(*PREVIEW, "--at", "2027-07-01T10:00:00Z", "--tz", "Asia/Tokyo")

    assert answer["runs"] == [{"utc": "2027-07-01T10:00:00Z", "local": "2027-07-01T19:00:00+09:00"}]


def test_ten_moments_are_shown_unless_told(cli: Cli) -> None:
    assert len(cli.answer(*PREVIEW, "--every", "1h")["runs"]) == 10


def test_ten_thousand_moments_take_under_a_second(cli: Cli) -> None:
    began = time.process_time()
    answer = cli.answer(
        *PREVIEW, "--cron", "*/5 * * * *", "--tz", "Europe/Paris", "--count", "10000"
    )

    assert len(answer["runs"]) == 10_000
    assert time.process_time() - began < 1


def test_no_database_is_looked_for(cli: Cli) -> None:
    cli.answer(*PREVIEW, "--every", "1h", "--db", "postgresql://nobody@192.0.2.1/nothing")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--cron", "61 * * * *"), "cron"),
        (("--cron", "0 0 30 2 *"), "cron"),
        (("--cron", "nonsense"), "cron"),
        (("--every", "0s"), "every"),
        (("--rrule", "FREQ=DAILY;UNTIL=20200101"), "rrule"),
        (("--rrule", "FREQ=SECONDLY"), "rrule"),
        (("--at", "2020-01-01T00:00:00Z"), "at"),
        (("--at", "2030-01-01T00:00:00"), "at"),
        (("--cron", "* * * * *", "--tz", "Mars/Olympus"), "tz"),
        (("--every", "1h", "--from", "yesterday"), "from"),
        (("--every", "1h", "--except-cron", "nonsense"), "except_cron"),
        (("--every", "1h", "--except-cron", "0 * * * *"), "exclusion"),
        (("--every", "1h", "--except-rrule", "FREQ=SECONDLY"), "except_rrule"),
        (("--every", "1h", "--closed", "2027-01-02T00:00:00Z"), "closed"),
        (("--every", "1h", "--closed", "2027-01-02T00:00:00Z/2027-01-01T00:00:00Z"), "closed"),
        (("--every", "1h") * 33, "union"),
        (("--except-cron", "0 * * * *"), "cron"),
        ((), "cron"),
    ],
)
def test_what_is_wrong_or_never_due_is_one_line_and_exit_2(
    cli: Cli, options: tuple[str, ...], named: str
) -> None:
    code, message = cli.refusal(*PREVIEW, *options)

    assert code == 2
    assert message.startswith(f"{named}: ")


@pytest.mark.parametrize("count", ["0", "10001", "many"])
def test_a_count_out_of_range_is_one_line_and_exit_2(cli: Cli, count: str) -> None:
    code, message = cli.refusal(*PREVIEW, "--every", "1h", "--count", count)

    assert code == 2
    assert "--count" in message


def test_people_see_description_warnings_and_moments(cli: Cli) -> None:
    text = cli.text(*PREVIEW, "--cron", "30 2 * * *", "--tz", "Europe/Paris", *SPRING)

    assert "at 02:30 every day (Europe/Paris)" in text
    assert "warning: " in text
    assert "Sun 2027-03-28 03:00:00 CEST  2027-03-28T01:00:00Z" in text


@pytest.mark.parametrize(
    ("options", "first"),
    [
        (("--cron", "0 0 */2 * MON", "--day-match", "and"), "2027-03-29T00:00:00Z"),
        (("--cron", "0 0 */2 * MON", "--day-match", "or"), "2027-03-27T00:00:00Z"),
        (("--cron", "30 2 28 * *", *PARIS, "--gap", "after"), "2027-03-28T01:00:00Z"),
        (("--cron", "30 2 28 * *", *PARIS, "--gap", "shift"), "2027-03-28T01:30:00Z"),
        (("--cron", "30 2 28 * *", *PARIS, "--gap", "skip"), "2027-04-28T00:30:00Z"),
        (("--cron", "30 2 31 10 *", *PARIS, "--fold", "first"), "2027-10-31T00:30:00Z"),
        (("--cron", "30 2 31 10 *", *PARIS, "--fold", "second"), "2027-10-31T01:30:00Z"),
    ],
)
def test_how_a_cron_expression_is_read_can_be_said(
    cli: Cli, options: tuple[str, ...], first: str
) -> None:
    assert cli.answer(*PREVIEW, *options, *SPRING)["runs"][0]["utc"] == first


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--cron", "0 0 */2 * MON"), "cron"),
        (("--cron", "0 0 * * *", "--day-match", "xor"), "day_match"),
        (("--cron", "0 0 * * *", "--gap", "odd"), "gap"),
        (("--cron", "0 0 * * *", "--fold", "odd"), "fold"),
        (("--every", "1h", "--gap", "skip"), "gap"),
        (("--fold", "both"), "fold"),
    ],
)
def test_what_a_cron_expression_cannot_be_read_by_is_refused(
    cli: Cli, options: tuple[str, ...], named: str
) -> None:
    code, message = cli.refusal(*PREVIEW, *options)

    assert code == 2
    assert message.startswith(f"{named}: ")


@pytest.mark.parametrize("options", [("--gap", "after"), ("--fold", "first"), ("--gap", "shift")])
def test_a_rule_for_clock_changes_that_is_not_heeded_is_said_once(
    cli: Cli, options: tuple[str, str]
) -> None:
    answer = cli.answer(*PREVIEW, "--cron", "0 * * * *", *PARIS, *options)

    name = options[0].removeprefix("--")
    assert [w[: len(name)] for w in answer["warnings"]] == [name]
    assert "is not heeded: with * or a step" in answer["warnings"][0]


def test_a_rule_for_clock_changes_that_is_heeded_is_not_said_to_be_not(cli: Cli) -> None:
    daily = cli.answer(*PREVIEW, "--cron", "30 2 * * *", *PARIS, "--gap", "after")
    hourly = cli.answer(*PREVIEW, "--cron", "0 * * * *", *PARIS, "--gap", "skip")

    assert "heeded" not in str(daily["warnings"]) + str(hourly["warnings"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--every", "0d", *PARIS), "every: 0 days is not from 1 day to 100 years; use 1d or more"),
        (("--every", "1 fortnight"), "unknown unit 'fortnight'; write 2w for a fortnight"),
        (("--cron", "TZ=Europe/Paris 0 9 * * *"), "cron: 'TZ=Europe/Paris' is no part of it; "),
        (("--cron", "CRON_TZ=UTC 0 9 * * *"), "leave it out, and give the zone as tz (--tz UTC)"),
        (("--cron", "0 9 * * * /bin/true"), "of 6 fields the first is the second"),
        (("--cron", "0 9 * * * 2027"), "of 6 fields the first is the second"),
        (
            ("--cron", "@reboot"),
            "cron: '@reboot' has no moments, and `onbeat crontab import` alone",
        ),
        (("--at", "2027-01-04 09:00"), "has no time zone; add one, such as Z (UTC) or +01:00"),
        (("--every", "1h", "--tz", ""), "tz: '' is not a known time zone"),
        (("--every", "1h", "--closed", "2027-01-01"), "closed: '2027-01-01' is not BEGIN/END"),
        (
            ("--every", "1h", "--closed", "2027-01-02T00:00Z/2027-01-01T00:00Z"),
            "is not after 2027-01-02T00:00:00Z; give the earlier one first",
        ),
    ],
)
def test_a_wrong_input_is_told_with_its_field_and_a_remedy(
    cli: Cli, options: tuple[str, ...], words: str
) -> None:
    code, told = cli.refusal(*PREVIEW, *options)

    assert code == 2
    assert words in told
