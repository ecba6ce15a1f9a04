"""iCalendar files read as holidays and closed times."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar, Event

from onbeat.domain.errors import InvalidRecurrence
from onbeat.domain.recurrence import cron, moments, work_calendar, workdays
from onbeat.domain.recurrence.ics import MOST_EVENTS, MOST_RULES, read_ics
from onbeat.domain.recurrence.recurrence import stamp

CHRISTMAS = ("SUMMARY:Christmas", "DTSTART;VALUE=DATE:20261225")
FREEZE = ("SUMMARY:Freeze", "DTSTART:20261220T180000Z")


def file(*events: tuple[str, ...], head: tuple[str, ...] = ()) -> str:
    """An iCalendar file with these events."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:test", *head]
    for event in events:
        lines += ["BEGIN:VEVENT", *event, "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""])


def days(*events: tuple[str, ...]) -> list[str]:
    return [day.isoformat() for day in read_ics(file(*events)).holidays]


def times(*events: tuple[str, ...], head: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    return [(stamp(begin), stamp(end)) for begin, end in read_ics(file(*events, head=head)).closed]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((), ["2026-12-25"]),
        (("DTEND;VALUE=DATE:20261226",), ["2026-12-25"]),
        (("DTEND;VALUE=DATE:20261225",), ["2026-12-25"]),
        (("DTEND;VALUE=DATE:20261228",), ["2026-12-25", "2026-12-26", "2026-12-27"]),
        (("DURATION:P2D",), ["2026-12-25", "2026-12-26"]),
        (("DURATION:P1W",), [f"2026-12-{day}" for day in range(25, 32)]),
        (("RRULE:FREQ=YEARLY;COUNT=3",), ["2026-12-25", "2027-12-25", "2028-12-25"]),
        (("RRULE:FREQ=YEARLY;UNTIL=20271225",), ["2026-12-25", "2027-12-25"]),
        (("RRULE:FREQ=YEARLY;UNTIL=20271225T000000Z",), ["2026-12-25", "2027-12-25"]),
        (
            ("RRULE:FREQ=YEARLY;COUNT=4", "EXDATE;VALUE=DATE:20271225", "EXDATE:20281225T000000Z"),
            ["2026-12-25", "2029-12-25"],
        ),
        (("RDATE;VALUE=DATE:20270106,20280106",), ["2026-12-25", "2027-01-06", "2028-01-06"]),
        (
            ("RRULE:FREQ=YEARLY;COUNT=2", "DURATION:P2D"),
            ["2026-12-25", "2026-12-26", "2027-12-25", "2027-12-26"],
        ),
        (("STATUS:CONFIRMED", "TRANSP:TRANSPARENT"), ["2026-12-25"]),
    ],
)
def test_an_event_of_whole_days_is_holidays(lines: tuple[str, ...], expected: list[str]) -> None:
    assert days((*CHRISTMAS, *lines)) == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("DTEND:20261220T200000Z",), [("2026-12-20T18:00:00Z", "2026-12-20T20:00:00Z")]),
        (("DURATION:P1DT2H",), [("2026-12-20T18:00:00Z", "2026-12-21T20:00:00Z")]),
        (
            ("DTEND;TZID=Europe/Paris:20270103T080000",),
            [("2026-12-20T18:00:00Z", "2027-01-03T07:00:00Z")],
        ),
        ((), []),
        (
            ("DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=3", "EXDATE:20261227T180000Z"),
            [
                ("2026-12-20T18:00:00Z", "2026-12-20T19:00:00Z"),
                ("2027-01-03T18:00:00Z", "2027-01-03T19:00:00Z"),
            ],
        ),
    ],
)
def test_an_event_with_a_time_of_day_is_a_closed_time(
    lines: tuple[str, ...], expected: list[tuple[str, str]]
) -> None:
    assert times((*FREEZE, *lines)) == expected


@pytest.mark.parametrize("zone", ["Europe/Paris", '"Romance Standard Time"'])
def test_a_repeated_time_keeps_to_the_clock_of_its_zone(zone: str) -> None:
    begin = f"DTSTART;TZID={zone}:20261018T100000"

    found = times((begin, "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=2"))

    assert [start for start, _ in found] == ["2026-10-18T08:00:00Z", "2026-10-25T09:00:00Z"]


def test_a_time_without_a_zone_has_that_of_its_file() -> None:
    event = ("DTSTART:20260701T100000", "DURATION:PT1H")

    found = times(event, head=("X-WR-TIMEZONE:Asia/Tokyo",))

    assert found == [("2026-07-01T01:00:00Z", "2026-07-01T02:00:00Z")]


def test_one_of_a_series_that_was_moved_or_called_off_is_not_where_it_was() -> None:
    series = ("UID:1", *CHRISTMAS, "RRULE:FREQ=YEARLY;COUNT=3")
    moved = ("UID:1", "RECURRENCE-ID;VALUE=DATE:20271225", "DTSTART;VALUE=DATE:20271227")
    day = "VALUE=DATE:20281225"
    off = ("UID:1", f"RECURRENCE-ID;{day}", f"DTSTART;{day}", "STATUS:CANCELLED")

    assert days(series, moved, off, ("UID:2", *CHRISTMAS)) == ["2026-12-25", "2027-12-27"]


def test_folded_lines_and_a_byte_order_mark_are_read() -> None:
    text = "\ufeff" + file(("SUMMARY:A day\r\n  off", "DTSTART;VALUE=DA\r\n TE:20261225"))

    assert read_ics(text).holidays == (date(2026, 12, 25),)


def test_what_repeats_without_an_end_is_kept_from_2000_to_2100() -> None:
    found = days(("DTSTART;VALUE=DATE:16010101", "RRULE:FREQ=YEARLY"))

    assert (found[0], found[-1], len(found)) == ("2000-01-01", "2100-01-01", 101)


def test_a_calendar_has_the_days_and_times_of_its_file_beside_its_own() -> None:
    text = file(CHRISTMAS, (*FREEZE, "DTEND:20261224T000000Z"))
    calendar = work_calendar("fr", holidays=["2026-12-28"], ics=text)
    daily = workdays(cron("0 9 * * *"), calendar)

    found = moments(daily, datetime(2026, 12, 18, 12, tzinfo=UTC), 3)

    assert [moment.day for moment in found] == [24, 29, 30]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.integers(1, 9)), min_size=1)
)
def test_days_written_by_icalendar_are_the_days_read(spans: list[tuple[date, int]]) -> None:
    calendar = Calendar()
    for first, length in spans:
        event = Event()
        event.add("dtstart", first)
        event.add("dtend", first + timedelta(days=length))
        calendar.add_component(event)

    found = read_ics(calendar.to_ical().decode()).holidays

    expected = {first + timedelta(days=n) for first, length in spans for n in range(length)}
    assert found == tuple(sorted(expected))


REFUSED = [
    ("", "there is no VEVENT"),
    ("hello", "not an iCalendar file"),
    (5, "not text"),
    ("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", "there is no VEVENT"),
    ("BEGIN:VCARD\r\nEND:VCARD\r\n", "there is no VEVENT"),
    ("x" * 1_000_001, "1,000,000 characters"),
    (file(("SUMMARY:Odd",)), "the event 'Odd' has no DTSTART"),
    (file(("SUMMARY:Odd", "DTSTART:2026")), "the event 'Odd': DTSTART cannot be read"),
    (file(("DTSTART:20260101T000000",)), "it has no zone; write TZID=Europe/Paris"),
    (file(("DTSTART;TZID=Mars:20260101T000000",)), "its zone 'Mars' is not known"),
    (file((*CHRISTMAS, "DTEND:20261226T000000Z")), "not both days or both times"),
    (file((*CHRISTMAS, "DTEND;VALUE=DATE:20261224")), "lasts -1 day"),
    (file((*CHRISTMAS, "DURATION:PT5H")), "whole days"),
    (file((*CHRISTMAS, "DTEND;VALUE=DATE:80001224")), "give it a DTEND"),
    (file((*FREEZE, "DTEND:20261220T170000Z")), "give it a DTEND"),
    (file(("DTSTART;VALUE=DATE:99991231",)), "years 1000 to 9000"),
    (file((*CHRISTMAS, "RRULE:FREQ=DAILY")), "'Christmas' repeats too often; give its rule an"),
    (file((*FREEZE, "RRULE:FREQ=MINUTELY")), "repeats too often"),
    (file((*CHRISTMAS, "RRULE:FREQ=SECONDLY")), "'Christmas': rrule: FREQ=SECONDLY"),
    (file((*CHRISTMAS, "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30")), "never fires"),
    (file((*CHRISTMAS, "RDATE;VALUE=PERIOD:20270101T000000Z/PT1H")), "is not a date or time"),
    (file(*[CHRISTMAS] * (MOST_EVENTS + 1)), "at most 5,000 are read"),
    (file(*[(*CHRISTMAS, "RRULE:FREQ=YEARLY")] * (MOST_RULES + 1)), "at most 500 are read"),
]


@pytest.mark.parametrize(("text", "words"), REFUSED, ids=[words for _, words in REFUSED])
def test_a_file_that_is_wrong_or_too_large_is_refused_with_the_event_and_the_remedy(
    text: str, words: str
) -> None:
    with pytest.raises(InvalidRecurrence) as refused:
        work_calendar("x", ics=text)

    assert refused.value.field == "ics"
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_more_times_than_a_calendar_keeps_are_refused() -> None:
    weekly = (*FREEZE, "DURATION:PT1H", "RRULE:FREQ=WEEKLY")

    with pytest.raises(InvalidRecurrence, match="at most 1,000 are kept"):
        work_calendar("x", ics=file(weekly))


def test_without_icalendar_the_extra_is_named() -> None:
    code = (
        "import sys; sys.modules['icalendar'] = None\n"
        "from onbeat import work_calendar; work_calendar('x', holidays=['2027-01-01'])\n"
        "work_calendar('x', ics='BEGIN:VCALENDAR')"
    )

    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )

    assert "pip install 'onbeat[ics]'" in ended.stderr.splitlines()[-1]
