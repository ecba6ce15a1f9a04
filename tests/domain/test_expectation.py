"""What is expected of a schedule's next time, and what is wrong with another."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onbeat.domain.expectation import Wrong, wrong_with
from onbeat.domain.jobs import JobId
from onbeat.domain.planning import plan
from onbeat.domain.recurrence import cron, every
from onbeat.domain.schedules import Overlap, Schedule, first_due
from tests import factories

NOON = datetime(2030, 6, 15, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def schedule(**fields: Any) -> Schedule:
    """One of every hour, made at noon and due at noon."""
    return factories.schedule(**{"recurrence": every("1h"), "next_due_at": NOON, **fields})


def wrong(wanted: Schedule, now: datetime = NOON) -> Wrong | None:
    return wrong_with(wanted, decided_at=NOON, now=now)


@pytest.mark.parametrize(
    ("fields", "what", "due"),
    [
        ({"next_due_at": None}, "its next time was lost", NOON),
        ({"next_due_at": None, "last_due_at": NOON}, "its next time was lost", NOON + HOUR),
        ({"next_due_at": NOON + HOUR}, "its next time was too late", NOON),
        ({"next_due_at": NOON + 5 * HOUR, "last_due_at": NOON + HOUR},
         "its next time was too late", NOON + 2 * HOUR),
        ({"next_due_at": NOON - MINUTE}, "its next time is none of its moments", NOON),
        ({"next_due_at": None, "recurrence": every("5m", after_finish=True)},
         "its next time was lost", NOON),
    ],
)  # fmt: skip
def test_a_schedule_that_is_not_due_when_it_should_be_is_found(
    fields: dict[str, Any], what: str, due: datetime
) -> None:
    assert wrong(schedule(**fields)) == Wrong(what, due)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"next_due_at": NOON + HOUR, "last_due_at": NOON},
        {"next_due_at": None, "end_at": NOON, "last_due_at": NOON},
        {"next_due_at": None, "limit": 3, "made": 3},
        {"next_due_at": None, "paused_at": NOON},
        {"next_due_at": None, "broken": "its zone is gone"},
        {"next_due_at": None, "held_due_at": NOON, "overlap": Overlap.BUFFER_ONE},
        {"next_due_at": NOON + 3 * HOUR, "start_at": NOON + 3 * HOUR},
        {"next_due_at": None, "recurrence": every("5m", after_finish=True),
         "awaits_job": JobId("0" * 32)},
    ],
)  # fmt: skip
def test_nothing_is_wrong_with_one_that_is(fields: dict[str, Any]) -> None:
    assert wrong(schedule(**fields)) is None


@given(
    steps=st.lists(st.integers(0, 400), max_size=12),
    overlap=st.sampled_from(Overlap),
    busy=st.lists(st.booleans(), min_size=12, max_size=12),
    zone=st.sampled_from(["UTC", "Europe/Paris", "America/New_York"]),
)
def test_whatever_planning_does_is_as_expected(
    steps: list[int], overlap: Overlap, busy: list[bool], zone: str
) -> None:
    """A watchdog that mends what is right would do harm."""
    now = NOON
    wanted = factories.schedule(
        recurrence=cron("*/7 * * * *", tz=zone), overlap=overlap, created_at=now
    )
    wanted = replace(wanted, next_due_at=first_due(wanted, now))
    for step, is_busy in zip(steps, busy, strict=False):
        now += timedelta(minutes=step, seconds=step)
        planned = plan(wanted, now, busy=is_busy)
        last = planned.occurrences[-1] if planned.occurrences else None
        wanted = replace(
            wanted,
            next_due_at=planned.next_due_at,
            held_due_at=planned.held_due_at,
            made=wanted.made + planned.made,
            last_due_at=(last.through_at or last.due_at) if last else wanted.last_due_at,
        )
        assert wrong_with(wanted, decided_at=NOON, now=now) is None
        if planned.awaits_last:  # and the job ends
            wanted = replace(wanted, next_due_at=wanted.held_due_at)
