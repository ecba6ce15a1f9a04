from __future__ import annotations

# ruff: noqa: DTZ001  naive times are among what is tried
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import dropwhile, islice
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from onbeat.domain.errors import InvalidRecurrence
from onbeat.domain.recurrence import moments, recurrence_from_spec, rrule
from onbeat.domain.recurrence.local_time import Fold, Gap

NEW_YORK = "America/New_York"
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
RULES = [
    "FREQ=MINUTELY;INTERVAL=7;BYDAY=MO,TU",
    "FREQ=MINUTELY;INTERVAL=90",
    "FREQ=HOURLY;INTERVAL=5",
    "FREQ=HOURLY;BYHOUR=9,17;BYMINUTE=0,30",
    "FREQ=DAILY;INTERVAL=3",
    "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29",
    "FREQ=DAILY;BYHOUR=6,18;BYMINUTE=15",
    "FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=SU,MO,SA",
    "FREQ=WEEKLY;INTERVAL=3",
    "FREQ=MONTHLY",
    "FREQ=MONTHLY;INTERVAL=5;BYDAY=-1FR",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
    "FREQ=YEARLY",
    "FREQ=YEARLY;INTERVAL=4",
    "FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO",
    "FREQ=YEARLY;BYYEARDAY=-1,100",
    "FREQ=YEARLY;BYMONTH=3;BYDAY=2SU",
]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.sampled_from(RULES),
    st.datetimes(datetime(2000, 1, 1), datetime(2008, 12, 31)),
    st.timedeltas(timedelta(days=-30), timedelta(days=2500)),
)
def test_a_moved_start_changes_nothing(rule: str, start: datetime, later: timedelta) -> None:
    start = start.replace(microsecond=0)
    after = start + later
    whole = dropwhile(lambda local: local <= after, rrulestr(rule, dtstart=start))

    found = moments(rrule(rule, start=start.replace(tzinfo=UTC)), after.replace(tzinfo=UTC), 6)

    assert [moment.replace(tzinfo=None) for moment in found] == list(islice(whole, 6))


BY_YEARS = [rule for rule in RULES if "MONTHLY" in rule or "YEARLY" in rule]


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    st.sampled_from(BY_YEARS),
    st.datetimes(datetime(2000, 1, 1), datetime(2008, 12, 31)),
    st.sampled_from([399, 400, 401, 800, 1200]),
    st.timedeltas(timedelta(days=-2000), timedelta(days=2000)),
)
def test_centuries_change_nothing(rule: str, start: datetime, years: int, later: timedelta) -> None:
    start = start.replace(microsecond=0)
    after = datetime(start.year + years, 1, 1) + later
    whole = dropwhile(lambda local: local <= after, rrulestr(rule, dtstart=start))

    found = moments(rrule(rule, start=start.replace(tzinfo=UTC)), after.replace(tzinfo=UTC), 30)

    assert [moment.replace(tzinfo=None) for moment in found] == list(islice(whole, 30))


def test_a_rule_goes_on_to_the_last_year_there_is() -> None:
    found = moments(rrule("FREQ=YEARLY"), datetime(9990, 6, 1, tzinfo=UTC), 20)

    assert [moment.year for moment in found] == [*range(9991, 9999)]


@pytest.mark.parametrize(
    ("gap", "fold", "expected"),
    [
        ("after", "first", ["03-10 03:00-0400", "03-11 02:30-0400"]),
        ("skip", "first", ["03-11 02:30-0400", "03-12 02:30-0400"]),
        ("shift", "first", ["03-10 03:30-0400", "03-11 02:30-0400"]),
    ],
)
def test_a_local_time_in_a_gap_follows_the_policy(
    gap: Gap, fold: Fold, expected: list[str]
) -> None:
    rule = rrule("FREQ=DAILY;BYHOUR=2;BYMINUTE=30", tz=NEW_YORK, gap=gap, fold=fold)

    found = moments(rule, datetime(2024, 3, 9, 12, tzinfo=UTC), 2)

    assert [f"{m.astimezone(ZoneInfo(NEW_YORK)):%m-%d %H:%M%z}" for m in found] == expected


@pytest.mark.parametrize(
    ("fold", "expected"),
    [
        ("first", ["01:30-0400", "01:30-0500"]),
        ("second", ["01:30-0500", "01:30-0500"]),
        ("both", ["01:30-0400", "01:30-0500"]),
    ],
)
def test_a_repeated_local_time_follows_the_policy(fold: Fold, expected: list[str]) -> None:
    rule = rrule("FREQ=DAILY;BYHOUR=1;BYMINUTE=30", tz=NEW_YORK, fold=fold)

    found = moments(rule, datetime(2024, 11, 3, tzinfo=UTC) + timedelta(hours=4), 2)

    assert [f"{m.astimezone(ZoneInfo(NEW_YORK)):%H:%M%z}" for m in found] == expected


def test_an_hourly_rule_follows_real_time() -> None:
    rule = rrule("FREQ=HOURLY", tz=NEW_YORK)

    found = moments(rule, datetime(2024, 11, 3, 4, 30, tzinfo=UTC), 3)

    assert [m.hour for m in found] == [5, 6, 7]


def test_count_ends_a_rule() -> None:
    rule = rrule("DTSTART;TZID=America/New_York:20240310T023000\nRRULE:FREQ=DAILY;COUNT=2")

    found = moments(rule, BEGIN, 5)

    assert rule.zone == NEW_YORK
    assert found == [datetime(2024, 3, 10, 7, tzinfo=UTC), datetime(2024, 3, 11, 6, 30, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("until", "last"),
    [("20240105T050000Z", 5), ("20240105T045959Z", 4), ("20240105", 5), ("20240104T235959", 4)],
)
def test_until_is_inclusive_and_a_date_means_its_whole_day(until: str, last: int) -> None:
    rule = rrule(f"FREQ=DAILY;UNTIL={until}", tz=NEW_YORK)

    found = moments(rule, BEGIN, 30)

    assert found[-1] == datetime(2024, 1, last, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "DTSTART;TZID=Europe/Paris:20240101T090000 RRULE:FREQ=DAILY",
        "dtstart:20240101T080000z freq=daily",
    ],
)
def test_a_start_may_be_local_or_utc(text: str) -> None:
    found = moments(rrule(text, tz="Europe/Paris"), BEGIN, 1)

    assert found == [datetime(2024, 1, 1, 8, tzinfo=UTC)]


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_reads_back_from_its_spec(rule: str) -> None:
    made = rrule(rule, tz="Europe/Paris", start=BEGIN, gap="skip", fold="both")

    assert recurrence_from_spec(made.spec()) == made


@pytest.mark.parametrize("rule", ["FREQ=DAILY;INTERVAL=36525", "FREQ=YEARLY;INTERVAL=100"])
def test_a_rule_ends_with_the_years_of_datetime(rule: str) -> None:
    assert rrule(rule).next(datetime(9998, 12, 30, tzinfo=UTC)) is None


def test_a_rule_that_began_long_ago_costs_no_more() -> None:
    rule = rrule("FREQ=MINUTELY", start=datetime(1900, 1, 1, tzinfo=UTC))

    assert rule.next(BEGIN) == BEGIN + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("text", "options", "field", "words"),
    [
        ("", {}, "rrule", "give one RRULE"),
        ("FREQ=DAILY FREQ=DAILY", {}, "rrule", "union"),
        (5, {}, "rrule", "not text"),
        ("FREQ=DAILY;" + "X" * 600, {}, "rrule", "512"),
        ("DAILY", {}, "rrule", "not a part"),
        ("FREQ=DAILY;BYEASTER=1", {}, "rrule", "not a part"),
        ("FREQ=DAILY;FREQ=DAILY", {}, "rrule", "given twice"),
        ("FREQ=DAILY;COUNT=x", {}, "rrule", "not readable"),
        ("INTERVAL=2", {}, "rrule", "FREQ= is not known"),
        ("FREQ=SECONDLY", {}, "rrule", "every('10s')"),
        ("FREQ=FORTNIGHTLY", {}, "rrule", "DAILY"),
        ("FREQ=DAILY;INTERVAL=0", {}, "rrule", "100 years"),
        ("FREQ=DAILY;INTERVAL=40000", {}, "rrule", "100 years"),
        ("FREQ=DAILY;COUNT=0", {"start": BEGIN}, "rrule", "COUNT=0"),
        ("FREQ=DAILY;COUNT=99999", {"start": BEGIN}, "rrule", "UNTIL"),
        ("FREQ=DAILY;COUNT=5", {}, "rrule", "start"),
        ("FREQ=DAILY;COUNT=5;UNTIL=20240101", {"start": BEGIN}, "rrule", "exclude each other"),
        ("FREQ=DAILY;UNTIL=20241301", {}, "rrule", "is no date"),
        ("FREQ=DAILY;UNTIL=20241301T000000Z", {}, "rrule", "is no date"),
        ("FREQ=DAILY;UNTIL=19600101", {}, "rrule", "ends before it begins"),
        ("FREQ=DAILY;BYSECOND=0,30", {}, "rrule", "BYSECOND"),
        ("FREQ=DAILY;BYHOUR=25", {}, "rrule", "25 is out of range; use 0 to 23"),
        ("FREQ=HOURLY;BYHOUR=99", {}, "rrule", "use 0 to 23"),
        ("FREQ=DAILY;BYMINUTE=60", {}, "rrule", "use 0 to 59"),
        ("FREQ=DAILY;BYMONTH=0", {}, "rrule", "use 1 to 12"),
        ("FREQ=DAILY;BYMONTHDAY=0", {}, "rrule", "use 1 to 31"),
        ("FREQ=DAILY;BYMONTHDAY=-32", {}, "rrule", "use 1 to 31"),
        ("FREQ=YEARLY;BYYEARDAY=367", {}, "rrule", "use 1 to 366"),
        ("FREQ=YEARLY;BYWEEKNO=54", {}, "rrule", "use 1 to 53"),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=0", {}, "rrule", "use 1 to 366"),
        ("FREQ=YEARLY;BYDAY=54MO", {}, "rrule", "use 1 to 53"),
        ("FREQ=MONTHLY;BYDAY=6MO", {}, "rrule", "use 1 to 5"),
        ("FREQ=MONTHLY;BYDAY=99MO", {}, "rrule", "use 1 to 53"),
        ("FREQ=DAILY;BYHOUR=0,6,12,18;BYMINUTE=0,1,2,3,4,5,6", {}, "rrule", "times a day"),
        ("FREQ=WEEKLY;BYDAY=1MO", {}, "rrule", "MONTHLY or YEARLY"),
        ("FREQ=MONTHLY;BYWEEKNO=3", {}, "rrule", "YEARLY"),
        ("FREQ=MINUTELY;BYMONTH=3", {}, "rrule", "FREQ=DAILY and BYHOUR"),
        ("FREQ=HOURLY;BYDAY=MO;COUNT=5", {"start": BEGIN}, "rrule", "UNTIL"),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", {}, "rrule", "never fires"),
        ("FREQ=DAILY;INTERVAL=7;BYDAY=MO", {}, "rrule", "never fires"),
        ("FREQ=HOURLY;INTERVAL=168;BYDAY=MO", {}, "rrule", "never fires"),
        ("FREQ=MINUTELY;INTERVAL=1440;BYHOUR=5", {}, "rrule", "RFC 5545"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", {}, "rrule", "never fires"),
        ("DTSTART:20240101 FREQ=DAILY", {}, "rrule", "write DTSTART"),
        ("DTSTART:20241301T000000 FREQ=DAILY", {}, "rrule", "is no date"),
        ("DTSTART:20240101T000000 FREQ=DAILY", {"start": BEGIN}, "rrule", "leave one out"),
        ("DTSTART:99990101T000000 FREQ=DAILY", {}, "start", "years 1000 to 9000"),
        ("FREQ=DAILY", {"start": datetime(2024, 1, 1)}, "start", "time zone"),
        ("FREQ=DAILY", {"tz": "Mars/Base"}, "tz", "known time zone"),
        ("DTSTART;TZID=Asia/Tokyo:20240101T000000 FREQ=DAILY", {"tz": NEW_YORK}, "tz", "differ"),
        ("FREQ=DAILY", {"gap": "never"}, "gap", "after, skip or shift"),
    ],
)
def test_a_wrong_or_unbounded_rule_is_refused(
    text: str, options: dict[str, object], field: str, words: str
) -> None:
    with pytest.raises(InvalidRecurrence) as refused:
        rrule(text, **options)  # type: ignore[arg-type]  # wrong ones are the point

    assert refused.value.field == field
    assert words in str(refused.value)


def test_without_dateutil_the_extra_is_named() -> None:
    code = (
        "import sys; sys.modules['dateutil'] = None\n"
        "from onbeat.domain.recurrence import rrule, cron; cron('@daily')\n"
        "rrule('FREQ=DAILY')"
    )

    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )

    assert "pip install 'onbeat[rrule]'" in ended.stderr.splitlines()[-1]
