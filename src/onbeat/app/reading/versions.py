"""A schedule as it was said before, to be said again."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from onbeat.app.reading.patches import args_given
from onbeat.domain.recurrence import recurrence_from_spec
from onbeat.domain.schedules import Schedule, Version, parse_catch_up, parse_overlap
from onbeat.store.payloads import priority_of

AS_THEY_STAND = ("task", "queue", "max_attempts", "ties", "limit", "pause_after")


def said_again(before: Schedule, version: Version) -> Schedule:
    """The schedule with what it said in that version; where that has `***` for a secret, it keeps
    what it has now. Raises InvalidInput where this cannot be read, or there is no such secret.
    """
    said = msgspec.json.decode(version.said)
    options = said["options"]
    return replace(
        before,
        **{each: said[each] for each in AS_THEY_STAND},
        recurrence=recurrence_from_spec(said["recurrence"]),
        args=args_given(said["args"], before, said["task"]),
        priority=priority_of(said["lane"]),
        options=None if options is None else msgspec.json.encode(options).decode(),
        catch_up=parse_catch_up(said["catch_up"]),
        overlap=parse_overlap(said["overlap"]),
        start_at=_moment(said["start_at"]),
        end_at=_moment(said["end_at"]),
        jitter=timedelta(microseconds=said["jitter"]),
    )


def _moment(told: Any) -> datetime | None:
    return None if told is None else datetime.fromisoformat(told)
