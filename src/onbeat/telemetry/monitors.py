"""A schedule as a cron monitor of Sentry's has it: its slug, when it is due, how long it may take.

Form: https://docs.sentry.io/product/crons/. Sentry knows minutes, five fields of cron and plain
intervals: a schedule that says more has no monitor, since Sentry would call moments missed that
were none.
"""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from typing import Any, Final

from onbeat.domain.recurrence import Recurrence
from onbeat.domain.recurrence.calendar import CalendarInterval
from onbeat.domain.recurrence.cron import Cron
from onbeat.domain.recurrence.interval import Elapsed
from onbeat.domain.schedules import Schedule

LONGEST_SLUG: Final = 50
HASH_DIGITS: Final = 8
MINUTE = timedelta(minutes=1)
UNITS = (("week", timedelta(weeks=1)), ("day", timedelta(days=1)), ("hour", timedelta(hours=1)),
         ("minute", MINUTE))  # fmt: skip

_MACROS = frozenset({"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@hourly"})
_FIELD = re.compile(
    r"(?:[\d*,/-]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun)+",
    re.IGNORECASE,
)
"""What is the same to Sentry; `L`, `W` and `#` are not."""


def slug_of(name: str) -> str:
    """The monitor's name: the schedule's own where Sentry takes it, else one that is no other's."""
    plain = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-")
    if plain == name and len(name) <= LONGEST_SLUG and not name.isdecimal():
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:HASH_DIGITS]
    return f"{plain[: LONGEST_SLUG - HASH_DIGITS - 1]}-{digest}".strip("-")


def monitor_of(
    schedule: Schedule, margin: timedelta, timeout: timedelta | None
) -> dict[str, Any] | None:
    """The monitor's configuration; None where Sentry cannot know when the schedule is due.

    A check-in may be late by `margin` and the schedule's jitter. All attempts of a job are one run
    of the monitor, each of `timeout` at most.
    """
    due = None if schedule.clock is not None else _due(schedule.recurrence)
    if due is None:
        return None
    config = {
        "schedule": due,
        "timezone": schedule.recurrence.zone,
        "checkin_margin": max(1, _minutes(margin + schedule.jitter)),
    }
    if timeout is not None:
        config["max_runtime"] = max(1, _minutes(timeout * schedule.max_attempts))
    return config


def _minutes(duration: timedelta) -> int:
    return -(-duration // MINUTE)


def _due(recurrence: Recurrence) -> dict[str, Any] | None:
    match recurrence:
        case Cron():
            return _crontab(recurrence)
        case Elapsed():
            return _interval(recurrence.interval)
        case CalendarInterval():
            return {"type": "interval", "value": recurrence.count, "unit": recurrence.unit}
        case _:
            return None


def _crontab(recurrence: Cron) -> dict[str, Any] | None:
    fields = recurrence.expression.split()
    if len(fields) == 6 and fields[0] == "0":
        fields = fields[1:]
    is_plain = len(fields) == 5 and all(map(_FIELD.fullmatch, fields))
    if recurrence.day_match == "and" or not (is_plain or recurrence.expression in _MACROS):
        return None
    return {"type": "crontab", "value": " ".join(fields)}


def _interval(interval: timedelta) -> dict[str, Any] | None:
    for unit, length in UNITS:
        if not interval % length:
            return {"type": "interval", "value": interval // length, "unit": unit}
    return None
