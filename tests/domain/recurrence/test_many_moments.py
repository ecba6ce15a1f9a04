"""Many moments at once are those that are asked for one after the other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onbeat.domain.recurrence import (
    Recurrence,
    cron,
    every,
    exclusion,
    moments,
    once,
    rrule,
    union,
    work_calendar,
    workdays,
)
from tests.domain.recurrence.test_bad_input import Counting

PARIS = "Europe/Paris"
FR = work_calendar(
    "fr",
    holidays=["2027-01-01", "2027-05-06"],
    closed=[("2027-03-01T00:00Z", "2027-03-09T00:00Z")],
)
SIMPLE: tuple[Recurrence, ...] = (
    cron("*/20 9-11 * * *", tz=PARIS),
    cron("30 2 * * *", tz=PARIS, fold="both"),
    cron("0 9 1 * sat", tz=PARIS),
    every("7h"),
    every("1d", tz=PARIS),
    rrule("FREQ=WEEKLY;BYDAY=FR,SA;BYHOUR=9", tz=PARIS),
    once("2027-03-29T01:00:00Z"),
)
BEGINS = st.datetimes(datetime(2027, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - as hypothesis wants them


def combined(inner: st.SearchStrategy[Recurrence]) -> st.SearchStrategy[Recurrence]:
    rules = st.sampled_from(["skip", "forward", "back"])
    return st.one_of(
        st.lists(inner, min_size=1, max_size=4).map(lambda members: union(*members)),
        inner.map(lambda each: exclusion(each, cron("20 9 * * *", tz=PARIS))),
        st.tuples(inner, rules).map(lambda each: workdays(each[0], FR, otherwise=each[1])),
    )


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.recursive(st.sampled_from(SIMPLE), combined, max_leaves=5), BEGINS)
def test_many_are_those_that_come_one_after_the_other(made: Recurrence, begin: datetime) -> None:
    found = moments(made, begin, 60)

    assert all(one < other for one, other in pairwise([begin, *found]))
    for before, moment in pairwise([begin, *found]):
        assert made.next(before) == moment
    assert len(found) == 60 or made.next(found[-1] if found else begin) is None


def test_a_member_of_a_union_is_asked_for_its_own_moments_alone() -> None:
    rare = [every(3_600 * n) for n in range(1, 31)]
    member = Counting(most=120)

    found = moments(union(member, *rare), datetime(2027, 1, 1, tzinfo=UTC), 100)

    assert found[-1] == datetime(2027, 1, 1, tzinfo=UTC) + timedelta(seconds=100)
    assert len(member.asked) <= 101


@pytest.mark.parametrize("otherwise", ["forward", "back"])
def test_a_working_day_is_gathered_once_for_all_its_moments(otherwise: str) -> None:
    steady = workdays(cron("* * * * *"), work_calendar("plain"), otherwise=otherwise)

    found = moments(steady, datetime(2027, 1, 1, tzinfo=UTC), 10_000)

    assert len(found) == 10_000
    assert len(set(found)) == 10_000
