"""Working days: what falls on others is left out or moved, as a calendar and a rule say."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onbeat.domain.errors import InvalidRecurrence
from onbeat.domain.recurrence import (
    Recurrence,
    WorkCalendar,
    cron,
    every,
    moments,
    nth_workday,
    recurrence_from_spec,
    work_calendar,
    workdays,
)
from onbeat.domain.recurrence.zones import to_local

PARIS = "Europe/Paris"
FRANCE = work_calendar("fr", holidays=["2027-12-25", "2028-01-01", "2027-07-14", "2027-05-06"])
DAY = timedelta(days=1)
NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)


def local(recurrence: Recurrence, begin: str, count: int) -> list[str]:
    """The next moments as a Parisian would write them."""
    after = datetime.fromisoformat(begin).replace(tzinfo=UTC)
    found = moments(recurrence, after, count)
    return [f"{to_local(recurrence.zone, moment):%a %m-%d %H:%M}" for moment in found]


@pytest.mark.parametrize(
    ("otherwise", "expected"),
    [
        ("skip", ["Tue 07-13 09:00", "Thu 07-15 09:00", "Fri 07-16 09:00", "Mon 07-19 09:00"]),
        ("forward", ["Tue 07-13 09:00", "Thu 07-15 09:00", "Fri 07-16 09:00", "Mon 07-19 09:00"]),
    ],
)
def test_a_daily_job_is_run_once_on_each_working_day(otherwise: str, expected: list[str]) -> None:
    daily = workdays(cron("0 9 * * *", tz=PARIS), FRANCE, otherwise=otherwise)

    assert local(daily, "2027-07-13", 4) == expected


@pytest.mark.parametrize(
    ("otherwise", "expected"),
    [
        ("skip", ["Thu 07-01 09:00", "Wed 09-01 09:00"]),
        ("forward", ["Thu 07-01 09:00", "Mon 08-02 09:00", "Wed 09-01 09:00"]),
        ("back", ["Thu 07-01 09:00", "Fri 07-30 09:00", "Wed 09-01 09:00"]),
    ],
)
def test_the_first_of_a_month_is_left_out_or_moved(otherwise: str, expected: list[str]) -> None:
    monthly = workdays(cron("0 9 1 * *", tz=PARIS), FRANCE, otherwise=otherwise)

    assert local(monthly, "2027-06-30", len(expected)) == expected


def test_what_is_moved_keeps_its_time_of_day_and_its_order() -> None:
    """Saturday at ten and Sunday at nine both go to Monday: nine comes first."""
    saturday_and_sunday = workdays(every_weekend(), work_calendar("plain"), otherwise="forward")

    assert local(saturday_and_sunday, "2027-06-04", 4) == [
        "Mon 06-07 09:00", "Mon 06-07 10:00", "Mon 06-14 09:00", "Mon 06-14 10:00",
    ]  # fmt: skip


def every_weekend() -> Recurrence:
    return recurrence_from_spec(
        {
            "kind": "union",
            "members": [
                {"kind": "cron", "expr": "0 10 * * sat", "tz": PARIS},
                {"kind": "cron", "expr": "0 9 * * sun", "tz": PARIS},
            ],
        }
    )


@pytest.mark.parametrize(
    ("nth", "expected"),
    [
        (1, ["Mon 05-03 09:30", "Tue 06-01 09:30", "Thu 07-01 09:30"]),
        (-1, ["Fri 04-30 09:30", "Mon 05-31 09:30", "Wed 06-30 09:30"]),
        (4, ["Fri 05-07 09:30", "Fri 06-04 09:30", "Tue 07-06 09:30"]),
    ],
)
def test_the_nth_working_day_of_each_month(nth: int, expected: list[str]) -> None:
    monthly = nth_workday(nth, "09:30", tz=PARIS, calendar=FRANCE)

    assert local(monthly, "2027-04-29", 3) == expected


def test_nothing_is_due_in_a_closed_time() -> None:
    closed = [("2027-06-01T10:00:00Z", "2027-06-01T12:00:00Z")]
    hourly = workdays(every("1h"), work_calendar("freeze", weekend=[], closed=closed))

    found = moments(hourly, datetime(2027, 6, 1, 8, 30, tzinfo=UTC), 3)

    assert [moment.hour for moment in found] == [9, 12, 13]


def test_a_long_closed_time_is_passed_by_at_once() -> None:
    closed = [
        ("2027-06-01T10:00:00Z", "2027-09-01T10:00:00Z"),
        ("2027-07-01T10:00:00Z", "2027-08-01T10:00:00Z"),
        ("2027-09-01T10:00:00Z", "2027-10-01T10:00:00Z"),
    ]
    steady = workdays(cron("* * * * * *"), work_calendar("freeze", weekend=[], closed=closed))

    assert steady.next(datetime(2027, 6, 1, 9, 59, 58, tzinfo=UTC)) == datetime(
        2027, 6, 1, 9, 59, 59, tzinfo=UTC
    )
    assert steady.next(datetime(2027, 6, 1, 9, 59, 59, tzinfo=UTC)) == datetime(
        2027, 10, 1, 10, tzinfo=UTC
    )


@given(
    st.lists(st.tuples(st.integers(0, 200), st.integers(1, 60)), max_size=6),
    st.sampled_from(["skip", "forward", "back"]),
)
def test_closed_times_leave_out_just_what_lies_in_them(
    spans: list[tuple[int, int]], otherwise: str
) -> None:
    hour = timedelta(hours=1)
    closed = [(NEW_YEAR + a * hour, NEW_YEAR + (a + b) * hour) for a, b in spans]
    source = every("3h")
    whole = moments(workdays(source, FRANCE, otherwise=otherwise), NEW_YEAR, 150)
    kept = work_calendar("x", holidays=list(FRANCE.holidays), closed=closed)

    found = moments(workdays(source, kept, otherwise=otherwise), NEW_YEAR, 80)

    open_ones = [m for m in whole if not any(begin <= m < end for begin, end in closed)]
    assert found == open_ones[:80]


@pytest.mark.parametrize(
    ("windows", "words"),
    [
        (0, ""),
        (2, ", but not from 2027-01-01T00:00:00Z until 2027-01-01T01:00:00Z nor from "
            "2027-01-02T00:00:00Z until 2027-01-02T01:00:00Z"),
        (4, ", but not in 4 closed times from 2027-01-01T00:00:00Z on"),
    ],
)  # fmt: skip
def test_closed_times_are_said(windows: int, words: str) -> None:
    begins = [NEW_YEAR + n * DAY for n in range(windows)]
    closed = [(begin, begin + timedelta(hours=1)) for begin in begins]
    free = work_calendar("x", weekend=[], closed=closed)
    usual = work_calendar("y", closed=closed)

    assert workdays(cron("@daily"), free).describe() == f"at 00:00 every day (UTC){words}"
    assert workdays(cron("@daily"), usual).describe() == (
        f"at 00:00 every day (UTC), on working days of y only{words}"
    )
    assert nth_workday(1, "09:00", tz="UTC", calendar=usual).describe().endswith(f"UTC){words}")


def test_a_holiday_of_a_schedule_of_every_second_is_passed_by_quickly() -> None:
    long = work_calendar("long", holidays=[date(2027, 1, 4) + n * DAY for n in range(200)])

    moment = workdays(cron("* * * * * *"), long).next(datetime(2027, 1, 2, tzinfo=UTC))

    assert moment is not None
    assert moment.date() == date(2027, 7, 23)


@pytest.mark.parametrize(
    "make",
    [
        lambda: workdays(cron("0 9 1 * *", tz=PARIS), FRANCE, otherwise="back"),
        lambda: nth_workday(-1, "17:00", tz=PARIS, calendar=FRANCE),
        lambda: workdays(
            every("1h"),
            work_calendar("x", closed=[("2027-06-01T10:00:00Z", "2027-06-02T10:00:00Z")]),
        ),
    ],
)
def test_its_stored_form_reads_back_the_same(make: object) -> None:
    made = make()  # type: ignore[operator]

    assert recurrence_from_spec(made.spec()) == made


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (lambda: work_calendar("x", holidays=["25.12.2027"]), "holidays"),
        (lambda: work_calendar("x", weekend=["caturday"]), "weekend"),
        (lambda: work_calendar("x", weekend=["mon", "tue", "wed", "thu", "fri", "sat", "sun"]),
         "weekend"),
        (lambda: work_calendar("x", closed=[("2027-06-02T10:00:00Z", "2027-06-01T10:00:00Z")]),
         "closed"),
        (lambda: work_calendar("x", holidays=["2027-01-01"] * 5_001), "holidays"),
        (lambda: workdays(cron("0 9 * * *"), FRANCE, otherwise="later"), "otherwise"),
        (lambda: workdays(cron("* * * * * *"), FRANCE, otherwise="forward"), "otherwise"),
        (lambda: workdays(cron("0 9 * * sat"), FRANCE), "calendar"),
        (lambda: workdays(every("5m", after_finish=True), FRANCE), "workdays"),
        (lambda: nth_workday(0, "09:00", tz=PARIS, calendar=FRANCE), "nth"),
        (lambda: nth_workday(16, "09:00", tz=PARIS, calendar=FRANCE), "nth"),
        (lambda: nth_workday(1, "nine", tz=PARIS, calendar=FRANCE), "at"),
        (lambda: nth_workday(1, "09:00", tz="Mars/Base", calendar=FRANCE), "tz"),
        (lambda: recurrence_from_spec({"kind": "workdays", "source": {}}), "calendar"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_field(wrong: object, field: str) -> None:
    with pytest.raises(InvalidRecurrence) as refused:
        wrong()  # type: ignore[operator]

    assert refused.value.field == field


def test_a_calendar_whose_holidays_run_out_warns() -> None:
    yearly = workdays(cron("0 9 1 1 *", tz=PARIS), FRANCE, otherwise="forward")

    assert yearly.warnings(datetime(2027, 6, 1, tzinfo=UTC)) == ()
    [warning] = [w for w in yearly.warnings(datetime(2028, 6, 1, tzinfo=UTC)) if "calendar" in w]
    assert "no holiday after 2028-01-01" in warning


@given(
    otherwise=st.sampled_from(["skip", "forward", "back"]),
    expression=st.sampled_from(["30 2 * * *", "0 0 1,15 * *", "15 */8 * * *", "0 9 * * sat"]),
    zone=st.sampled_from(["UTC", PARIS, "America/New_York", "Australia/Lord_Howe", "Africa/Cairo"]),
    holidays=st.lists(st.dates(date(2027, 1, 1), date(2027, 12, 31)), max_size=40),
    after=st.integers(0, 334 * 86_400).map(lambda n: NEW_YEAR + timedelta(seconds=n)),
)
def test_every_moment_is_later_on_a_working_day_and_given_once(
    otherwise: str, expression: str, zone: str, holidays: list[date], after: datetime
) -> None:
    calendar = work_calendar("any", weekend=["fri", "sun"], holidays=holidays)
    kept = workdays(cron(expression, tz=zone), calendar, otherwise=otherwise)

    found = moments(kept, after, 12)

    assert all(earlier < later for earlier, later in zip([after, *found], found, strict=False))
    assert all(calendar.is_worked(to_local(zone, moment).date()) for moment in found)
    for moment in found:
        assert kept.next(moment - timedelta(microseconds=1)) == moment


@given(
    holidays=st.lists(st.dates(date(2027, 3, 1), date(2027, 4, 30)), max_size=15),
    otherwise=st.sampled_from(["forward", "back"]),
)
def test_what_is_moved_is_every_moment_of_the_source_and_no_other(
    holidays: list[date], otherwise: str
) -> None:
    calendar = work_calendar("any", holidays=holidays)
    source = cron("30 9 * * *")
    begin, end = datetime(2027, 1, 4, tzinfo=UTC), datetime(2027, 6, 28, tzinfo=UTC)

    expected = sorted({moved(day, calendar, otherwise) for day in days(begin.date(), end.date())})
    kept = workdays(source, calendar, otherwise=otherwise)

    found = moments(kept, begin, 200)
    assert [moment for moment in found if moment < end] == [m for m in expected if m < end]


def days(begin: date, end: date) -> list[date]:
    return [begin + n * DAY for n in range((end - begin).days)]


def moved(day: date, calendar: WorkCalendar, otherwise: str) -> datetime:
    while not calendar.is_worked(day):
        day += DAY if otherwise == "forward" else -DAY
    return datetime.combine(day, time(9, 30), UTC)
