from __future__ import annotations

# ruff: noqa: DTZ001  naive times are among what is tried
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from onbeat.domain.recurrence.zones import changes_in, stretch_at, to_local

from .strategies import ALL_ZONES, any_moments, moments_in, zones

STEP = timedelta(hours=6)
far_moments = st.datetimes(datetime(2490, 1, 1), datetime(9990, 1, 1))
LAWS = settings(max_examples=500, deadline=None, derandomize=True)


@LAWS
@given(zones.flatmap(lambda zone: st.tuples(st.just(zone), moments_in(zone, 1850, 2100))))
def test_a_stretch_has_the_offset_that_holds_throughout(case: tuple[str, datetime]) -> None:
    zone, moment = case
    at = moment.replace(tzinfo=None)

    stretch = stretch_at(zone, at)

    assert stretch.start <= at < stretch.end
    assert stretch.offset == moment.astimezone(ZoneInfo(zone)).utcoffset()


@LAWS
@given(zones, any_moments)
def test_local_time_is_what_zoneinfo_says(zone: str, moment: datetime) -> None:
    assert to_local(zone, moment) == moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


@LAWS
@given(zones.flatmap(lambda zone: st.tuples(st.just(zone), far_moments)))
def test_in_far_years_a_stretch_is_that_of_400_years_before(case: tuple[str, datetime]) -> None:
    zone, at = case

    stretch = stretch_at(zone, at)

    assert stretch.start <= at < stretch.end
    assert stretch.offset == at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).utcoffset()


def test_far_changes_are_those_that_zoneinfo_makes() -> None:
    missed = {
        (zone, year)
        for zone in ALL_ZONES[::8]
        for year in (2499, 2500, 2900, 5000, 9000)
        if _in_small_steps(zone, year) != [_step_of(c.start) for c in changes_in(zone, year)]
    }

    assert missed == set()


def test_probing_in_small_steps_finds_no_change_that_was_missed() -> None:
    """The probe is days wide: were two changes ever to lie within one, this would tell."""
    missed = {
        (zone, year)
        for zone in ALL_ZONES[::4]
        for year in (1919, 1939, 2000, 2011, 2024, 2040)
        if _in_small_steps(zone, year) != [_step_of(c.start) for c in changes_in(zone, year)]
    }

    assert missed == set()


def _in_small_steps(zone: str, year: int) -> list[int]:
    """The steps of six hours within which the offset becomes another."""
    info, start = ZoneInfo(zone), datetime(year, 1, 1, tzinfo=UTC)
    offsets = [(start + n * STEP).astimezone(info).utcoffset() for n in range(4 * 365 + 1)]
    return [n for n, (one, other) in enumerate(pairwise(offsets)) if one != other]


def _step_of(change: datetime) -> int:
    return (change - datetime(change.year, 1, 1) - timedelta(microseconds=1)) // STEP
