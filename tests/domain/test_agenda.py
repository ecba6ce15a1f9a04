"""Agendas: days as the zone makes them, and moments that all schedules share alike."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from onbeat.domain.agenda import By, Ended, Material, Plan, buckets, moments, put_together
from onbeat.domain.errors import InvalidInput
from onbeat.domain.recurrence import Recurrence, cron, every
from onbeat.domain.schedules import Schedule

NOW = datetime(2027, 3, 1, tzinfo=UTC)


def plan(name: str, when: Recurrence, **said: object) -> Plan:
    schedule = Schedule(id=name, name=name, task="report", recurrence=when, **said)  # type: ignore[arg-type]
    return Plan(schedule=schedule, from_at=NOW)


def hours_of(zone: str, day: date) -> Sequence[str]:
    info = buckets(zone, day, day, By.HOUR)
    return [each.begins_at.astimezone(ZoneInfo(zone)).strftime("%H:%M%z") for each in info]


def test_a_day_on_which_clocks_go_forward_has_23_hours() -> None:
    [day] = buckets("Europe/Paris", date(2027, 3, 28), date(2027, 3, 28), By.DAY)
    told = hours_of("Europe/Paris", date(2027, 3, 28))

    assert day.ends_at - day.begins_at == timedelta(hours=23)
    assert (len(told), told[1:3]) == (23, ["01:00+0100", "03:00+0200"])


def test_a_day_on_which_clocks_go_back_has_the_hour_twice() -> None:
    told = hours_of("Europe/Paris", date(2027, 10, 31))

    assert (len(told), told[2:4]) == (25, ["02:00+0200", "02:00+0100"])


def test_a_clock_that_moves_by_half_an_hour_leaves_half_an_hour() -> None:
    [*_, last] = buckets("Australia/Lord_Howe", date(2027, 10, 3), date(2027, 10, 3), By.HOUR)

    assert last.ends_at - last.begins_at == timedelta(minutes=30)


def test_a_day_that_begins_in_a_gap_begins_at_its_end() -> None:
    [day] = buckets("Africa/Cairo", date(2027, 4, 30), date(2027, 4, 30), By.DAY)

    assert (day.begins_at, day.ends_at - day.begins_at) == (
        datetime(2027, 4, 29, 22, tzinfo=UTC), timedelta(hours=23),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("first", "last", "by", "field"),
    [
        (date(2027, 3, 2), date(2027, 3, 1), By.DAY, "to"),
        (date(2027, 3, 1), date(2027, 5, 2), By.DAY, "to"),
        (date(2027, 3, 1), date(2027, 3, 4), By.HOUR, "to"),
        (date(1969, 12, 31), date(1970, 1, 2), By.DAY, "from"),
        (date(9998, 12, 31), date(9999, 1, 1), By.DAY, "from"),
    ],
)
def test_what_is_too_much_or_out_of_range_is_refused_by_its_field(
    first: date, last: date, by: By, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        buckets("UTC", first, last, by)
    assert refused.value.field == field


def test_one_that_is_due_each_second_takes_no_moment_from_one_of_each_day() -> None:
    plans = [plan("busy", every("1s")), plan("daily", cron("0 9 * * *"))]

    found = {
        schedule.name: (len(of), is_cut)
        for schedule, of, is_cut in moments(plans, NOW + timedelta(days=30), NOW, 1_000)
    }

    assert found == {"busy": (970, True), "daily": (30, False)}


def test_where_there_are_more_than_moments_each_is_cut_off() -> None:
    plans = [plan(str(number), every("1h")) for number in range(5)]

    found = list(moments(plans, NOW + timedelta(days=1), NOW, 4))

    assert [(len(of), is_cut) for _, of, is_cut in found] == [(0, True)] * 5


def test_moments_to_be_skipped_and_those_past_a_limit_are_not_told() -> None:
    plans = [plan("skips", every("1h"), skips=2), plan("limit", every("1h"), limit=5, made=2)]

    found = [len(of) for _, of, _ in moments(plans, NOW + timedelta(hours=10), NOW)]

    assert found == [8, 3]


def test_what_ended_and_what_is_to_come_stand_in_their_buckets() -> None:
    wanted = buckets("Europe/Paris", date(2027, 3, 1), date(2027, 3, 1), By.HOUR)
    ended = [
        Ended(begins_at=NOW - timedelta(hours=1), completed=3, failed=1, cancelled=0, schedule="a"),
        Ended(begins_at=NOW, completed=2, failed=0, cancelled=1, schedule=None),
    ]

    agenda = put_together(
        "Europe/Paris", wanted, By.HOUR,
        Material(ended=ended, plans=[plan("a", every("5m"))], now=NOW),
    )  # fmt: skip

    assert [(each.completed, each.failed, each.coming) for each in agenda.totals[:3]] == [
        (3, 1, 0), (2, 0, 12), (0, 0, 12),
    ]  # fmt: skip
    assert [row.name for row in agenda.rows] == ["a", None]
    cell = agenda.rows[0].cells[1]
    assert (cell.coming, cell.every, cell.first_at) == (12, timedelta(minutes=5), NOW)
    assert agenda.rows[0].cells[0].completed == 3


def test_what_was_cut_off_is_told_of_every_bucket_it_may_be_in() -> None:
    wanted = buckets("UTC", date(2027, 3, 1), date(2027, 3, 3), By.DAY)

    agenda = put_together("UTC", wanted, By.DAY, Material(plans=[plan("a", every("8s"))], now=NOW))

    assert [(each.coming, each.cut) for each in agenda.totals] == [(10_000, 1), (0, 1), (0, 1)]


def test_nothing_is_told_beyond_sixty_days() -> None:
    first = date(2027, 4, 29)
    wanted = buckets("UTC", first, first + timedelta(days=3), By.DAY)

    agenda = put_together(
        "UTC", wanted, By.DAY, Material(plans=[plan("a", cron("0 9 * * *"))], now=NOW)
    )

    assert [each.coming for each in agenda.totals] == [1, 0, 0, 0]
