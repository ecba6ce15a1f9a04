"""Schedules of users, in the words of those who made them."""

from __future__ import annotations

from typing import Any

import msgspec

from onbeat.app.facts.moments import absolute
from onbeat.app.user_schedules import UserSchedule
from onbeat.domain.durations import parse_duration
from onbeat.domain.schedules import Schedule
from onbeat.domain.user_schedules import FILLED_IN

MILLISECOND = parse_duration("0.001s", "every")


def user_schedule_data(made: UserSchedule) -> dict[str, Any]:
    """A user's schedule, as it was asked for and how it stands."""
    schedule, keep = made.schedule, made.keep
    asked = msgspec.json.decode(schedule.shown_args)
    given = {name: value for name, value in asked["args"].items() if name not in FILLED_IN}
    return {
        "schedulerId": schedule.name,
        "name": asked["task"],
        "data": {**given, "userId": schedule.owner},
        "schedule": {
            **_when(schedule),
            "startDate": absolute(schedule.start_at),
            "endDate": absolute(schedule.end_at),
        },
        "options": {
            "removeOnComplete": _count(None if keep is None else keep.completed_last),
            "removeOnFail": _count(None if keep is None else keep.failed_last),
        },
        "made": schedule.made,
        "createdAt": absolute(schedule.created_at),
        "nextRunAt": absolute(schedule.next_due_at),
        "lastRunAt": absolute(schedule.last_due_at),
        "lastJobId": schedule.last_job,
    }


def _when(schedule: Schedule) -> dict[str, Any]:
    spec = schedule.recurrence.spec()
    if spec["kind"] == "cron":
        return {"cron": spec["expr"], "tz": spec["tz"], "repeat": None}
    interval = parse_duration(str(spec["every"]), "every")
    repeat = {"every": interval // MILLISECOND, "limit": schedule.limit}
    return {"cron": None, "tz": spec["tz"], "repeat": repeat}


def _count(last: int | None) -> dict[str, int] | None:
    return None if last is None else {"count": last}
