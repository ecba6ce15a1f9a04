from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onbeat.domain.errors import InvalidRecurrence
from onbeat.domain.recurrence import (
    Recurrence,
    cron,
    every,
    exclusion,
    moments,
    once,
    recurrence_from_spec,
    rrule,
    union,
)

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
KINDS: list[Recurrence] = [
    cron("30 1 * * mon-fri", tz="Europe/Paris", gap="skip", fold="both"),
    cron("0 0 */2 * MON", day_match="and"),
    every("15m"),
    every("1 month", tz="Europe/Paris", anchor=BEGIN),
    every("30s", after_finish=True),
    once("2024-05-01T09:00:00.5+02:00"),
    rrule("FREQ=WEEKLY;BYDAY=MO", tz="Europe/Paris", start=BEGIN),
    union(cron("@daily"), every("7h")),
    exclusion(cron("0 9 * * *"), union(cron("* * 25 12 *"), once("2024-01-02T09:00:00Z"))),
]


@pytest.mark.parametrize("recurrence", KINDS, ids=lambda r: str(r.spec()["kind"]))
def test_a_recurrence_survives_its_json(recurrence: Recurrence) -> None:
    again = recurrence_from_spec(json.loads(json.dumps(recurrence.spec())))

    assert again == recurrence
    assert hash(again) == hash(recurrence)
    assert again.next(BEGIN) == recurrence.next(BEGIN)


@pytest.mark.parametrize("recurrence", KINDS, ids=lambda r: str(r.spec()["kind"]))
def test_every_kind_is_a_recurrence(recurrence: Recurrence) -> None:
    assert isinstance(recurrence, Recurrence)
    assert (recurrence.after_finish is None) == (recurrence.spec()["kind"] != "after_finish")


def within_a_day(recurrence: Recurrence) -> set[datetime]:
    found = moments(recurrence, BEGIN, 1000)
    return {moment for moment in found if moment < BEGIN + timedelta(days=1)}


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.integers(10, 600), min_size=1, max_size=3), st.integers(11, 600))
def test_union_and_exclusion_are_set_arithmetic(minutes: list[int], barred: int) -> None:
    members = [every(60 * step, anchor=BEGIN) for step in [*minutes, 7 * 11 * 13]]
    bar = every(60 * barred, anchor=BEGIN + timedelta(minutes=1))

    both = union(*members)

    assert within_a_day(both) == set().union(*(within_a_day(member) for member in members))
    assert within_a_day(exclusion(both, bar)) == within_a_day(both) - within_a_day(bar)


def test_a_union_ends_with_its_last_member() -> None:
    both = union(once("2024-01-02T00:00Z"), once("2024-01-03T00:00Z"), once("2024-01-02T00:00Z"))

    assert [m.day for m in moments(both, BEGIN, 9)] == [2, 3]


def test_an_exclusion_from_an_exclusion_leaves_out_both_at_once() -> None:
    hourly, nine, ten = every("1h"), cron("0 9 * * *"), cron("0 10 * * *")

    twice = exclusion(exclusion(hourly, nine), ten)

    assert twice == exclusion(hourly, union(nine, ten))
    assert exclusion(twice, nine) == exclusion(hourly, union(nine, ten, nine))


def test_a_holiday_of_seconds_is_passed_over() -> None:
    rule = exclusion(cron("* * * * * *"), cron("* * * 25 12 *"))

    found = rule.next(datetime(2024, 12, 24, 23, 59, 59, tzinfo=UTC))

    assert found == datetime(2024, 12, 26, tzinfo=UTC)


def test_an_exclusion_of_another_zone_excludes_the_same_instants() -> None:
    rule = exclusion(cron("0 * * * *"), cron("0 9 * * *", tz="Asia/Tokyo"))

    assert [m.hour for m in moments(rule, BEGIN - timedelta(hours=2), 3)] == [23, 1, 2]


def test_an_ended_exclusion_excludes_no_more() -> None:
    rule = exclusion(every("1d", anchor=BEGIN), once("2024-01-02T00:00Z"))

    assert [m.day for m in moments(rule, BEGIN, 2)] == [3, 4]


@pytest.mark.parametrize(
    ("zones", "shared"),
    [(("Asia/Tokyo", "Asia/Tokyo"), "Asia/Tokyo"), (("Asia/Tokyo", "UTC"), "UTC")],
)
def test_a_union_has_the_zone_its_members_share(zones: tuple[str, str], shared: str) -> None:
    assert union(*(cron("@daily", tz=zone) for zone in zones)).zone == shared


def test_an_exclusion_has_the_zone_of_its_source() -> None:
    rule = exclusion(cron("@daily", tz="Asia/Tokyo"), once("2024-01-02T00:00Z"))

    assert rule.zone == "Asia/Tokyo"


@pytest.mark.parametrize("count", [-1, 0])
def test_no_moments_are_asked_for_none(count: int) -> None:
    assert moments(every("1h"), BEGIN, count) == []


def test_an_exclusion_of_everything_is_refused() -> None:
    with pytest.raises(InvalidRecurrence, match="exclusion: it would never fire"):
        exclusion(every("1h"), every("30m"))


@pytest.mark.parametrize("count", [0, 33])
def test_a_union_has_1_to_32_members(count: int) -> None:
    with pytest.raises(InvalidRecurrence, match=r"union: .*1 to 32"):
        union(*[every("1h")] * count)


def test_a_delay_after_finish_does_not_combine() -> None:
    with pytest.raises(InvalidRecurrence, match="union: a delay after finish"):
        union(every("1h", after_finish=True))


def nested(depth: int) -> dict[str, object]:
    inner: dict[str, object] = {"kind": "every", "every": "1h"}
    for _ in range(depth):
        inner = {"kind": "union", "members": [inner]}

    return inner


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ([], "spec"),
        (nested(5000), ".".join(["members.0"] * 8)),
        ({}, "kind"),
        ({"kind": ["cron"]}, "kind"),
        ({"kind": "crno"}, "kind"),
        ({"kind": "cron"}, "expr"),
        ({"kind": "every"}, "every"),
        ({"kind": "exclusion", "source": {"kind": "every", "every": "1h"}}, "excluded"),
        ({"kind": "cron", "expr": 5}, "expr"),
        ({"kind": "cron", "expr": "* * * * *", "tz": ["UTC"]}, "tz"),
        ({"kind": "cron", "expr": "* * * * *", "timezone": "UTC"}, "timezone"),
        ({"kind": "cron", "expr": "* * * *"}, "expr"),
        ({"kind": "union", "members": [{"kind": "cron", "expr": "x"}]}, "members.0.expr"),
        ({"kind": "every", "every": "1h", "anchor": 5}, "anchor"),
        ({"kind": "rrule", "rrule": "FREQ=DAILY", "start": "x"}, "start"),
        ({"kind": "once", "at": None}, "at"),
        ({"kind": "union", "members": "cron"}, "members"),
    ],
)
def test_a_wrong_spec_is_refused_by_its_key(spec: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidRecurrence) as refused:
        recurrence_from_spec(spec)

    assert refused.value.field == field
