"""Silences that come again: when they hold, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from onbeat.domain.errors import InvalidInput, OnbeatError
from onbeat.domain.recurrence import cron
from onbeat.domain.silences import (
    FARTHEST,
    LONGEST,
    Matcher,
    Silence,
    Windows,
    read_each,
    read_silence,
    read_windows,
)

NOW = datetime(2027, 1, 4, 8, tzinfo=UTC)
SUNDAYS = Windows(cron="0 2 * * sun", tz="Europe/Paris", lasts="2h")
EVERYTHING = Matcher()


def silence(windows: Windows = SUNDAYS, lasts: timedelta = FARTHEST) -> Silence:
    """One from now on."""
    return Silence(id="1", matcher=EVERYTHING, reason="r", begins_at=NOW, ends_at=NOW + lasts,
                   by="ann", created_at=NOW, windows=windows)  # fmt: skip


@pytest.mark.parametrize(
    ("moment", "holds"),
    [
        ("2027-01-10T00:59:59Z", False),
        ("2027-01-10T01:00:00Z", True),
        ("2027-01-10T02:59:59Z", True),
        ("2027-01-10T03:00:00Z", False),
        ("2027-01-11T01:30:00Z", False),
        ("2027-07-11T00:00:00Z", True),
        ("2027-07-11T02:00:00Z", False),
        ("2027-01-03T01:30:00Z", False),
        ("2028-01-09T01:30:00Z", False),
    ],
)
def test_it_holds_in_each_window_by_the_wall_clock_between_its_begin_and_its_end(
    moment: str, holds: bool
) -> None:
    assert silence().holds(datetime.fromisoformat(moment)) is holds


def test_what_is_under_way_when_it_is_made_holds_at_once() -> None:
    hourly = Windows(cron="30 * * * *", lasts="45m")

    assert silence(hourly).holds(NOW + timedelta(minutes=10))
    assert not silence(hourly).holds(NOW + timedelta(minutes=20))


def read(windows: Windows | None, lasts: timedelta) -> None:
    read_silence(EVERYTHING, reason="r", begins_at=None, ends_at=NOW + lasts, everything=True,
                 now=NOW, windows=windows)  # fmt: skip


def test_it_ends_within_a_year_where_others_end_within_ninety_days() -> None:
    read(SUNDAYS, FARTHEST)
    read(None, LONGEST)

    for windows, lasts in ((SUNDAYS, FARTHEST), (None, LONGEST)):
        with pytest.raises(InvalidInput, match=rf"ends_at: .* within {lasts.days} days"):
            read(windows, lasts + timedelta(seconds=1))


@pytest.mark.parametrize(
    ("windows", "lasts", "told"),
    [
        (Windows(cron="0 * * * *", lasts="1h"), FARTHEST, "for: one window begins before the one"),
        (Windows(cron="0 1,2 * * *", lasts="90m"), FARTHEST, "for: one window begins before"),
        (Windows(cron="0 2 1 * *", lasts="8d"), FARTHEST, "for: it is out of range"),
        (Windows(cron="0 2 * * *", lasts="0s"), FARTHEST, "for: it is out of range"),
        (Windows(cron="0 2 1 12 *", lasts="1h"), LONGEST, "cron: no window begins before"),
        (Windows(cron="0 25 * * *", lasts="1h"), FARTHEST, "cron"),
        (Windows(cron="0 2 * * *", tz="Mars/X", lasts="1h"), FARTHEST, "tz"),
        (Windows(cron="0 2 * * *", lasts="often"), FARTHEST, "for: 'often'"),
    ],
)
def test_what_is_always_or_never_silent_is_refused(
    windows: Windows, lasts: timedelta, told: str
) -> None:
    with pytest.raises(OnbeatError, match=told):
        read(windows, lasts)


def test_what_is_given_goes_together_or_is_refused_by_name() -> None:
    end, hour, daily = NOW + LONGEST, timedelta(hours=1), cron("0 2 * * *")

    assert read_windows(daily, hour, end) == Windows(cron="0 2 * * *", lasts="1h")
    assert read_windows(None, "1h", None) is None
    for each, lasts, ends_at, field in (
        (None, "1h", end, "ends_at"),
        (None, None, None, "ends_at"),
        (daily, None, end, "for"),
        (daily, "1h", None, "ends_at"),
        (cron("30 2 * * *", gap="skip"), "1h", end, "each"),
    ):
        with pytest.raises(InvalidInput, match=f"^{field}: "):
            read_windows(each, lasts, ends_at)


def test_a_zone_is_of_a_cron() -> None:
    assert read_each("0 2 * * *", "Europe/Paris") == cron("0 2 * * *", tz="Europe/Paris")
    assert read_each(None, None) is None
    with pytest.raises(InvalidInput, match="tz: "):
        read_each(None, "UTC")
