from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from onbeat.domain.recurrence import (
    cron,
    every,
    exclusion,
    nth_workday,
    once,
    rrule,
    union,
    work_calendar,
    workdays,
)
from onbeat.domain.recurrence.recurrence import Recurrence

COUNTED = "counted from 1970-01-01"
AT = datetime(2026, 5, 1, 9, 12, 5, 250_000, UTC)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("30 1 * * mon-fri", "at 01:30 on Monday to Friday"),
        ("0 */5 * * *", "at minute 0 at hours 0, 5, 10, 15 and 20 every day"),
        ("0 0 13 * FRI", "at 00:00 on day 13 of the month or on Friday"),
        ("0 9,17 * * *", "at 09:00 and 17:00 every day"),
        ("* * * * *", "every minute"),
        ("*/15 * * * *", "every 15 minutes"),
        ("*/40 * * * *", "at minutes 0 and 40 of every hour"),
        ("0 * * * *", "at minute 0 of every hour"),
        ("*/10 9-17 * * 6-7", "every 10 minutes at hours 9 to 17 on Saturday and Sunday"),
        ("* * * * * *", "every second"),
        ("*/10 * * * * *", "every 10 seconds"),
        ("*/40 * * * * *", "at seconds 0 and 40"),
        ("15 0 * * * *", "at second 15 at minute 0 of every hour"),
        ("* 30 1 * * *", "every second at minute 30 at hour 1 every day"),
        ("*/10 */15 * * * *", "every 10 seconds at minutes 0, 15, 30 and 45 of every hour"),
        ("30 */15 * * * *", "at second 30 every 15 minutes"),
        ("5 30 1 * * *", "at 01:30:05 every day"),
        ("0 0 * * 5-7", "at 00:00 on Friday to Sunday"),
        ("0 0 * * 0,3", "at 00:00 on Wednesday and Sunday"),
        (
            "0 0 1-7,15 3,6-9 *",
            "at 00:00 on days 1 to 7 and 15 of the month in March and June to September",
        ),
        ("0 0 L * *", "at 00:00 on the last day of the month"),
        ("0 0 L-1 * *", "at 00:00 on the day 1 day before the last day of the month"),
        ("0 0 L-3 * *", "at 00:00 on the day 3 days before the last day of the month"),
        ("0 0 LW * *", "at 00:00 on the last Monday to Friday of the month"),
        ("0 0 15W * *", "at 00:00 on the Monday to Friday nearest to day 15 of the month"),
        ("0 0 * * FRI#2", "at 00:00 on the second Friday of the month"),
        ("0 0 * * 0,5L", "at 00:00 on Sunday and the last Friday of the month"),
        ("@yearly", "at 00:00 on day 1 of the month in January"),
    ],
)
def test_an_expression_is_described_as_it_fires(expression: str, words: str) -> None:
    assert cron(expression, tz="Europe/Paris").describe() == f"{words} (Europe/Paris)"


def test_days_that_must_both_match_are_described_so() -> None:
    words = cron("0 0 13 * FRI", day_match="and").describe()

    assert words == "at 00:00 on day 13 of the month and only if it is Friday (UTC)"


@pytest.mark.parametrize(
    ("expression", "zone", "words"),
    [
        ("*/40 * * * *", "UTC", "*/40 in minute is not every 40: 0 and 40, anew each hour"),
        ("0 */5 * * *", "UTC", "*/5 in hour is not every 5: 0, 5, 10, 15 and 20, anew each day"),
        (
            "0 0 */15 * *",
            "UTC",
            "*/15 in day-of-month is not every 15: 1, 16 and 31, anew each month",
        ),
        ("0 0 * */5 *", "UTC", "*/5 in month is not every 5: 1, 6 and 11, anew each year"),
        ("0 0 * * */3", "UTC", "*/3 in day-of-week is not every 3: 0, 3 and 6, anew each week"),
        ("5/7 * * * *", "UTC", "5/7 in minute is not every 7: 5, 12, 19, 26, 33, 40, 47 and 54"),
        ("0 0-23/5 * * *", "UTC", "0-23/5 in hour is not every 5: 0, 5, 10, 15 and 20"),
        ("*/10 2 * * *", "Europe/Paris", "02:00 on 2026-03-29 does not exist"),
        ("*/10 2 * * *", "Europe/Paris", "it does not fire then"),
        ("*/10 2 * * *", "Europe/Paris", "it fires both times"),
        ("0 0 13 * FRI", "UTC", "it fires when either matches"),
        ("0 0 31 * *", "UTC", "months without a day 31 are left out"),
        ("0 0 30 * *", "UTC", "months without a day 30 are left out"),
        ("0 0 29 2 *", "UTC", "February has a day 29 in leap years only"),
        ("0 0 31 3,4 *", "UTC", "months without a day 31 are left out"),
        ("0 0 15,31 * *", "UTC", "on day 31 it does not fire in months without one"),
        ("0 0 1,29 2 *", "UTC", "February has a day 29 in leap years only"),
        ("30 2 * * *", "Europe/Paris", "02:30 on 2026-03-29 does not exist in Europe/Paris"),
        ("30 2 * * *", "Europe/Paris", "it fires at 03:00, when the gap ends"),
        ("30 2 * * *", "Europe/Paris", "02:30 on 2026-10-25 comes twice in Europe/Paris"),
        ("30 2 * * *", "Europe/Paris", "it fires the first time only"),
        ("30 2 * * sun", "Europe/Paris", "does not exist"),
    ],
)
def test_what_is_easily_taken_wrong_is_warned_of(expression: str, zone: str, words: str) -> None:
    assert any(words in warning for warning in cron(expression, tz=zone).warnings())


@pytest.mark.parametrize(
    ("gap", "fold", "words"),
    [
        ("skip", "second", ["it does not fire then", "the second time only"]),
        ("shift", "both", ["it fires at 03:30", "both times"]),
    ],
)
def test_a_warning_of_a_clock_change_names_the_policy(
    gap: str, fold: str, words: list[str]
) -> None:
    warnings = cron("30 2 * * *", tz="Europe/Paris", gap=gap, fold=fold).warnings()  # type: ignore[arg-type]  # parametrized

    assert [w for w, warning in zip(words, warnings, strict=True) if w in warning] == words


@pytest.mark.parametrize(
    ("expression", "zone"),
    [
        ("*/15 */6 * * *", "Europe/Paris"),
        ("30 1 * * mon-fri", "Europe/Paris"),
        ("30 2 * * *", "Asia/Tokyo"),
        ("30 2 * * *", "UTC"),
        ("0 12 1-31 * *", "Europe/Paris"),
        ("0 12 15,31 1,3 *", "UTC"),
        ("0 12 30 4,5 *", "UTC"),
        ("0 12 28 2 *", "UTC"),
        ("0 12 15,L * *", "UTC"),
        ("5/15 * * * *", "Europe/Paris"),
        ("5-45/7 10-20/3 * * *", "UTC"),
        ("0 * * * *", "Europe/Paris"),
    ],
)
def test_a_plain_expression_is_not_warned_of(expression: str, zone: str) -> None:
    assert cron(expression, tz=zone).warnings() == ()


@pytest.mark.parametrize(
    ("recurrence", "words"),
    [
        (every("30s"), "every 30s"),
        (every("30s", anchor=AT), "every 30s, from 5.25s past the hour"),
        (every("1h", anchor=AT), "every 1h, from 12m5.25s past the hour"),
        (every("6h", anchor=AT), "every 6h, from 03:12:05.25 UTC"),
        (every("90m"), "every 1h30m, from 00:00 UTC"),
        (every("7h"), f"every 7h, {COUNTED}T00:00:00Z"),
        (every("1d", tz="Europe/Paris"), f"every day at 00:00:00, {COUNTED} (Europe/Paris)"),
        (every("2 months"), f"every 2 months at 00:00:00, {COUNTED} (UTC)"),
        (every("5m", after_finish=True), "5m after the last one finished"),
        (once("2024-01-01T09:00:00Z"), "once, at 2024-01-01T09:00:00Z"),
        (
            union(cron("@daily"), every("2h")),
            "at 00:00 every day (UTC); and every 2h, from 00:00 UTC",
        ),
        (
            exclusion(cron("0 9 * * *"), cron("0 9 * 12 *")),
            "at 09:00 every day (UTC), except at 09:00 every day in December (UTC)",
        ),
        (
            rrule("DTSTART:20240111T093005 FREQ=YEARLY;COUNT=3"),
            "every year in January on day 11 of the month at 09:30:05 3 times "
            "from 2024-01-11 09:30 (UTC)",
        ),
        (
            rrule("DTSTART:20240111T093000 FREQ=WEEKLY"),
            "every week on Thursday at 09:30 from 2024-01-11 09:30 (UTC)",
        ),
    ],
)
def test_other_recurrences_are_described(recurrence: Recurrence, words: str) -> None:
    assert recurrence.describe() == words


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR;BYHOUR=9",
            "every 2 weeks on Monday and Friday at 09:00",
        ),
        (
            "FREQ=MONTHLY;BYDAY=-1FR,2MO;UNTIL=20301231",
            "every month on the last Friday and the 2nd Monday at 00:00 until 20301231",
        ),
        (
            "FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-2,1",
            "every month on Monday and Tuesday (only the 2nd to last and 1st of these) at 00:00",
        ),
        (
            "FREQ=MONTHLY;BYMONTHDAY=3,11,21",
            "every month on the 3rd, 11th and 21st day of the month at 00:00",
        ),
        ("FREQ=MONTHLY", "every month on day 1 of the month at 00:00"),
        ("FREQ=YEARLY;BYYEARDAY=-1", "every year on the last day of the year at 00:00"),
        (
            "FREQ=YEARLY;BYWEEKNO=1,-1",
            "every year on each day in the 1st and last week of the year at 00:00",
        ),
        (
            "FREQ=YEARLY;BYWEEKNO=2;BYDAY=MO",
            "every year on Monday in the 2nd week of the year at 00:00",
        ),
        (
            "FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR",
            "every month on the 13th day of the month and only if it is Friday at 00:00",
        ),
        ("FREQ=HOURLY;BYDAY=MO;BYHOUR=9,10", "every hour on Monday at hour 9 and 10"),
    ],
)
def test_a_rule_is_described_with_its_start(rule: str, words: str) -> None:
    assert rrule(rule).describe() == f"{words} from 1970-01-01 00:00 (UTC)"


@pytest.mark.parametrize(
    ("recurrence", "words"),
    [
        (every("24h", tz="Europe/Paris"), "write 1 day"),
        (every("1 month", anchor=datetime(2024, 1, 31, tzinfo=UTC)), "on their last day"),
        (rrule("FREQ=MONTHLY;BYMONTHDAY=31"), "BYMONTHDAY=-1"),
        (union(cron("*/40 * * * *"), every("1h")), "*/40"),
        (workdays(cron("*/40 * * * *"), work_calendar("fr")), "*/40"),
        (exclusion(every("7m"), cron("*/40 * * * *")), "*/40"),
    ],
)
def test_other_recurrences_warn_too(recurrence: Recurrence, words: str) -> None:
    assert [words in warning for warning in recurrence.warnings()] == [True]


@pytest.mark.parametrize(
    "recurrence",
    [
        every("1h"),
        every("1 month"),
        every("1h", after_finish=True),
        rrule("FREQ=DAILY"),
        once("2024-01-01T00:00Z"),
    ],
)
def test_plain_recurrences_have_no_warnings(recurrence: Recurrence) -> None:
    assert recurrence.warnings() == ()


MARCH = datetime(2027, 3, 1, tzinfo=UTC)
HALF_PAST_TWO = datetime(2027, 1, 31, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "recurrence",
    [
        cron("30 2 * * *", tz="Europe/Paris"),
        every("1d", tz="Europe/Paris", anchor=HALF_PAST_TWO),
        rrule("FREQ=DAILY;BYHOUR=2;BYMINUTE=30", tz="Europe/Paris"),
        nth_workday(-3, "02:30", tz="Europe/Paris", calendar=work_calendar("x", weekend=[])),
        workdays(cron("30 2 * * *", tz="Europe/Paris"), work_calendar("x", weekend=[])),
        union(cron("30 2 * * *", tz="Europe/Paris"), every("1h")),
    ],
    ids=lambda recurrence: str(recurrence.spec()["kind"]),
)
def test_every_kind_that_a_clock_change_touches_says_so(recurrence: Recurrence) -> None:
    told = [warning for warning in recurrence.warnings(MARCH) if "does not exist" in warning]

    assert len(told) == 1
    assert "02:30 on 20" in told[0]
    assert "it fires at 03:00, when the gap ends" in told[0]


def test_a_day_that_a_calendar_leaves_out_is_not_made_up_for() -> None:
    midday = cron("0 12 * * *", tz="Pacific/Apia")

    told = midday.warnings(datetime(2011, 12, 1, tzinfo=UTC))

    assert [re.findall("12:00 on 2011-12-30.*: it does not fire then", each) for each in told] == [
        [told[0]]
    ]


def test_of_several_rules_the_one_that_has_ended_is_named() -> None:
    ended, going = once("2027-01-01T00:00Z"), cron("@daily")

    assert union(ended, going).warnings(MARCH) == (
        "of its rules one has ended: once, at 2027-01-01T00:00:00Z",
    )
    assert union(ended, going).warnings(ended.at) == ()
    assert union(ended, ended).warnings(MARCH) == ()


def test_of_clock_changes_the_next_ones_are_told() -> None:
    recurrence = cron("30 2 * * *", tz="Europe/Paris")

    told = recurrence.warnings(since=datetime(2027, 3, 27, tzinfo=UTC))

    assert [re.findall(r"\d{4}-\d\d-\d\d", warning) for warning in told] == [
        ["2027-03-28"],
        ["2027-10-31"],
    ]


@pytest.mark.parametrize("changes", [{"gap": "shift"}, {"fold": "second"}])
@pytest.mark.parametrize("expression", ["*/30 * * * *", "0 * * * *", "*/10 2 * * *"])
def test_a_rule_for_clock_changes_that_is_not_heeded_is_warned_of(
    expression: str, changes: dict[str, Any]
) -> None:
    found = cron(expression, tz="Europe/Paris", **changes).warnings()

    [option] = changes
    assert found[0].startswith(f"{option} {changes[option]} is not heeded: ")


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "February has a day 29 in leap years only"),
        ("FREQ=MONTHLY;BYMONTHDAY=15,31", "on day 31 it does not fire in months without one"),
        ("FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=29", "February has a day 29 in leap years only"),
    ],
)
def test_a_rule_that_leaves_months_or_years_out_is_warned_of(rule: str, words: str) -> None:
    assert any(words in warning for warning in rrule(rule).warnings())


def test_an_hourly_rule_that_heeds_no_rule_for_clock_changes_is_warned_of() -> None:
    found = rrule("FREQ=HOURLY", tz="Europe/Paris", fold="second").warnings()

    assert found[0].startswith("fold second is not heeded: ")
