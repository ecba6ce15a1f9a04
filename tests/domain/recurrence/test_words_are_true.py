"""The words of a recurrence, read back, name just the moments it is due at."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from onbeat.domain.recurrence import cron, every, moments
from tests.domain.recurrence.strategies import cron_or_none, expressions
from tests.domain.recurrence.word_reader import read_words

DAY = timedelta(days=1)
DATES = st.integers(0, 3300).map(lambda days: datetime(2024, 1, 1, tzinfo=UTC) + days * DAY)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(expressions(), DATES, st.sampled_from(["", "0 ", "15 ", "*/10 ", "0,30 ", "* "]))
@example("0 0 13 * FRI", datetime(2026, 2, 12, tzinfo=UTC), "")
@example("0 0 1W,L-3 * MON#2,5L", datetime(2026, 2, 1, tzinfo=UTC), "")
def test_words_name_just_the_moments_that_are_due(
    expression: str, begin: datetime, second: str
) -> None:
    recurrence = cron_or_none(second + expression)
    assume(recurrence is not None)
    assert recurrence is not None
    named, first = read_words(recurrence.describe()), recurrence.next(begin)
    assert first is not None
    for start in (begin, first.replace(hour=0, minute=0, second=0)):
        minutes = [start + timedelta(minutes=n) for n in range(24 * 60)]
        offset = timedelta(seconds=int(second) if second.strip().isdecimal() else 0)
        for at in (minute + offset for minute in minutes):
            assert named(at) == (recurrence.next(at - timedelta(seconds=1)) == at)
    for at in moments(recurrence, begin, 200):
        assert named(at)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(expressions(), DATES, st.sampled_from(["", "*/7 ", "*/10 ", "* "]))
@example("*/7 * * * *", datetime(2026, 2, 12, tzinfo=UTC), "")
@example("*/15 * * * *", datetime(2026, 2, 12, tzinfo=UTC), "*/10 ")
def test_every_so_many_is_said_only_where_all_gaps_are_that_long(
    expression: str, begin: datetime, second: str
) -> None:
    recurrence = cron_or_none(second + expression)
    assume(recurrence is not None)
    assert recurrence is not None
    said = re.fullmatch(r"every (\d+ )?(second|minute)s? \(UTC\)", recurrence.describe())
    gaps = {later - one for one, later in pairwise(moments(recurrence, begin, 300))}

    if said is not None:
        assert gaps == {timedelta(**{f"{said[2]}s": int(said[1] or 1)})}
    if expression.split()[1:] == ["*"] * 4 and len(gaps) == 1 and gaps < {timedelta(minutes=60)}:
        assert said is not None


@given(st.integers(1, 10**6), DATES)
def test_every_so_long_is_what_lies_between(seconds: int, begin: datetime) -> None:
    recurrence = every(seconds)
    one, later = moments(recurrence, begin, 2)

    assert recurrence.describe().startswith("every ")
    assert later - one == timedelta(seconds=seconds)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(expressions())
def test_a_step_that_is_warned_of_is_uneven_and_no_other(expression: str) -> None:
    minute = expression.split(maxsplit=1)[0]
    recurrence = cron(f"{minute} * * * *")
    gaps = {b - a for a, b in pairwise(moments(recurrence, datetime(2026, 1, 1, tzinfo=UTC), 150))}
    steps = [int(term.partition("/")[2]) for term in minute.split(",") if "/" in term]
    is_plain_step = re.fullmatch(r"\*/\d+", minute) is not None

    warned = any("is not every" in warning for warning in recurrence.warnings())

    if is_plain_step:
        assert warned == (len(gaps) > 1)
    assert not warned or any(60 % step for step in steps)
