"""What is wrong, absurd or made to do harm is refused by name, with little work and little memory.

Work is counted in moments asked for, and memory by tracemalloc: neither depends on the machine.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from onbeat.domain.errors import InvalidInput, InvalidRecurrence
from onbeat.domain.recurrence import (
    Recurrence,
    cron,
    every,
    exclusion,
    nth_workday,
    once,
    recurrence_from_spec,
    rrule,
    union,
    work_calendar,
    workdays,
)
from onbeat.domain.recurrence.combine import DEEPEST, MOST_EXCLUDED
from onbeat.domain.recurrence.recurrence import EPOCH, InUtc, OnGrid
from onbeat.domain.recurrence.workdays import MOST_LOOKS
from onbeat.domain.schedules import check_window

HUGE = 1_000_000
ENOUGH = 2_000_000
"""Bytes: twice what the largest of these inputs takes by itself."""
BEGIN = datetime(2027, 1, 1, tzinfo=UTC)
FR = work_calendar("fr")


def nested(depth: int) -> dict[str, object]:
    inner: dict[str, object] = {"kind": "every", "every": "1h"}
    for _ in range(depth):
        inner = {"kind": "union", "members": [inner]}
    return inner


def within(depth: int, around: Callable[[Recurrence], Recurrence]) -> Recurrence:
    """A recurrence within others, so many deep."""
    made: Recurrence = every("1h")
    for _ in range(depth - 1):
        made = around(made)
    return made


def wide(depth: int) -> Recurrence:
    return within(depth, lambda inner: union(*[inner] * 32))


REFUSED: list[tuple[Callable[[], Any], str, str]] = [
    (lambda: cron("0-59/1," * 10_000 + "0 * * * *"), "cron", "at most 256 characters"),
    (lambda: cron("9" * HUGE + " * * * *"), "cron", "at most 256 characters"),
    (lambda: cron(" " * HUGE + "* * * * *"), "cron", "at most 256 characters"),
    (lambda: cron("9" * 200 + " * * * *"), "cron", "write 0 to 59"),
    (lambda: cron("*/" + "9" * 200 + " * * * *"), "cron", "no step"),
    (lambda: cron("\0 * * * *"), "cron", "not known"),
    (lambda: cron("* * * * *", tz="X" * HUGE), "tz", "IANA name"),
    (lambda: cron("* * * * *", tz="Europe\0Paris"), "tz", "Europe/Paris"),
    (lambda: cron("* * * * *", tz="\ud800"), "tz", "IANA name"),
    (lambda: cron("* * * * *", gap="X" * HUGE), "gap", "after, skip or shift"),  # type: ignore[arg-type]
    (lambda: cron("* * * * *", day_match="X" * HUGE), "day_match", "'and' or 'or'"),  # type: ignore[arg-type]
    (lambda: every("0s"), "every", "use 1s or more"),
    (lambda: every("-5m"), "every", "negative"),
    (lambda: every("0 days"), "every", "use 1s or more"),
    (lambda: every("0d", tz="Europe/Paris"), "every", "1 day to 100 years"),
    (lambda: every("10000 years"), "every", "1 day to 100 years"),
    (lambda: every("P999999Y"), "every", "1 day to 100 years"),
    (lambda: every("999999999d"), "every", "longer than 100 years"),
    (lambda: every("1 microsecond"), "every", "unknown unit"),
    (lambda: every("0.000001s"), "every", "shorter than 1 second"),
    (lambda: every(timedelta(microseconds=1)), "every", "shorter than 1 second"),
    (lambda: every(timedelta.max), "every", "longer than 100 years"),
    (lambda: every(timedelta.min), "every", "shorter than 1 second"),
    (lambda: every("1h" * HUGE), "every", "shorten it"),
    (lambda: every("9" * HUGE + "s"), "every", "shorten it"),
    (lambda: every(0), "every", "shorter than 1 second"),
    (lambda: every(-1), "every", "shorter than 1 second"),
    (lambda: every(float("nan")), "every", "not a number of seconds"),
    (lambda: every(float("inf")), "every", "not a number of seconds"),
    (lambda: every(10**400), "every", "not a number of seconds"),
    (lambda: every(True), "every", "not a number of seconds"),
    (lambda: every("1h", anchor="soon"), "anchor", "ISO 8601"),  # type: ignore[arg-type]
    (lambda: rrule("X" * HUGE), "rrule", "512 characters"),
    (lambda: rrule("FREQ=DAILY;COUNT=999999999", start=BEGIN), "rrule", "1 to 10000"),
    (lambda: rrule("FREQ=DAILY;COUNT=" + "9" * 400, start=BEGIN), "rrule", "not readable"),
    (lambda: rrule("FREQ=DAILY;INTERVAL=999999999"), "rrule", "100 years"),
    (lambda: rrule("FREQ=DAILY;BYSETPOS=999"), "rrule", "use 1 to 366"),
    (lambda: rrule("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=366"), "rrule", "never fires"),
    (lambda: rrule("FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=1"), "rrule", "never fires"),
    (lambda: rrule("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"), "rrule", "never fires"),
    (lambda: rrule("FREQ=YEARLY;BYYEARDAY=366;BYMONTH=1"), "rrule", "never fires"),
    (lambda: rrule("FREQ=DAILY", start="soon"), "start", "ISO 8601"),  # type: ignore[arg-type]
    (lambda: once("9" * HUGE), "at", "ISO 8601"),
    (lambda: union(*[every("1h")] * 1_000), "union", "1 to 32"),
    (lambda: recurrence_from_spec(nested(1_000)), ".".join(["members.0"] * 8),
     "flatten it"),
    (lambda: within(9, union), "union", "at most 8 within each other"),
    (lambda: within(9, lambda inner: exclusion(union(inner), once(EPOCH))), "exclusion", "at most"),
    (lambda: within(9, lambda inner: workdays(inner, FR)), "workdays", "at most 8"),
    (lambda: wide(4), "union", "1,024 in all"),
    (lambda: recurrence_from_spec({"kind": "X" * HUGE}), "kind", "is not known"),
    (lambda: recurrence_from_spec({"kind": "cron", "expr": ["X" * 10_000]}), "expr", "not text"),
    (lambda: nth_workday(10**100, "09:00", tz="UTC", calendar=FR), "nth", "1 to 15"),
    (lambda: work_calendar("x", holidays=["2027-01-01"] * 6_000), "holidays", "at most 5,000"),
    (lambda: work_calendar("x", closed=[("2027-01-02T00:00Z", "2027-01-01T00:00Z")]),
     "closed", "is not after"),
    (lambda: check_window(BEGIN, BEGIN - timedelta(days=1), None), "end", "is before start"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "named", "words"), REFUSED, ids=[words for *_, words in REFUSED])
def test_it_is_refused_by_name_with_a_short_reason_and_little_memory(
    make: Callable[[], Any], named: str, words: str
) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(InvalidInput) as refused:
            make()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert refused.value.field == named
    assert words in str(refused.value)
    assert len(str(refused.value)) < 600
    assert peak < ENOUGH + HUGE


@dataclass(frozen=True)
class Counting(OnGrid, InUtc):
    """Every second, and how often it was asked; beyond a limit it has no patience left."""

    most: int
    asked: list[datetime] = field(default_factory=list, hash=False)

    def next(self, after: datetime) -> datetime | None:
        self.asked.append(after)
        assert len(self.asked) <= self.most
        return every(1).next(after)

    def describe(self) -> str:
        return "every second"

    def warnings(self, since: datetime | None = None) -> tuple[str, ...]:
        return ()

    def spec(self) -> dict[str, object]:
        return {}


def test_an_exclusion_of_everything_is_refused_after_so_many_moments() -> None:
    source, excluded = Counting(most=MOST_EXCLUDED + 9), Counting(most=MOST_EXCLUDED + 9)

    with pytest.raises(InvalidRecurrence, match="exclusion: it would never fire"):
        exclusion(source, excluded)

    assert len(source.asked) > MOST_EXCLUDED // 2


def test_a_calendar_that_closes_all_the_time_is_refused_after_so_many_moments() -> None:
    calendar = work_calendar("x", closed=[("0002-01-01T00:00Z", "9998-01-01T00:00Z")])

    with pytest.raises(InvalidRecurrence, match="calendar: it would never fire"):
        workdays(
            cron("0 9 * * 1-5"), work_calendar("y", weekend=["mon", "tue", "wed", "thu", "fri"])
        )
    with pytest.raises(InvalidRecurrence, match="calendar: it would never fire"):
        workdays(once("2027-01-01T00:00Z"), calendar)
    assert workdays(Counting(most=MOST_LOOKS), calendar).next(EPOCH) is not None


@pytest.mark.parametrize("depth", range(2, DEEPEST + 1))
def test_what_can_be_made_can_be_read_back(depth: int) -> None:
    made = within(depth, lambda inner: workdays(inner, FR) if depth % 2 else union(inner))

    assert recurrence_from_spec(made.spec()) == made


NAMES = (
    "BYMONTH",
    "BYMONTHDAY",
    "BYYEARDAY",
    "BYWEEKNO",
    "BYSETPOS",
    "BYHOUR",
    "BYMINUTE",
    "BYDAY",
)
PARTS = st.dictionaries(
    st.sampled_from(NAMES),
    st.lists(st.one_of(st.integers(-9, 60), st.integers(-400, 400)), min_size=1, max_size=3),
    max_size=3,
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.sampled_from(["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY"]),
    st.sampled_from([1, 2, 7, 60, 100]),
    PARTS,
)
def test_any_rule_is_read_or_refused_as_a_recurrence(
    freq: str, interval: int, parts: dict[str, list[int]]
) -> None:
    text = f"FREQ={freq};INTERVAL={interval}"
    for name, numbers in parts.items():
        values = [f"{n}MO" if name == "BYDAY" else str(n) for n in numbers]
        text += f";{name}={','.join(values)}"
    made = None
    with suppress(InvalidRecurrence):
        made = rrule(text, tz="Europe/Paris")
    assume(made is not None)
    assert made is not None

    moment = made.next(BEGIN)
    assert moment is None or moment > BEGIN


@pytest.mark.parametrize("day", ["38MO", "53SU", "+38TU"])
def test_a_weekday_that_no_month_has_so_often_is_refused(day: str) -> None:
    with pytest.raises(InvalidRecurrence, match="no month has so many"):
        rrule(f"FREQ=YEARLY;BYMONTH=5;BYMONTHDAY=1;BYDAY={day}", tz="UTC")
