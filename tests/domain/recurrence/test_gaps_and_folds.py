from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from onbeat.domain.recurrence import cron, every, moments
from onbeat.domain.recurrence.local_time import Fold, Gap

NEW_YORK = "America/New_York"


def local_times(
    expression: str, zone: str, begin: str, gap: Gap = "after", fold: Fold = "first", count: int = 3
) -> list[str]:
    info = ZoneInfo(zone)
    after = datetime.fromisoformat(begin).replace(tzinfo=info)
    found = moments(cron(expression, tz=zone, gap=gap, fold=fold), after, count)
    return [f"{moment.astimezone(info):%d %H:%M%z}" for moment in found]


@pytest.mark.parametrize(
    ("gap", "expected"),
    [
        ("after", ["10 03:00-0400", "11 02:30-0400", "12 02:30-0400"]),
        ("skip", ["11 02:30-0400", "12 02:30-0400", "13 02:30-0400"]),
        ("shift", ["10 03:30-0400", "11 02:30-0400", "12 02:30-0400"]),
    ],
)
def test_a_missing_time_follows_the_gap_policy(gap: Gap, expected: list[str]) -> None:
    assert local_times("30 2 * * *", NEW_YORK, "2024-03-09 12:00", gap=gap) == expected


@pytest.mark.parametrize(
    ("fold", "expected"),
    [
        ("first", ["03 01:30-0400", "04 01:30-0500", "05 01:30-0500"]),
        ("second", ["03 01:30-0500", "04 01:30-0500", "05 01:30-0500"]),
        ("both", ["03 01:30-0400", "03 01:30-0500", "04 01:30-0500"]),
    ],
)
def test_a_repeated_time_follows_the_fold_policy(fold: Fold, expected: list[str]) -> None:
    assert local_times("30 1 * * *", NEW_YORK, "2024-11-02 12:00", fold=fold) == expected


def test_times_in_both_passes_come_in_real_order() -> None:
    found = local_times("0,30 1 * * *", NEW_YORK, "2024-11-03 00:00", fold="both", count=4)

    assert found == ["03 01:00-0400", "03 01:30-0400", "03 01:00-0500", "03 01:30-0500"]


def test_a_shifted_time_takes_its_place_among_the_others() -> None:
    found = local_times("15,45 2,3 * * *", NEW_YORK, "2024-03-10 00:00", gap="shift", count=3)

    assert found == ["10 03:15-0400", "10 03:45-0400", "11 02:15-0400"]


def test_shifted_times_are_kept_in_the_order_of_real_time() -> None:
    found = local_times("20 2,3 * * *", NEW_YORK, "2024-03-10 03:10", gap="shift", count=2)

    assert found == ["10 03:20-0400", "11 02:20-0400"]


@pytest.mark.parametrize("gap", ["after", "skip", "shift"])
@pytest.mark.parametrize("fold", ["first", "second", "both"])
def test_an_expression_with_a_wildcard_follows_real_time_under_every_policy(
    gap: Gap, fold: Fold
) -> None:
    spring = local_times("0 */2 * * *", NEW_YORK, "2024-03-09 23:30", gap, fold)
    autumn = local_times("30 * * * *", NEW_YORK, "2024-11-03 00:50", gap, fold)

    assert spring == ["10 00:00-0500", "10 04:00-0400", "10 06:00-0400"]
    assert autumn == ["03 01:30-0400", "03 01:30-0500", "03 02:30-0500"]


@pytest.mark.parametrize("minute", ["*/30", "0/30", "0-59/30,*/30", "*"])
def test_any_wildcard_or_open_step_makes_a_field_follow_real_time(minute: str) -> None:
    found = local_times(f"{minute} 1 * * *", NEW_YORK, "2024-11-03 01:29", count=70)

    assert any(time.startswith("03 01:30-0500") for time in found)


@pytest.mark.parametrize("gap", ["after", "shift"])
def test_a_calendar_change_is_not_caught_up(gap: Gap) -> None:
    found = local_times("0 12 * * *", "Pacific/Apia", "2011-12-29 00:00", gap=gap)

    assert found == ["29 12:00-1000", "31 12:00+1400", "01 12:00+1400"]


@pytest.mark.parametrize(
    ("zone", "begin", "expression", "expected"),
    [
        ("Australia/Lord_Howe", "2024-10-06 00:00", "15 2 * * *", "06 02:30+1100"),
        ("Antarctica/Troll", "2024-03-31 00:00", "30 1 * * *", "31 03:00+0200"),
        ("America/Havana", "2024-03-09 12:00", "0 0 * * *", "10 01:00-0400"),
        ("America/Sao_Paulo", "2018-11-03 12:00", "15 0 * * *", "04 01:00-0200"),
        ("Africa/Cairo", "2024-04-25 12:00", "45 0 * * *", "26 01:00+0300"),
        ("America/Toronto", "1919-03-30 12:00", "45 23 * * *", "31 00:30-0400"),
        ("Africa/Monrovia", "1972-01-06 12:00", "30 0 * * *", "07 00:44+0000"),
    ],
)
def test_a_time_in_a_gap_of_any_length_comes_at_its_end(
    zone: str, begin: str, expression: str, expected: str
) -> None:
    found = local_times(expression, zone, begin, count=1)

    assert [time[:13] for time in found] == [expected]


def test_seconds_in_a_gap_come_to_one_moment() -> None:
    found = local_times("* 30 2 * * *", NEW_YORK, "2024-03-10 00:00", count=2)

    assert found == ["10 03:00-0400", "11 02:30-0400"]


def test_a_rare_date_in_the_second_pass_is_not_jumped_over() -> None:
    found = local_times("*/30 1 3 11 *", NEW_YORK, "2024-11-03 01:45", count=2)

    assert found == ["03 01:00-0500", "03 01:30-0500"]


def test_a_calendar_day_in_a_gap_comes_at_its_end() -> None:
    anchor = datetime.fromisoformat("2024-03-09T02:30:00-05:00")
    info = ZoneInfo(NEW_YORK)

    found = moments(every("1d", tz=NEW_YORK, anchor=anchor), anchor, 2)

    assert [f"{moment.astimezone(info):%d %H:%M}" for moment in found] == ["10 03:00", "11 02:30"]
