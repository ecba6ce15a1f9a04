from __future__ import annotations

# ruff: noqa: DTZ001  naive times are among what is tried
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from onbeat.domain.recurrence import Cron, cron, moments, recurrence_from_spec
from onbeat.domain.recurrence.local_time import CALENDAR_CHANGE, Fold, Gap
from onbeat.domain.recurrence.zones import changes_in

from .strategies import (
    ALL_ZONES,
    any_moments,
    cron_or_none,
    expressions,
    folds,
    gaps,
    moments_in,
    zones,
)

LAWS = settings(max_examples=300, deadline=None, derandomize=True)
MICROSECOND = timedelta(microseconds=1)


@st.composite
def crons(draw: st.DrawFn, *, fixed: bool = False) -> tuple[Cron, datetime]:
    zone = draw(zones)
    made = cron_or_none(draw(expressions(fixed=fixed)), zone, draw(gaps), draw(folds))
    assume(made is not None)
    assert made is not None
    return made, draw(st.one_of(moments_in(zone), any_moments))


@LAWS
@given(crons())
def test_moments_are_strictly_later_and_in_order(case: tuple[Cron, datetime]) -> None:
    recurrence, after = case

    found = [after, *moments(recurrence, after, 8)]

    assert all(one < other for one, other in pairwise(found))


@LAWS
@given(crons())
def test_a_moment_is_next_of_the_instant_just_before_it(case: tuple[Cron, datetime]) -> None:
    recurrence, after = case

    for moment in moments(recurrence, after, 3):
        assert recurrence.next(moment - MICROSECOND) == moment


@LAWS
@given(crons(), st.integers(0, 100_000))
def test_no_moment_lies_between_an_instant_and_its_next(
    case: tuple[Cron, datetime], part: int
) -> None:
    recurrence, after = case
    moment = recurrence.next(after)
    assert moment is not None

    between = after + (moment - after - MICROSECOND) * (part / 100_000)

    assert recurrence.next(between) == moment


@LAWS
@given(crons())
def test_a_moment_matches_the_local_fields_or_makes_up_for_a_gap(
    case: tuple[Cron, datetime],
) -> None:
    recurrence, after = case
    info = ZoneInfo(recurrence.zone)

    for moment in moments(recurrence, after, 4):
        local = moment.astimezone(info).replace(tzinfo=None)
        assert recurrence.timetable.at_or_after(local) == local or _after_gap(recurrence, moment)


def _after_gap(recurrence: Cron, moment: datetime) -> bool:
    """Whether a local time that a clock change removed comes to `moment` under the policy."""
    at = moment.replace(tzinfo=None)
    for change in changes_in(recurrence.zone, moment.year):
        before = change.offset - change.opening
        missing = recurrence.timetable.at_or_after(change.start + before)
        gone = missing is not None and missing < change.start + change.offset
        ended = at == change.start and recurrence.policy.gap == "after"
        shifted = (
            recurrence.policy.gap == "shift"
            and recurrence.timetable.at_or_after(at + before) == at + before
        )
        if gone and change.opening < CALENDAR_CHANGE and (ended or shifted):
            return True

    return False


@LAWS
@given(crons())
def test_a_spec_reads_back_as_an_equal_recurrence(case: tuple[Cron, datetime]) -> None:
    recurrence, after = case

    again = recurrence_from_spec(recurrence.spec())

    assert again == recurrence
    assert again.next(after) == recurrence.next(after)


@LAWS
@given(expressions(), any_moments, st.integers(-20, 20))
def test_utc_repeats_with_the_gregorian_cycle(
    expression: str, after: datetime, cycles: int
) -> None:
    recurrence = cron_or_none(expression)
    assume(recurrence is not None and 1 < after.year + 400 * cycles < 9000)
    assert recurrence is not None
    shift = timedelta(days=146_097) * cycles

    assert recurrence.next(after + shift) == (recurrence.next(after) or after) + shift


def test_a_fixed_time_fires_once_a_day_in_every_zone() -> None:
    """Days a calendar change removed have no such time; every other has it exactly once."""
    wrong = {
        (zone, hour, minute): found
        for zone in ALL_ZONES
        for hour, minute, year in ((0, 0, 2018), (2, 15, 2011), (23, 45, 1996))
        if (found := _fired(zone, hour, minute, year)) != _days_with(zone, hour, minute, year)
    }

    assert wrong == {}


def _fired(zone: str, hour: int, minute: int, year: int) -> int:
    recurrence = cron(f"{minute} {hour} * * *", tz=zone)
    found = moments(recurrence, _local(zone, year), 370)
    return sum(moment < _local(zone, year + 1) for moment in found)


def _days_with(zone: str, hour: int, minute: int, year: int) -> int:
    days = (datetime(year + 1, 1, 1) - datetime(year, 1, 1)).days
    for change in changes_in(zone, year):
        begin, end = change.start + change.offset - change.opening, change.start + change.offset
        time = begin.replace(hour=hour, minute=minute, second=0)
        time += timedelta(days=1) if time < begin else timedelta(0)
        days -= change.opening >= CALENDAR_CHANGE and time < end

    return days


def _local(zone: str, year: int) -> datetime:
    return datetime(year, 1, 1, tzinfo=ZoneInfo(zone)).astimezone(UTC) - MICROSECOND


@LAWS
@given(crons(fixed=True))
def test_both_is_first_and_second_together(case: tuple[Cron, datetime]) -> None:
    recurrence, after = case
    found: dict[Fold, set[datetime]] = {
        fold: _within_days(recurrence, after, fold) for fold in ("first", "second", "both")
    }

    assert found["both"] == found["first"] | found["second"]


def _within_days(recurrence: Cron, after: datetime, fold: Fold) -> set[datetime]:
    gap: Gap = recurrence.changes.gap
    again = cron(recurrence.expression, tz=recurrence.zone, gap=gap, fold=fold)
    end = after + timedelta(days=5)
    return {moment for moment in moments(again, after, 20) if moment < end}
