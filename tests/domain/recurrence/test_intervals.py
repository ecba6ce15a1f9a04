from __future__ import annotations

# ruff: noqa: DTZ001  naive times are among what is tried
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onbeat.domain.errors import InvalidRecurrence
from onbeat.domain.recurrence import (
    AfterFinish,
    CalendarInterval,
    Elapsed,
    every,
    moments,
    once,
    recurrence_from_spec,
)
from onbeat.domain.recurrence.recurrence import Recurrence

from .strategies import any_moments, zones

LAWS = settings(max_examples=200, deadline=None, derandomize=True)
NEW_YORK = ZoneInfo("America/New_York")
MICROSECOND = timedelta(microseconds=1)


def local(recurrence: Recurrence, after: datetime, zone: ZoneInfo, count: int = 3) -> list[str]:
    return [f"{m.astimezone(zone):%m-%d %H:%M}" for m in moments(recurrence, after, count)]


def test_i1_24_hours_move_the_clock_time_at_a_clock_change() -> None:
    anchor = datetime(2024, 3, 9, 9, tzinfo=NEW_YORK)

    found = local(every("24h", tz="America/New_York", anchor=anchor), anchor, NEW_YORK)

    assert found == ["03-10 10:00", "03-11 10:00", "03-12 10:00"]


def test_i2_a_day_keeps_the_clock_time_at_a_clock_change() -> None:
    anchor = datetime(2024, 3, 9, 9, tzinfo=NEW_YORK)

    found = local(every("P1D", tz="America/New_York", anchor=anchor), anchor, NEW_YORK)

    assert found == ["03-10 09:00", "03-11 09:00", "03-12 09:00"]


def test_i3_a_month_is_clipped_and_the_anchor_kept() -> None:
    anchor = datetime(2024, 1, 31, tzinfo=UTC)

    found = moments(every("1 month", anchor=anchor), anchor, 4)

    assert [f"{m:%d %b}" for m in found] == ["29 Feb", "31 Mar", "30 Apr", "31 May"]


def test_i4_a_stop_leaves_the_grid_as_it_was() -> None:
    recurrence = every("7m", anchor=datetime(2024, 1, 1, tzinfo=UTC))

    found = moments(recurrence, datetime(2024, 1, 1, 0, 52, 30, tzinfo=UTC), 3)

    assert [f"{m:%H:%M}" for m in found] == ["00:56", "01:03", "01:10"]


@pytest.mark.parametrize(
    ("interval", "tz", "kind"),
    [
        ("24h", "Europe/Paris", Elapsed),
        ("PT24H", "Europe/Paris", Elapsed),
        ("1d", None, Elapsed),
        ("P1D", None, Elapsed),
        (timedelta(days=1), "Europe/Paris", Elapsed),
        (90, None, Elapsed),
        (1.5, None, Elapsed),
        ("1d", "Europe/Paris", CalendarInterval),
        ("1 day", "Europe/Paris", CalendarInterval),
        ("2w", "Europe/Paris", CalendarInterval),
        ("P1W2D", "UTC", CalendarInterval),
        ("1 month", None, CalendarInterval),
        ("P1Y6M", None, CalendarInterval),
        ("2 years", "Europe/Paris", CalendarInterval),
    ],
)
def test_the_text_and_the_zone_decide_the_kind(
    interval: str | timedelta | float, tz: str | None, kind: type
) -> None:
    assert type(every(interval, tz=tz)) is kind


def test_a_year_and_six_months_are_eighteen_months() -> None:
    assert every("P1Y6M") == every("1 year 6 months") == every("18 months")


def test_a_calendar_interval_without_an_anchor_fires_at_local_midnight() -> None:
    found = moments(every("1d", tz="Asia/Kolkata"), datetime(2024, 5, 1, tzinfo=UTC), 1)

    assert found == [datetime(2024, 5, 1, 18, 30, tzinfo=UTC)]


def test_a_leap_day_anniversary_is_clipped_in_common_years() -> None:
    anchor = datetime(2024, 2, 29, tzinfo=UTC)

    found = moments(every("1 year", anchor=anchor), anchor, 4)

    assert [f"{m:%Y-%m-%d}" for m in found] == [
        "2025-02-28",
        "2026-02-28",
        "2027-02-28",
        "2028-02-29",
    ]


def test_the_grid_runs_both_ways_from_the_anchor() -> None:
    anchor = datetime(2030, 1, 31, 12, tzinfo=UTC)
    after = datetime(2024, 2, 1, tzinfo=UTC)

    assert every("1h", anchor=anchor).next(after) == datetime(2024, 2, 1, 1, tzinfo=UTC)
    assert every("1 month", anchor=anchor).next(after) == datetime(2024, 2, 29, 12, tzinfo=UTC)
    assert every("2d", tz="UTC", anchor=anchor).next(after) == datetime(2024, 2, 2, 12, tzinfo=UTC)


def test_a_delay_after_finish_counts_from_the_finish() -> None:
    recurrence = every("30s", after_finish=True)
    finished = datetime(2024, 1, 1, 0, 0, 7, tzinfo=UTC)

    assert isinstance(recurrence, AfterFinish)
    assert recurrence.after_finish == timedelta(seconds=30)
    assert recurrence.next(finished) == datetime(2024, 1, 1, 0, 0, 37, tzinfo=UTC)


def test_once_fires_once() -> None:
    at = datetime(2024, 1, 1, 9, tzinfo=NEW_YORK)

    recurrence = once("2024-01-01T09:00:00-05:00")

    assert recurrence == once(at)
    assert moments(recurrence, datetime(2023, 1, 1, tzinfo=UTC), 5) == [at]
    assert recurrence.next(at) is None


@pytest.mark.parametrize(
    "recurrence",
    [every("1h"), every("1d", tz="Europe/Paris"), every("1 month"), every("1h", after_finish=True)],
)
def test_moments_end_with_the_years_of_datetime(recurrence: Recurrence) -> None:
    assert recurrence.next(datetime(9999, 12, 31, 23, 30, tzinfo=UTC)) is None


def test_the_last_years_end_a_calendar_without_an_error() -> None:
    late = datetime(9998, 12, 15, tzinfo=UTC)

    assert every("100 years", tz="Europe/Paris").next(late) is None
    assert every("5217w", tz="Europe/Paris").next(late) is None


@LAWS
@given(zones, any_moments, any_moments, st.sampled_from(["day", "month"]), st.integers(1, 40))
def test_calendar_moments_are_next_of_the_instant_before_them(
    zone: str, anchor: datetime, after: datetime, unit: str, count: int
) -> None:
    recurrence = every(f"{count} {unit}", tz=zone, anchor=anchor)

    found = [after, *moments(recurrence, after, 4)]

    assert all(a < b for a, b in pairwise(found))
    assert all(recurrence.next(m - MICROSECOND) == m for m in found[1:])


@LAWS
@given(any_moments, any_moments, st.integers(1, 10**7))
def test_elapsed_moments_lie_on_the_grid(anchor: datetime, after: datetime, seconds: int) -> None:
    moment = every(seconds, anchor=anchor).next(after)

    assert moment is not None
    assert timedelta(0) < moment - after <= timedelta(seconds=seconds)
    assert (moment - anchor) % timedelta(seconds=seconds) == timedelta(0)


@LAWS
@given(zones, any_moments, st.sampled_from(["90s", "1d", "1 month", "3w", "1.5h"]))
def test_an_interval_reads_back_from_its_spec(zone: str, anchor: datetime, text: str) -> None:
    recurrence = every(text, tz=zone, anchor=anchor)

    assert recurrence_from_spec(recurrence.spec()) == recurrence


@pytest.mark.parametrize(
    ("interval", "options", "field", "words"),
    [
        ("0s", {}, "every", "shorter than 1 second"),
        (0.5, {}, "every", "shorter than 1 second"),
        (-5, {}, "every", "shorter than 1 second"),
        (timedelta(-1), {}, "every", "shorter than 1 second"),
        ("-5m", {}, "every", "negative"),
        ("101 years", {}, "every", "100 years"),
        ("0 months", {}, "every", "100 years"),
        ("40000d", {}, "every", "100 years"),
        (timedelta(days=40_000), {}, "every", "100 years"),
        (float("nan"), {}, "every", "number of seconds"),
        (float("inf"), {}, "every", "number of seconds"),
        (1e300, {}, "every", "number of seconds"),
        ("15", {}, "every", "15m"),
        ("soon", {}, "every", "write it like"),
        ("5 fortnights", {}, "every", "unknown unit"),
        ("1 month 3 days", {"tz": "UTC"}, "every", "mixes"),
        ("1h", {"tz": "Mars/Base"}, "tz", "known time zone"),
        ("1h", {"anchor": datetime(2024, 1, 1)}, "anchor", "time zone"),
        ("1 month", {"anchor": datetime(1, 1, 1, tzinfo=UTC)}, "anchor", "years"),
        ("1 month", {"after_finish": True}, "every", "elapsed"),
        ("1h", {"after_finish": True, "anchor": datetime(2024, 1, 1, tzinfo=UTC)}, "anchor", "out"),
    ],
)
def test_an_absurd_interval_is_refused(
    interval: str | timedelta | float, options: dict[str, object], field: str, words: str
) -> None:
    with pytest.raises(InvalidRecurrence) as refused:
        every(interval, **options)  # type: ignore[arg-type]  # wrong ones are the point

    assert refused.value.field == field
    assert words in str(refused.value)


def test_a_moment_past_the_years_of_datetime_is_refused() -> None:
    with pytest.raises(InvalidRecurrence, match=r"at: .* years 1 to 9999"):
        once("9999-12-31T23:00:00-05:00")


@pytest.mark.parametrize("at", ["2024-01-01", "tomorrow", datetime(2024, 1, 1)])
def test_a_moment_without_a_zone_is_refused(at: str | datetime) -> None:
    with pytest.raises(InvalidRecurrence) as refused:
        once(at)

    assert refused.value.field == "at"


def test_asking_from_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(InvalidRecurrence, match=r"after: .* no time zone"):
        every("1h").next(datetime(2024, 1, 1))
