"""What is left of a recurrence is all of it that is not excluded, however much that is."""

from __future__ import annotations

from dataclasses import fields
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
    once,
    rrule,
    union,
    work_calendar,
    workdays,
)
from onbeat.domain.recurrence.recurrence import following
from onbeat.domain.recurrence.zones import changes_in

PARIS, TOKYO = "Europe/Paris", "Asia/Tokyo"
WORKED = work_calendar("worked")
NO_MONDAYS = work_calendar("worked", weekend=["mon"])


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("source", "excluded", "after", "left"),
    [
        ("* * * * *", "* * * 6-8 *", "2027-05-31T23:59", "2027-09-01T00:00"),
        ("* * * * *", "* * * 1-11 *", "2027-01-01T00:00", "2027-12-01T00:00"),
        ("* * * * * *", "* * * * * sat,sun", "2027-01-01T23:59:59", "2027-01-04T00:00"),
        ("* * * * * *", "* * 0-22 * * *", "2027-01-01T00:00", "2027-01-01T23:00"),
        ("0 9 29 2 *", "0 9 29 2 mon-sat", "2027-01-01T00:00", "2032-02-29T09:00"),
    ],
)
def test_what_is_left_comes_after_any_number_of_excluded_moments(
    source: str, excluded: str, after: str, left: str
) -> None:
    def cron_and(text: str) -> Recurrence:
        return cron(text, day_match="and")

    assert exclusion(cron_and(source), cron_and(excluded)).next(at(after)) == at(left)


def test_a_minute_once_in_eight_years_is_left() -> None:
    but_leap_day = union(cron("* * * 1,3-12 *"), cron("* * 1-28 2 *"), cron("1-59 * 29 2 *"))
    but_that_hour = union(but_leap_day, cron("* 1-23 29 2 *"))

    rare = exclusion(cron("* * * * *"), but_that_hour)

    assert rare.next(at("2096-02-29T00:00")) == at("2104-02-29T00:00")


def test_of_working_days_without_summer_autumn_is_left() -> None:
    steady = workdays(cron("* * * * *", tz=PARIS), WORKED)

    left = exclusion(steady, cron("* * * 6-8 *", tz=PARIS))

    assert left.next(at("2026-05-29T21:59")) == at("2026-08-31T22:00")


DENSE: list[tuple[Recurrence, Recurrence]] = [
    (cron("* * * * *"), cron("* * * * *")),
    (cron("0 9 * * *", tz=PARIS), cron("0 9 * * *", tz=PARIS)),
    (cron("30 2 * * *", tz=PARIS, fold="both"), cron("30 2 * * *", tz=PARIS, fold="both")),
    (cron("*/5 9-17 * * *", tz=TOKYO), cron("* * * * *", tz=PARIS)),
    (cron("0 9 * * *"), union(cron("0 9 * * mon-fri"), cron("0 * * * sat,sun"))),
    (every("1h"), every("30m")),
    (every("1h"), cron("0 * * * *")),
    (every("1d", tz=PARIS), cron("* * * * * *")),
    (rrule("FREQ=DAILY", tz=PARIS), cron("* * * * * *", tz=TOKYO)),
]


@pytest.mark.parametrize(("source", "excluded"), DENSE)
def test_an_exclusion_of_everything_is_known_without_walking_through_it(
    source: Recurrence, excluded: Recurrence
) -> None:
    asked: list[datetime] = []

    with pytest.raises(InvalidRecurrence, match="exclusion: it would never fire"):
        exclusion(watched(source, asked), excluded)

    assert len(asked) < 50


def watched(recurrence: Recurrence, asked: list[datetime]) -> Recurrence:
    """The same recurrence, of the same kind, that tells after which moments it is asked."""
    kind = type(recurrence)

    def following_one(self: Recurrence, after: datetime) -> datetime | None:
        asked.append(after)
        return kind.next(self, after)

    values = {each.name: getattr(recurrence, each.name) for each in fields(recurrence)}  # type: ignore[arg-type]  # every kind is a dataclass
    told: Recurrence = type("Watched", (kind,), {"next": following_one})(**values)
    return told


def test_years_of_nothing_left_are_an_end() -> None:
    """No cron expression here: nothing is known of these but their moments."""
    daily = every("1d", tz=PARIS)

    with pytest.raises(InvalidRecurrence, match="exclusion: it would never fire"):
        exclusion(daily, rrule("FREQ=DAILY", tz=PARIS))

    assert exclusion(every("100 years"), once("1970-01-01T00:00Z")).next(at("1969-01-01")) == at(
        "2070-01-01"
    )


NUUK, ST_JOHNS = "America/Nuuk", "America/St_Johns"


def test_a_day_that_comes_back_when_clocks_are_set_back_is_not_passed_over() -> None:
    """There Sunday began, and a minute later it was 23:01 on Saturday again."""
    left = exclusion(cron("* * * * *", tz=ST_JOHNS), cron("* * * * sun", tz=ST_JOHNS))

    assert left.next(at("2009-11-01T02:29")) == at("2009-11-01T02:31")


def test_a_time_of_yesterday_that_a_gap_moved_into_today_is_not_passed_over() -> None:
    """There 23:00 to 24:00 was missing on Saturday; its two moments came on Sunday."""
    late, sundays = (cron(f"0,30 23 * * {d}", tz=NUUK, gap="shift") for d in ("*", "sun"))

    left = exclusion(late, union(once("2025-03-30T01:00Z"), sundays))

    assert left.next(at("2025-03-30T00:59")) == at("2025-03-30T01:30")


def test_hours_that_a_gap_shortens_are_passed_only_to_their_end() -> None:
    left = exclusion(cron("* * * * *", tz=PARIS), cron("* 0-3 * * *", tz=PARIS))

    assert left.next(at("2027-03-27T23:00")) == at("2027-03-28T02:00")


ZONES = st.sampled_from(
    ["UTC", PARIS, "America/St_Johns", "Australia/Lord_Howe", "Africa/Cairo", "Pacific/Apia"]
)
MINUTES = st.sampled_from(["*", "*", "0", "30", "1", "*/20", "0-30", "0,30"])
HOURS = st.sampled_from(["*", "*", "0", "2", "23", "0-3", "1-22", "0,23"])
DAYS = st.sampled_from(["* * *", "* * sun", "* * mon-sat", "1-28 * *", "* 1-3,11 *", "* 4-10 *"])
GAPS, FOLDS = st.sampled_from(["after", "skip", "shift"]), st.sampled_from(["first", "both"])


@st.composite
def crons(draw: st.DrawFn) -> Recurrence:
    expression = f"{draw(MINUTES)} {draw(HOURS)} {draw(DAYS)}"
    return cron(expression, tz=draw(ZONES), gap=draw(GAPS), fold=draw(FOLDS))  # type: ignore[arg-type]  # drawn from the policies


@st.composite
def alike(draw: st.DrawFn) -> tuple[Recurrence, Recurrence]:
    """Two that share a zone and a policy, as those of one schedule mostly do."""
    zone, gap, fold = draw(ZONES), draw(GAPS), draw(FOLDS)
    texts = [f"{draw(MINUTES)} {draw(HOURS)} {draw(DAYS)}" for _ in range(2)]
    one, other = (cron(text, tz=zone, gap=gap, fold=fold) for text in texts)  # type: ignore[arg-type]  # as above
    return one, other


SOURCES = st.one_of(
    crons(),
    st.sampled_from([every("20m"), every("1h"), every("1d", tz=PARIS)]),
    crons().map(lambda each: workdays(each, NO_MONDAYS)),
    st.lists(crons(), min_size=2, max_size=2).map(lambda each: union(*each)),
)
EXCLUDED = st.one_of(
    crons(),
    st.just(every("20m")),
    st.lists(crons(), min_size=2, max_size=3).map(lambda each: union(*each)),
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.one_of(alike(), st.tuples(SOURCES, EXCLUDED)),
    ZONES,
    st.sampled_from([1987, 2009, 2011, 2026]),
    st.integers(0, 5),
    st.integers(-30, 4),
)
def test_what_is_left_is_the_source_less_what_is_excluded_also_where_clocks_change(
    both: tuple[Recurrence, Recurrence], zone: str, year: int, which: int, hours: int
) -> None:
    source, excluded = both
    changes = [each.start for each in changes_in(zone, year)] or [datetime(year, 3, 31)]  # noqa: DTZ001 - naive, as changes are
    begin = changes[which % len(changes)].replace(tzinfo=UTC) + timedelta(hours=hours)
    end = begin + timedelta(days=3)
    left = within(source, begin, end) - within(excluded, begin, end)
    try:
        made = exclusion(source, excluded)
    except InvalidRecurrence:
        assert not left
    else:
        assert within(made, begin, end) == left


def within(recurrence: Recurrence, begin: datetime, end: datetime) -> set[datetime]:
    found = set()
    for moment in following(recurrence, begin):
        if moment >= end:
            break
        found.add(moment)
    return found
