"""A schedule's policies and bounds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onbeat.domain.errors import InvalidInput
from onbeat.domain.recurrence import every
from onbeat.domain.schedules import (
    CatchUp,
    CatchUpMode,
    OccurrenceOutcome,
    Overlap,
    check_window,
    first_due,
    parse_catch_up,
    parse_overlap,
    within_end,
)
from tests import factories

NOON = datetime(2030, 6, 15, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("latest", CatchUp()),
        ("Latest within 6h ", CatchUp(CatchUpMode.LATEST, timedelta(hours=6))),
        ("all within 1d", CatchUp(CatchUpMode.ALL)),
        ("first", CatchUp(CatchUpMode.FIRST)),
        ("none", CatchUp(CatchUpMode.NONE)),
    ],
)
def test_a_catch_up_policy_is_read_as_people_write_it(text: str, policy: CatchUp) -> None:
    assert parse_catch_up(text) == policy


@given(
    st.builds(
        CatchUp,
        st.sampled_from([mode for mode in CatchUpMode if mode != "none"]),
        st.timedeltas(timedelta(), timedelta(days=9_999)),
    )
)
def test_a_catch_up_policy_written_down_reads_back_as_itself(policy: CatchUp) -> None:
    assert parse_catch_up(str(policy)) == policy


@pytest.mark.parametrize("text", ["", "some", "latest within", "all within soon", "all 6h"])
def test_any_other_catch_up_policy_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"^catch_up: "):
        parse_catch_up(text)


@pytest.mark.parametrize("overlap", Overlap)
def test_an_overlap_policy_is_read_by_its_name(overlap: Overlap) -> None:
    assert parse_overlap(str(overlap)) is overlap


def test_any_other_overlap_policy_is_refused() -> None:
    with pytest.raises(InvalidInput, match="skip, allow"):
        parse_overlap("queue")


@pytest.mark.parametrize(
    ("field", "start", "end", "limit"),
    [
        ("start", NOON.replace(tzinfo=None), None, None),
        ("end", None, NOON.replace(tzinfo=None), None),
        ("end", NOON, NOON - HOUR, None),
        ("limit", None, None, 0),
    ],
)
def test_a_schedule_that_could_never_run_is_refused(
    field: str, start: Any, end: Any, limit: Any
) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_window(start, end, limit)

    assert caught.value.field == field


def test_a_window_of_one_moment_is_allowed() -> None:
    check_window(NOON, NOON, 1)


def test_the_first_moment_may_be_now() -> None:
    assert first_due(factories.schedule(recurrence=every("1h")), NOON) == NOON


def test_the_first_moment_is_not_before_the_start() -> None:
    schedule = factories.schedule(recurrence=every("1h"), start_at=NOON + HOUR * 2.5)

    assert first_due(schedule, NOON) == NOON + HOUR * 3


def test_a_start_that_is_past_changes_nothing() -> None:
    schedule = factories.schedule(recurrence=every("1h"), start_at=NOON - HOUR * 2.5)

    assert first_due(schedule, NOON) == NOON


def test_there_is_no_first_moment_after_the_end() -> None:
    schedule = factories.schedule(recurrence=every("1h"), end_at=NOON - HOUR)

    assert first_due(schedule, NOON) is None


def test_a_rest_after_each_job_begins_with_a_job_at_once() -> None:
    schedule = factories.schedule(recurrence=every("1h", after_finish=True))

    assert first_due(schedule, NOON + HOUR / 3) == NOON + HOUR / 3


def test_the_end_itself_still_counts() -> None:
    schedule = factories.schedule(end_at=NOON)

    assert within_end(schedule, NOON) == NOON
    assert within_end(schedule, NOON + timedelta(microseconds=1)) is None
    assert within_end(schedule, None) is None


def test_moments_are_given_in_utc() -> None:
    there = NOON.astimezone(timezone(HOUR * 5))

    found = within_end(factories.schedule(), there)

    assert found is not None
    assert found.tzinfo is UTC


def test_what_ran_on_time_or_late_has_a_job() -> None:
    assert {outcome for outcome in OccurrenceOutcome if outcome.makes_job} == {"ran", "late"}
