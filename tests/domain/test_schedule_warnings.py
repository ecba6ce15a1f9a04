"""What is said of a schedule besides what it says itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from onbeat.domain.recurrence import Boot, Unreadable, cron, every, once
from onbeat.domain.schedule_warnings import warnings_of
from onbeat.domain.schedules import Overlap, Schedule
from tests import factories

DUE = datetime(2027, 1, 4, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SLOW = [4 * MINUTE] * 20


def due(**fields: object) -> Schedule:
    return factories.schedule(**{"next_due_at": DUE, **fields})


def test_jobs_that_take_longer_than_the_time_to_the_next_are_warned_of() -> None:
    assert warnings_of(due(), SLOW) == (
        "its jobs take 4m (median of the last 20), it is due every 1m; "
        "make it due less often, or say --overlap allow",
    )


@pytest.mark.parametrize(
    ("run_times", "words"),
    [
        ([2 * MINUTE, 2 * MINUTE, 9 * MINUTE], "take 2m (median of the last 3)"),
        ([timedelta(seconds=75.25)] * 3, "take 1m15s (median of the last 3)"),
        ([2 * MINUTE] * 20 + [timedelta()] * 30, "take 2m (median of the last 20)"),
        ([2 * MINUTE, MINUTE, MINUTE], None),
        ([MINUTE] * 20, None),
        ([2 * MINUTE] * 2, None),
        ([], None),
    ],
)
def test_the_median_of_the_latest_jobs_decides(
    run_times: list[timedelta], words: str | None
) -> None:
    told = warnings_of(due(), run_times)

    assert [words in warning for warning in told if words] == ([True] if words else [])
    assert (told == ()) == (words is None)


@pytest.mark.parametrize(
    "fields",
    [
        {"overlap": Overlap.ALLOW},
        {"clock": "world"},
        {"recurrence": every("1m", after_finish=True)},
        {"recurrence": every("5m")},
        {"recurrence": once(DUE)},
        {"recurrence": cron("0,1 9 * * *")},
    ],
)
def test_jobs_that_may_overlap_or_have_time_are_not_warned_of(fields: dict[str, object]) -> None:
    assert warnings_of(due(**fields), SLOW) == ()


def test_moments_of_different_distance_are_said_to_be_so() -> None:
    often = cron("*/2 8-17 * * *")

    [told] = warnings_of(due(recurrence=often, next_due_at=DUE.replace(hour=17)), SLOW)
    [steady] = warnings_of(due(recurrence=often), SLOW)

    assert "due every 2m;" in steady
    assert "due every 2m;" in told
    [uneven] = warnings_of(due(recurrence=often, next_due_at=DUE.replace(hour=17, minute=40)), SLOW)
    assert "due every 2m mostly;" in uneven


def test_a_schedule_that_is_never_due_again_is_warned_of() -> None:
    ended = due(recurrence=once(DUE), next_due_at=None, last_due_at=DUE)

    assert warnings_of(ended, []) == ("it is never due again; edit it, or remove it",)


@pytest.mark.parametrize(
    "fields",
    [
        {"next_due_at": DUE},
        {"held_due_at": DUE},
        {"awaits_job": factories.new_id()},
        {"paused_at": DUE},
        {"broken": "its zone is gone"},
        {"recurrence": every("1m", after_finish=True)},
        {"recurrence": Boot(seen="x")},
    ],
)
def test_one_that_waits_or_is_held_is_not_said_to_have_ended(fields: dict[str, object]) -> None:
    waiting = replace(factories.schedule(), **fields)  # type: ignore[arg-type]  # of a schedule

    assert warnings_of(waiting, []) == ()


def test_what_its_recurrence_warns_of_comes_first() -> None:
    odd = due(recurrence=cron("*/40 * * * *"))

    assert ["*/40" in warning for warning in warnings_of(odd, [timedelta(hours=1)] * 3)] == [
        True,
        False,
    ]
    broken = due(recurrence=Unreadable("{}", "gone"), next_due_at=None)
    assert warnings_of(broken, SLOW) == ("gone",)
