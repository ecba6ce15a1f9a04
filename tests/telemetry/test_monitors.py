"""Schedules as monitors of Sentry's."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from onbeat import Recurrence, cron, every, once, union
from onbeat.domain.schedules import Schedule
from onbeat.telemetry.monitors import LONGEST_SLUG, monitor_of, slug_of

FIVE = timedelta(minutes=5)


def schedule(recurrence: Recurrence, **said: Any) -> Schedule:
    return Schedule(id="0" * 32, name="nightly", task="report", recurrence=recurrence, **said)


@pytest.mark.parametrize(
    ("recurrence", "due", "zone"),
    [
        (cron("30 1 * * mon-fri", tz="Europe/Paris"),
         {"type": "crontab", "value": "30 1 * * mon-fri"}, "Europe/Paris"),
        (cron("0 */5 9 * * *"), {"type": "crontab", "value": "*/5 9 * * *"}, "UTC"),
        (cron("@daily"), {"type": "crontab", "value": "@daily"}, "UTC"),
        (every("15m"), {"type": "interval", "value": 15, "unit": "minute"}, "UTC"),
        (every("90m"), {"type": "interval", "value": 90, "unit": "minute"}, "UTC"),
        (every("48h"), {"type": "interval", "value": 2, "unit": "day"}, "UTC"),
        (every("2 months", tz="Europe/Paris"),
         {"type": "interval", "value": 2, "unit": "month"}, "Europe/Paris"),
    ],
)  # fmt: skip
def test_a_schedule_that_sentry_can_follow_has_a_monitor(
    recurrence: Recurrence, due: dict[str, Any], zone: str
) -> None:
    assert monitor_of(schedule(recurrence), FIVE, None) == {
        "schedule": due, "timezone": zone, "checkin_margin": 5
    }  # fmt: skip


@pytest.mark.parametrize(
    "recurrence",
    [
        cron("*/10 * * * * *"),
        cron("0 9 L * *"),
        cron("0 9 * * 1#2"),
        cron("0 9 1 * mon", day_match="and"),
        every("90s"),
        every("1h", after_finish=True),
        once(datetime(2027, 3, 1, tzinfo=UTC)),
        union(every("1h"), every("90m")),
    ],
)
def test_one_that_it_cannot_follow_has_none(recurrence: Recurrence) -> None:
    assert monitor_of(schedule(recurrence), FIVE, None) is None


def test_one_by_a_virtual_clock_has_none() -> None:
    assert monitor_of(schedule(every("1h"), clock="trial"), FIVE, None) is None


def test_jitter_is_waited_for_and_each_attempt_has_its_time() -> None:
    said = schedule(every("1h"), jitter=timedelta(seconds=90), max_attempts=3)

    config = monitor_of(said, FIVE, timedelta(seconds=50))

    assert config is not None
    assert (config["checkin_margin"], config["max_runtime"]) == (7, 3)


@pytest.mark.parametrize("name", ["Nightly report", "a.b", "a-b.", "x" * 80, "12345", "été", "..."])
def test_a_name_that_sentry_does_not_take_has_a_slug_of_its_own(name: str) -> None:
    slug = slug_of(name)

    assert re.fullmatch(r"[a-z0-9_-]+", slug)
    assert len(slug) <= LONGEST_SLUG
    assert slug != slug_of(f"{name}2")


def test_a_name_that_sentry_takes_is_the_slug() -> None:
    assert slug_of("nightly_report-2") == "nightly_report-2"
