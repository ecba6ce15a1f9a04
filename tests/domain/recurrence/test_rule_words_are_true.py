"""The words of an iCalendar rule, read back, name just the moments it is due at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import takewhile

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from onbeat.domain.errors import InvalidRecurrence
from onbeat.domain.recurrence import rrule
from onbeat.domain.recurrence.recurrence import following
from tests.domain.recurrence.rule_reader import read_rule_words

WEDNESDAY = datetime(2020, 1, 1)  # noqa: DTZ001 - as STARTS are
WEEKDAYS = st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"])
INTERVALS = {"MINUTELY": 500, "HOURLY": 30, "DAILY": 9, "WEEKLY": 5, "MONTHLY": 5, "YEARLY": 3}
STARTS = st.datetimes(datetime(2020, 1, 1), datetime(2026, 12, 31)).map(  # noqa: DTZ001 - as hypothesis wants them
    lambda at: at.replace(microsecond=0)
)


def some(low: int, high: int, *, signed: bool = False, most: int = 3) -> st.SearchStrategy[str]:
    numbers = st.integers(low, high)
    each = st.one_of(numbers, numbers.map(lambda n: -n)) if signed else numbers
    return st.lists(each, min_size=1, max_size=most, unique=True).map(
        lambda found: ",".join(map(str, found))
    )


@st.composite
def weekdays(draw: st.DrawFn, freq: str) -> str:
    most = {"MONTHLY": 5, "YEARLY": 10}.get(freq)
    places = st.one_of(st.just(""), some(1, most, signed=True, most=1)) if most else st.just("")
    found = draw(st.lists(WEEKDAYS, min_size=1, max_size=3, unique=True))
    return ",".join(f"{draw(places)}{day}" for day in found)


@st.composite
def rules(draw: st.DrawFn) -> str:
    freq = draw(st.sampled_from([*INTERVALS]))
    within_day = freq in {"MINUTELY", "HOURLY"}
    parts = {
        "INTERVAL": st.integers(1, INTERVALS[freq]).map(str),
        "WKST": WEEKDAYS,
        "BYDAY": weekdays(freq),
        "BYHOUR": some(0, 23),
        "BYMINUTE": some(0, 59),
    }
    if not within_day:
        parts |= {
            "BYMONTH": some(1, 12),
            "BYMONTHDAY": some(1, 31, signed=True),
            "BYSETPOS": some(1, 4, signed=True, most=2),
            "BYSECOND": st.integers(0, 59).map(str),
        }
    if freq == "YEARLY":
        parts |= {"BYYEARDAY": some(1, 366, signed=True), "BYWEEKNO": some(1, 53, signed=True)}
    chosen = draw(st.lists(st.sampled_from([*parts]), max_size=4, unique=True))
    return ";".join([f"FREQ={freq}", *(f"{name}={draw(parts[name])}" for name in chosen)])


@settings(max_examples=400, deadline=None, derandomize=True)
@given(rules(), STARTS, st.integers(-300, 1500))
@example("FREQ=MINUTELY;INTERVAL=7", WEDNESDAY.replace(second=5), 0)
@example("FREQ=DAILY;BYSECOND=0", WEDNESDAY.replace(second=5), 0)
@example("FREQ=DAILY;BYHOUR=6,18;BYSETPOS=1", WEDNESDAY, 0)
@example("FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=SU,MO", WEDNESDAY, 0)
@example("FREQ=WEEKLY;BYDAY=MO,WE;BYSETPOS=1", WEDNESDAY, 0)
@example("FREQ=YEARLY;WKST=TH;BYWEEKNO=1,-1", WEDNESDAY, 0)
def test_words_name_just_the_moments_that_are_due(rule: str, start: datetime, days: int) -> None:
    try:
        made = rrule(rule, start=start.replace(tzinfo=UTC))
    except InvalidRecurrence:
        assume(False)
    begin = start + timedelta(days=days)
    end = begin + timedelta(days=4 if "MINUTELY" in rule or "HOURLY" in rule else 500)

    found = read_rule_words(made.describe()).named(begin, end)

    after = following(made, begin.replace(tzinfo=UTC) - timedelta(microseconds=1))
    due = takewhile(lambda at: at < end, (at.replace(tzinfo=None) for at in after))
    assert found == list(due)
