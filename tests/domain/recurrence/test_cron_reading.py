from __future__ import annotations

from datetime import UTC, datetime

import pytest

from onbeat.domain.recurrence import cron, moments

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("macro", "expression"),
    [
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@Midnight", "0 0 * * *"),
        ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
    ],
)
def test_a_macro_means_its_expression(macro: str, expression: str) -> None:
    assert moments(cron(macro), BEGIN, 5) == moments(cron(expression), BEGIN, 5)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0 0 * jan,MAR Mon-fri", "0 0 * 1,3 1-5"),
        ("0 0 * * 0-7", "0 0 * * *"),
        ("0 0 * * 7", "0 0 * * SUN"),
        ("0 0 * * fri#2", "0 0 * * 5#2"),
        ("0 0 * * 7L", "0 0 * * SUNL"),
        ("0 0 wl * *", "0 0 LW * *"),
        ("  0   0 *  * * ", "0 0 * * *"),
        ("0 0 0 * * *", "0 0 * * *"),
        ("5/15 * * * *", "5,20,35,50 * * * *"),
        ("10-30/10 * * * *", "10,20,30 * * * *"),
        ("0 0 * * MON/2", "0 0 * * 1,3,5"),
    ],
)
def test_two_ways_of_writing_mean_the_same(one: str, other: str) -> None:
    assert moments(cron(one), BEGIN, 20) == moments(cron(other), BEGIN, 20)


@pytest.mark.parametrize(
    ("expression", "days"),
    [
        ("0 0 L-2 * *", ["01-29", "02-27", "03-29"]),
        ("0 0 31W * *", ["01-31", "03-29", "05-31"]),
        ("0 0 3W 3,8,11 *", ["03-04", "08-02", "11-04"]),
        ("0 0 1,15,L 2 *", ["02-01", "02-15", "02-29"]),
        ("0 0 * * 1#1,FRIL", ["01-26", "02-05", "02-23"]),
        ("0 0 LW * FRIL", ["01-26", "01-31", "02-23"]),
    ],
)
def test_special_days_are_worked_out_for_each_month(expression: str, days: list[str]) -> None:
    begin = datetime(2024, 1, 2, tzinfo=UTC)

    assert [f"{m:%m-%d}" for m in moments(cron(expression), begin, 3)] == days


@pytest.mark.parametrize("match", ["and", "or"])
def test_day_match_says_how_days_combine(match: str) -> None:
    found = moments(cron("0 0 13 * FRI", day_match=match), BEGIN, 2)  # type: ignore[arg-type]  # parametrized

    expected = {"and": ["2024-09-13", "2024-12-13"], "or": ["2024-01-05", "2024-01-12"]}
    assert [f"{m:%Y-%m-%d}" for m in found] == expected[match]


def test_seconds_come_first_of_six_fields() -> None:
    found = moments(cron("*/20 30 8-9 * * *"), datetime(2024, 1, 1, 8, 30, 30, tzinfo=UTC), 4)

    assert [f"{m:%H:%M:%S}" for m in found] == ["08:30:40", "09:30:00", "09:30:20", "09:30:40"]


def test_the_rarest_date_is_found_at_once() -> None:
    begin = datetime(2024, 3, 1, tzinfo=UTC)

    found = moments(cron("0 0 29 2 1", day_match="and", tz="Europe/Paris"), begin, 2)

    assert [f"{m:%Y}" for m in found] == ["2044", "2072"]


def test_years_without_a_clock_to_show_them_end_the_search() -> None:
    assert cron("0 0 * * *").next(datetime(9999, 6, 1, tzinfo=UTC)) is None
    assert cron("0 0 29 2 *", tz="Europe/Paris").next(datetime(9997, 1, 1, tzinfo=UTC)) is None
    assert (
        cron("59 23 31 12 *", tz="Asia/Tokyo").next(datetime(9998, 12, 31, 23, tzinfo=UTC)) is None
    )
    assert cron("0 0 1 1 *").next(datetime(1, 1, 1, tzinfo=UTC)) == datetime(2, 1, 1, tzinfo=UTC)


def test_equal_expressions_are_equal_and_hash_alike() -> None:
    assert cron("0 0 * * *", tz="UTC") == cron(" 0 0  * * *")
    assert len({cron("0 0 * * *"), cron("0  0 * * *"), cron("0 0 * * *", fold="both")}) == 2
